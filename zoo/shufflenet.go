package zoo

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// ShuffleNetV1 is ShuffleNet (arXiv 1707.01083): grouped 1×1 convolutions with
// a channel shuffle between them. The bottleneck is a quarter of a unit's
// output.
type ShuffleNetV1 struct {
	Info
	Groups  int
	Stem    int
	Repeats [3]int // units of the stages; the first of each has stride 2
	Out     [3]int // output channels of the stages
}

// shuffleNetV1s returns the widths of the paper for 3 and 8 groups.
func shuffleNetV1s() []ShuffleNetV1 {
	var all []ShuffleNetV1
	for _, v := range []struct {
		groups int
		name   string
		title  string
		stem   int
		out    int
		paper  *Paper
	}{
		{3, "0_5", "0.5×", 12, 120, nil},
		{3, "1_0", "1×", 24, 240, &Paper{Top1: 67.4}},
		{3, "1_5", "1.5×", 24, 360, &Paper{Params: 3.4, FLOPS: 292, Top1: 71.5}},
		{3, "2_0", "2×", 48, 480, &Paper{Params: 5.4, FLOPS: 524, Top1: 73.7}},
		{8, "0_5", "0.5×", 16, 192, nil},
		{8, "1_0", "1×", 24, 384, nil},
		{8, "1_5", "1.5×", 24, 576, nil},
		{8, "2_0", "2×", 48, 768, nil},
	} {
		if v.paper != nil {
			v.paper.Source = "ShuffleNet, arXiv 1707.01083"
		}
		note := ""
		if v.title == "2×" && v.groups == 3 {
			note = "without the classifier's bias it has the published 5.4 M parameters"
		}
		all = append(all, ShuffleNetV1{
			Info: Info{
				Name:   fmt.Sprintf("shufflenet_v1_g%d_x%s", v.groups, v.name),
				Title:  fmt.Sprintf("ShuffleNetV1 %s (g=%d)", v.title, v.groups),
				Family: "shufflenetv1", Paper: v.paper, Note: note,
			},
			Groups: v.groups, Stem: v.stem, Repeats: [3]int{4, 8, 4}, Out: [3]int{v.out, 2 * v.out, 4 * v.out},
		})
	}
	return all
}

// Build makes the graph. The shuffle follows the first 1×1 convolution as in
// the paper; average pools count the padding as in the released code.
func (n ShuffleNetV1) Build(o Options) (*graph.Graph, error) {
	info, err := o.apply(n.Info)
	if err != nil {
		return nil, err
	}
	b := convBuilder{graph.NewBuilder(n.Name, info.Input.Channels)}
	b.Norm = pytorch
	x := b.convNorm("conv_stem", "bn1", b.Input(), graph.ConvSpec{Out: n.Stem, Kernel: 3, Stride: 2}, graph.ReLU)
	x = b.Pool("maxpool", x, graph.Pool{Max: true, Kernel: 3, Stride: 2})
	for stage, out := range n.Out {
		for i := range n.Repeats[stage] {
			groups := n.Groups
			if stage == 0 && i == 0 {
				groups = 1 // the input of the first unit is too narrow
			}
			name := fmt.Sprintf("blocks.%d.%d", stage, i)
			x = n.unit(b, name, x, out, groups, i == 0)
			b.Block(name, x)
		}
	}
	x = b.GlobalPool("global_pool", x)
	b.Output(graph.Features, x)
	x = b.Dropout("dropout", x, info.DropRate)
	b.Output(graph.Logits, b.Linear("classifier", x, info.Classes, true))
	return b.Build()
}

// unit adds a ShuffleNet unit. With a stride it concatenates the pooled input
// where it adds the input otherwise.
func (n ShuffleNetV1) unit(b convBuilder, name string, in graph.ID, out, groups int, strided bool) graph.ID {
	stride, branch := 1, out
	if strided {
		stride, branch = 2, out-b.Channels(in)
	}
	x := b.convNorm(name+".conv_pw", name+".bn1", in, graph.ConvSpec{Out: out / 4, Groups: groups}, graph.ReLU)
	x = b.Shuffle(name+".shuffle", x, n.Groups)
	x = b.MixConv(name+".conv_dw", x, graph.MixSpec{Kernels: k3, Stride: stride})
	x = b.norm(name+".bn2", x, graph.Identity)
	x = b.convNorm(name+".conv_pwl", name+".bn3", x, graph.ConvSpec{Out: branch, Groups: n.Groups}, graph.Identity)
	if !strided {
		return b.Activate(name+".act", b.Add(name+".add", in, x), graph.ReLU)
	}
	x = b.Activate(name+".act", x, graph.ReLU)
	pooled := b.Pool(name+".pool", in, graph.Pool{Kernel: 3, Stride: 2, CountPad: true})
	return b.Concat(name+".concat", pooled, x)
}

