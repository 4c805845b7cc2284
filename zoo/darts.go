package zoo

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
)

// DARTS is a network of searched cells in the ImageNet setting of DARTS (arXiv
// 1806.09055): two stems, then cells of which those at one and two thirds of
// the depth halve the resolution and double the width.
type DARTS struct {
	Info
	Width  int // of the cells before the first reduction
	Cells  int
	Normal Cell
	Reduce Cell
}

// dartsNote says why no count fits the row of the MixConv paper.
const dartsNote = "table 2's row (4.9 M, 595 M) is of DARTS's first version and fits neither released genotype"

// dartses returns the two genotypes that were released.
func dartses() []DARTS {
	join := []int{2, 3, 4, 5}
	return []DARTS{
		{
			Info:  Info{Name: "darts_v1", Title: "DARTS (first order)", Family: "darts", Note: dartsNote},
			Width: 48, Cells: 14,
			Normal: Cell{Concat: join, Steps: []Step{
				{{Sep3, 1}, {Sep3, 0}},
				{{Skip, 0}, {Sep3, 1}},
				{{Skip, 0}, {Sep3, 1}},
				{{Sep3, 0}, {Skip, 2}},
			}},
			Reduce: Cell{Concat: join, Steps: []Step{
				{{Max3, 0}, {Max3, 1}},
				{{Skip, 2}, {Max3, 0}},
				{{Max3, 0}, {Skip, 2}},
				{{Skip, 2}, {Avg3, 0}},
			}},
		},
		{
			Info: Info{
				Name: "darts_v2", Title: "DARTS", Family: "darts", Note: dartsNote,
				Paper: &Paper{Source: mixnetPaper, Params: 4.9, FLOPS: 595, Top1: 73.1, Top5: 91},
			},
			Width: 48, Cells: 14,
			Normal: Cell{Concat: join, Steps: []Step{
				{{Sep3, 0}, {Sep3, 1}},
				{{Sep3, 0}, {Sep3, 1}},
				{{Sep3, 1}, {Skip, 0}},
				{{Skip, 0}, {Dil3, 2}},
			}},
			Reduce: Cell{Concat: join, Steps: []Step{
				{{Max3, 0}, {Max3, 1}},
				{{Skip, 2}, {Max3, 1}},
				{{Max3, 0}, {Skip, 2}},
				{{Skip, 2}, {Max3, 1}},
			}},
		},
	}
}

// Build makes the graph.
func (n DARTS) Build(o Options) (*graph.Graph, error) {
	info, err := o.apply(n.Info)
	if err != nil {
		return nil, err
	}
	b := newCellBuilder(n.Name, info.Input.Channels, graph.Symmetric, pytorch)
	half := graph.ConvSpec{Out: n.Width / 2, Kernel: 3, Stride: 2}
	full := graph.ConvSpec{Out: n.Width, Kernel: 3, Stride: 2}
	x := b.convNorm("stem0.conv1", "stem0.bn1", b.Input(), half, graph.ReLU)
	prev := b.convNorm("stem0.conv2", "stem0.bn2", x, full, graph.Identity)
	cur := b.convNorm("stem1.conv", "stem1.bn", b.relu("stem1", prev), full, graph.Identity)

	c, afterReduction := n.Width, true
	for i := range n.Cells {
		name := fmt.Sprintf("cells.%d", i)
		cell, reduction := n.Normal, i == n.Cells/3 || i == 2*n.Cells/3
		if reduction {
			cell, c = n.Reduce, 2*c
		}
		var s0 graph.ID
		if afterReduction {
			s0 = b.reduce(name+".pre0", prev, c)
		} else {
			s0 = b.project(name+".pre0", prev, c)
		}
		s1 := b.project(name+".pre1", cur, c)
		b.dropPath = info.DropPath * float64(i+1) / float64(n.Cells)
		out := b.cell(name, cell, s0, s1, c, reduction, func(step, side int) string {
			return fmt.Sprintf("%s.ops.%d", name, 2*step+side)
		})
		prev, cur, afterReduction = cur, out, reduction
		if o.Aux && i == 2*n.Cells/3 {
			n.aux(b, cur, info.Classes)
		}
	}
	x = b.GlobalPool("global_pool", cur)
	b.Output(graph.Features, x)
	x = b.Dropout("dropout", x, info.DropRate)
	b.Output(graph.Logits, b.Linear("classifier", x, info.Classes, true))
	return b.Build()
}

// aux adds the auxiliary classifier. It needs a map of at least 7×7.
func (n DARTS) aux(b *cellBuilder, x graph.ID, classes int) {
	x = b.Pool("aux.pool", b.relu("aux", x), graph.Pool{Kernel: 5, Stride: 2, Padding: graph.Valid})
	x = b.convNorm("aux.conv1", "aux.bn1", x, graph.ConvSpec{Out: 128}, graph.ReLU)
	x = b.Conv("aux.conv2", x, graph.ConvSpec{Out: 768, Kernel: 2, Padding: graph.Valid})
	x = b.GlobalPool("aux.mean", b.Activate("aux.conv2.act", x, graph.ReLU))
	b.TrainingOutput("aux0", b.Linear("aux.fc", x, classes, true), 0.4)
}
