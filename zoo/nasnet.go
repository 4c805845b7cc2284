package zoo

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// NASNet is NASNet-A (arXiv 1707.07012) as TF-slim defines it: two reduction
// cells as a stem, then three runs of normal cells with a reduction between
// them. The input of a cell's previous state comes from before a reduction.
type NASNet struct {
	Info
	Stem    int // channels of the first convolution
	Width   int // of the cells of the first run
	Repeats int // normal cells of a run
	Normal  Cell
	Reduce  Cell
}

// nasnetMobile is NASNet-A 4 @ 1056. State 0 is "prev", state 1 "cur".
var nasnetMobile = NASNet{
	Info: Info{
		Name: "nasnet_a_mobile", Title: "NASNet-A mobile", Family: "nasnet", DropRate: 0.5,
		Input: input.Preprocess{Mean: inception, Std: inception},
		Paper: &Paper{Source: mixnetPaper, Params: 5.3, FLOPS: 564, Top1: 74.0, Top5: 91.3},
	},
	Stem: 32, Width: 44, Repeats: 4,
	Normal: Cell{Concat: []int{0, 2, 3, 4, 5, 6}, Steps: []Step{
		{{Sep5, 1}, {Sep3, 0}},
		{{Sep5, 0}, {Sep3, 0}},
		{{Avg3, 1}, {Skip, 0}},
		{{Avg3, 0}, {Avg3, 0}},
		{{Sep3, 1}, {Skip, 1}},
	}},
	Reduce: Cell{Concat: []int{3, 4, 5, 6}, Steps: []Step{
		{{Sep5, 1}, {Sep7, 0}},
		{{Max3, 1}, {Sep7, 0}},
		{{Avg3, 1}, {Sep5, 0}},
		{{Skip, 3}, {Avg3, 2}},
		{{Sep3, 2}, {Max3, 1}},
	}},
}

// Build makes the graph.
func (n NASNet) Build(o Options) (*graph.Graph, error) {
	info, err := o.apply(n.Info)
	if err != nil {
		return nil, err
	}
	b := newCellBuilder(n.Name, info.Input.Channels, graph.Same, graph.Norm{Eps: 1e-3, Momentum: 3e-4})
	stem := graph.ConvSpec{Out: n.Stem, Kernel: 3, Stride: 2, Padding: graph.Valid}
	cur := b.convNorm("conv0", "bn0", b.Input(), stem, graph.Identity)
	prev := cur

	type plan struct {
		width     int
		reduction bool
	}
	cells := []plan{{n.Width / 4, true}, {n.Width / 2, true}}
	for run := range 3 {
		if run > 0 {
			cells = append(cells, plan{n.Width << run, true})
		}
		for range n.Repeats {
			cells = append(cells, plan{n.Width << run, false})
		}
	}

	afterReduction := false
	for i, p := range cells {
		name := fmt.Sprintf("cells.%d", i)
		s1 := b.project(name+".cur", cur, p.width)
		s0 := prev
		switch {
		case afterReduction:
			s0 = b.reduce(name+".prev", prev, p.width)
		case i > 0:
			s0 = b.project(name+".prev", prev, p.width)
		}
		cell := n.Normal
		if p.reduction {
			cell = n.Reduce
		}
		b.dropPath = info.DropPath * float64(i+1) / float64(len(cells))
		out := b.cell(name, cell, s0, s1, p.width, p.reduction, func(step, side int) string {
			return fmt.Sprintf("%s.c%d.%s", name, step, [2]string{"left", "right"}[side])
		})
		prev, cur, afterReduction = cur, out, p.reduction
		if o.Aux && i == len(cells)-n.Repeats-2 {
			n.aux(b, cur, info.Classes)
		}
	}
	x := b.GlobalPool("global_pool", b.relu("head", cur))
	b.Output(graph.Features, x)
	x = b.Dropout("dropout", x, info.DropRate)
	b.Output(graph.Logits, b.Linear("classifier", x, info.Classes, true))
	return b.Build()
}

// aux adds the auxiliary classifier. It needs a map of at least 14×14.
func (n NASNet) aux(b *cellBuilder, x graph.ID, classes int) {
	x = b.Pool("aux.pool", b.relu("aux", x), graph.Pool{Kernel: 5, Stride: 3, Padding: graph.Valid})
	x = b.convNorm("aux.conv1", "aux.bn1", x, graph.ConvSpec{Out: 128}, graph.ReLU)
	x = b.convNorm("aux.conv2", "aux.bn2", x, graph.ConvSpec{Out: 768, Kernel: 4, Padding: graph.Valid}, graph.ReLU)
	x = b.GlobalPool("aux.mean", x)
	b.TrainingOutput("aux0", b.Linear("aux.fc", x, classes, true), 0.4)
}
