package nas

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/zoo"
)

// tables are the spaces that come with the package.
var tables = []func() (Table, error){mixnetTable, smallTable, mnasnetTable, fbnetTable, proxylessTable, macroTable}

// Spaces returns the names of the spaces that come with the package.
func Spaces() []string {
	var names []string
	for _, make := range tables {
		if t, err := make(); err == nil {
			names = append(names, t.Base.Name)
		}
	}
	return names
}

// Lookup returns a space that comes with the package.
func Lookup(name string) (*TableSpace, error) {
	for _, make := range tables {
		t, err := make()
		if err != nil {
			return nil, err
		}
		if t.Base.Name == name {
			return NewTable(t)
		}
	}
	return nil, fmt.Errorf("no search space %q: want %s", name, strings.Join(Spaces(), ", "))
}

// MixKernels lists the kernel sizes of MixConv with 1 to g groups: 3, then 3
// and 5, up to 3, 5, … 2g+1 (section 4.1 of the MixConv paper).
func MixKernels(g int) [][]int {
	var all [][]int
	for i := range g {
		all = append(all, zoo.MixKernels(i+1))
	}
	return all
}

// base returns what a space takes over of a network of the zoo.
func base(network, name, title, note string) (zoo.Network, error) {
	spec, err := zoo.Lookup(network)
	if err != nil {
		return zoo.Network{}, err
	}
	n, ok := spec.(zoo.Network)
	if !ok {
		return zoo.Network{}, fmt.Errorf("network %s is no table of inverted residuals", network)
	}
	n.Name, n.Title, n.Note, n.Family = name, title, note, "searched"
	n.Paper, n.Weights, n.Stages = nil, nil, nil
	return n, nil
}

// mixnetTable is the space of the MixConv paper, section 4.1: MnasNet's with
// MixConv of up to five groups. MixNet-S and -M are points of it.
func mixnetTable() (Table, error) {
	b, err := base("mixnet_s", "mixnet", "MixNet space", "MixConv of one to five groups in every block, as in the MixConv paper")
	if err != nil {
		return Table{}, err
	}
	block := BlockChoices{
		Kernels: MixKernels(5), Expand: []float64{3, 6}, SE: []float64{0, 0.25, 0.5},
		Act: []graph.Activation{graph.ReLU, graph.Swish}, ExpandGroups: []int{1, 2}, ProjectGroups: []int{1, 2},
	}
	return Table{
		Base: b, Stem: []int{16, 24},
		Stages: []StageChoices{
			{Out: []int{16, 24}, First: BlockChoices{Kernels: [][]int{{3}}}},
			{Out: []int{24, 32, 40}, Stride: 2, Depth: []int{1, 2, 3, 4}, First: block},
			{Out: []int{32, 40, 48}, Stride: 2, Depth: []int{2, 3, 4, 5}, First: block},
			{Out: []int{64, 80, 96}, Stride: 2, Depth: []int{2, 3, 4, 5}, First: block},
			{Out: []int{88, 120, 152}, Depth: []int{2, 3, 4, 5}, First: block},
			{Out: []int{152, 200, 248}, Stride: 2, Depth: []int{2, 3, 4, 5}, First: block},
		},
	}, nil
}

// smallTable is for images of 28 to 64 pixels: full resolution in the stem, and
// no kernel that is larger than the maps of 32 pixels' images.
func smallTable() (Table, error) {
	b, err := base("mixnet_cifar", "mixnet-small", "small MixNet space", "MixConv for images of 28 to 64 pixels")
	if err != nil {
		return Table{}, err
	}
	block := func(groups int) BlockChoices {
		return BlockChoices{
			Kernels: MixKernels(groups), Expand: []float64{3, 6}, SE: []float64{0, 0.25, 0.5},
			Act: []graph.Activation{graph.ReLU, graph.Swish}, ExpandGroups: []int{1, 2}, ProjectGroups: []int{1, 2},
		}
	}
	return Table{
		Base: b, Stem: []int{16, 24},
		Stages: []StageChoices{
			{Out: []int{16, 24, 32}, Depth: []int{1, 2}, First: BlockChoices{Kernels: MixKernels(4), SE: []float64{0, 0.25}}},
			{Out: []int{24, 32, 40}, Stride: 2, Depth: []int{1, 2, 3}, First: block(4)},
			{Out: []int{48, 64, 80}, Stride: 2, Depth: []int{1, 2, 3}, First: block(3)},
			{Out: []int{72, 96, 120}, Depth: []int{1, 2, 3}, First: block(3)},
		},
	}, nil
}

// mnasnetTable has MnasNet's choices (arXiv 1807.11626, section 4) for inverted
// residuals: one block a stage, repeated.
func mnasnetTable() (Table, error) {
	b, err := base("mnasnet_100", "mnasnet", "MnasNet space", "kernel, expansion and squeeze-excite for each stage")
	if err != nil {
		return Table{}, err
	}
	block := BlockChoices{Kernels: [][]int{{3}, {5}}, Expand: []float64{3, 6}, SE: []float64{0, 0.25}}
	stage := func(stride int, out []int, depth ...int) StageChoices {
		return StageChoices{Out: out, Stride: stride, Depth: depth, First: block, Shared: true}
	}
	return Table{
		Base: b,
		Stages: []StageChoices{
			{Out: []int{16}, First: BlockChoices{Kernels: [][]int{{3}}}},
			stage(2, []int{16, 24, 32}, 1, 2, 3),
			stage(2, []int{24, 32, 40}, 2, 3, 4),
			stage(2, []int{48, 64, 80}, 3, 4, 5),
			stage(1, []int{72, 96, 112, 120}, 2, 3, 4),
			stage(2, []int{120, 160, 192, 200}, 2, 3, 4),
			stage(1, []int{240, 320, 400}, 1, 2),
		},
	}, nil
}