// ShuffleNetV2 is ShuffleNetV2 (arXiv 1807.11164): half of the channels pass a
// unit untouched. Parameters are named as in torchvision.
type ShuffleNetV2 struct {
	Info
	Stem    int
	Repeats [3]int
	Out     [3]int
	Head    int
	// KeepWidth is Megvii's first unit of a stage: the branch of the input
	// keeps its width and the other makes up the rest, where torchvision
	// gives both half.
	KeepWidth bool
}

// shuffleNetV2s returns torchvision's networks and Megvii's.
func shuffleNetV2s() []ShuffleNetV2 {
	var all []ShuffleNetV2
	for _, v := range []struct {
		name, title string
		out         [3]int
		head        int
		paper       *Paper
	}{
		{"0_5", "0.5×", [3]int{48, 96, 192}, 1024, nil},
		{"1_0", "1×", [3]int{116, 232, 464}, 1024, nil},
		{"1_5", "1.5×", [3]int{176, 352, 704}, 1024, &Paper{Source: mixnetPaper, FLOPS: 299, Top1: 72.6}},
		{"2_0", "2×", [3]int{244, 488, 976}, 2048, &Paper{Source: mixnetPaper, FLOPS: 597, Top1: 75.4}},
	} {
		n := ShuffleNetV2{
			Info: Info{
				Name: "shufflenet_v2_x" + v.name, Title: "ShuffleNetV2 " + v.title, Family: "shufflenetv2",
				Input: input.Preprocess{Interpolation: input.Bilinear},
			},
			Stem: 24, Repeats: [3]int{4, 8, 4}, Out: v.out, Head: v.head,
		}
		m := n
		m.Name, m.Title, m.KeepWidth = "shufflenet_v2_proj_x"+v.name, n.Title+" (Megvii)", true
		m.Paper = v.paper
		m.Note = "as the authors released it; torchvision's splits the first unit of a stage evenly"
		if v.name == "2_0" {
			m.Note += "; its own paper has 591 M, MnasNet's and this 597 M"
		}
		all = append(all, n, m)
	}
	return all
}

// Build makes the graph.
func (n ShuffleNetV2) Build(o Options) (*graph.Graph, error) {
	info, err := o.apply(n.Info)
	if err != nil {
		return nil, err
	}
	b := convBuilder{graph.NewBuilder(n.Name, info.Input.Channels)}
	b.Norm = pytorch
	x := b.convNorm("conv1.0", "conv1.1", b.Input(), graph.ConvSpec{Out: n.Stem, Kernel: 3, Stride: 2}, graph.ReLU)
	x = b.Pool("maxpool", x, graph.Pool{Max: true, Kernel: 3, Stride: 2})
	for stage, out := range n.Out {
		for i := range n.Repeats[stage] {
			name := fmt.Sprintf("stage%d.%d", stage+2, i)
			if i == 0 {
				x = n.strided(b, name, x, out)
			} else {
				x = n.unit(b, name, x)
			}
			x = b.Shuffle(name+".shuffle", x, 2)
			b.Block(name, x)
		}
	}
	x = b.convNorm("conv5.0", "conv5.1", x, graph.ConvSpec{Out: n.Head}, graph.ReLU)
	x = b.GlobalPool("global_pool", x)
	b.Output(graph.Features, x)
	x = b.Dropout("dropout", x, info.DropRate)
	b.Output(graph.Logits, b.Linear("fc", x, info.Classes, true))
	return b.Build()
}

// unit leaves half of the channels alone.
func (n ShuffleNetV2) unit(b convBuilder, name string, x graph.ID) graph.ID {
	c := b.Channels(x)
	left := b.Slice(name+".left", x, 0, c/2)
	right := b.Slice(name+".right", x, c/2, c)
	return b.Concat(name+".concat", left, n.branch(b, name+".branch2", right, c-c/2, 1))
}

// strided halves the resolution in both branches.
func (n ShuffleNetV2) strided(b convBuilder, name string, x graph.ID, out int) graph.ID {
	left := out / 2
	if n.KeepWidth {
		left = b.Channels(x)
	}
	p := name + ".branch1"
	y := b.MixConv(p+".0", x, graph.MixSpec{Kernels: k3, Stride: 2})
	y = b.norm(p+".1", y, graph.Identity)
	y = b.convNorm(p+".2", p+".3", y, graph.ConvSpec{Out: left}, graph.ReLU)
	return b.Concat(name+".concat", y, n.branch(b, name+".branch2", x, out-left, 2))
}

// branch adds 1×1, depthwise 3×3 and 1×1 convolutions.
func (n ShuffleNetV2) branch(b convBuilder, p string, x graph.ID, out, stride int) graph.ID {
	mid := out
	if stride == 2 && n.KeepWidth {
		mid = (out + b.Channels(x)) / 2
	}
	x = b.convNorm(p+".0", p+".1", x, graph.ConvSpec{Out: mid}, graph.ReLU)
	x = b.MixConv(p+".3", x, graph.MixSpec{Kernels: k3, Stride: stride})
	x = b.norm(p+".4", x, graph.Identity)
	return b.convNorm(p+".5", p+".6", x, graph.ConvSpec{Out: out}, graph.ReLU)
}