// fbnetTable is FBNet's (arXiv 1812.03443, tables 1 and 2): nine blocks for each
// of 22 layers. FBNet-A, -B and -C are points of it.
func fbnetTable() (Table, error) {
	b, err := base("fbnet_c", "fbnet", "FBNet space", "nine candidate blocks a layer")
	if err != nil {
		return Table{}, err
	}
	row := func(name string, kernel int, expand float64, groups int) Row {
		r := Row{Name: name, Stage: zoo.Stage{Kernels: []int{kernel}, Expand: expand}}
		if groups > 1 {
			r.ProjectGroups, r.Shuffle = groups, true
		}
		return r
	}
	rows := []Row{
		row("k3_e1", 3, 0, 1), row("k3_e1_g2", 3, 0, 2), row("k3_e3", 3, 3, 1), row("k3_e6", 3, 6, 1),
		row("k5_e1", 5, 0, 1), row("k5_e1_g2", 5, 0, 2), row("k5_e3", 5, 3, 1), row("k5_e6", 5, 6, 1),
	}
	rest := append(slices.Clone(rows), Row{Name: "skip", None: true})
	stage := func(out, stride, depth int) StageChoices {
		s := StageChoices{Out: []int{out}, Stride: stride, Depth: []int{depth}, First: BlockChoices{Rows: rows}}
		if depth > 1 {
			s.Rest = &BlockChoices{Rows: rest}
		}
		return s
	}
	first := stage(16, 1, 1)
	first.First.Rows = rest
	return Table{
		Base: b, Head: []int{1504, 1984},
		Stages: []StageChoices{
			first, stage(24, 2, 4), stage(32, 2, 4), stage(64, 2, 4), stage(112, 1, 4), stage(184, 2, 4), stage(352, 1, 1),
		},
	}, nil
}

// proxylessTable is ProxylessNAS's (arXiv 1812.00332, section 4.2) at the widths
// of its network for phones, which is a point of it.
func proxylessTable() (Table, error) {
	b, err := base("proxylessnas_mobile", "proxyless", "ProxylessNAS space", "kernels 3, 5 and 7 at expansion 3 and 6, or nothing, a layer")
	if err != nil {
		return Table{}, err
	}
	var rows []Row
	for _, k := range []int{3, 5, 7} {
		for _, e := range []float64{3, 6} {
			rows = append(rows, Row{Name: fmt.Sprintf("k%d_e%g", k, e), Stage: zoo.Stage{Kernels: []int{k}, Expand: e}})
		}
	}
	rest := append(slices.Clone(rows), Row{Name: "skip", None: true})
	stage := func(out, stride, depth int) StageChoices {
		s := StageChoices{Out: []int{out}, Stride: stride, Depth: []int{depth}, First: BlockChoices{Rows: rows}}
		if depth > 1 {
			s.Rest = &BlockChoices{Rows: rest}
		}
		return s
	}
	return Table{
		Base: b,
		Stages: []StageChoices{
			{Out: []int{16}, First: BlockChoices{Kernels: [][]int{{3}}}},
			stage(32, 2, 4), stage(40, 2, 4), stage(80, 2, 4), stage(96, 1, 4), stage(192, 2, 4), stage(320, 1, 1),
		},
	}, nil
}

// macroTable is NAS-Bench-Macro's (Su et al., Prioritized Architecture Sampling
// with Monto-Carlo Tree Search, 2021): three blocks for each of eight layers, in
// the order of the digits of its keys.
func macroTable() (Table, error) {
	blocks := []Row{
		{Name: "MB3_K3", Stage: zoo.Stage{Kernels: []int{3}, Expand: 3}},
		{Name: "MB6_K5", Stage: zoo.Stage{Kernels: []int{5}, Expand: 6}},
	}
	first := append([]Row{{Name: "identity", Stage: zoo.Stage{Kind: zoo.Linear, Kernels: []int{1}}}}, blocks...)
	rest := append([]Row{{Name: "identity", None: true}}, blocks...)
	stage := func(out, depth int) StageChoices {
		return StageChoices{Out: []int{out}, Stride: 2, Depth: []int{depth}, First: BlockChoices{Rows: first}, Rest: &BlockChoices{Rows: rest}}
	}
	return Table{
		Base: zoo.Network{
			Info: zoo.Info{
				Name: "nas-bench-macro", Title: "NAS-Bench-Macro", Family: "searched", Classes: 10,
				Input: input.Preprocess{
					Size: [2]int{32, 32}, CropPct: 1, Interpolation: input.Bilinear,
					Mean: []float32{0.4914, 0.4822, 0.4465}, Std: []float32{0.2470, 0.2435, 0.2616},
				},
			},
			Norm: graph.Norm{Eps: 1e-5, Momentum: 0.1},
			Stem: zoo.Stem{Out: 32, Stride: 1},
			Head: zoo.Head{Out: 1280},
		},
		Stages: []StageChoices{stage(64, 2), stage(128, 3), stage(256, 3)},
	}, nil
}
