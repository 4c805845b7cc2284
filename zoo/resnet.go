package zoo

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// ResNet is a residual network (arXiv 1512.03385) in the version everyone
// trains: the stride of a bottleneck is in its 3×3 convolution. Parameters are
// named as in timm and torchvision.
type ResNet struct {
	Info
	Bottleneck bool   // 1×1, 3×3, 1×1 widening by 4; else two 3×3
	Blocks     [4]int // of the stages of 64, 128, 256 and 512 channels
}

// resnets returns the family.
func resnets() []ResNet {
	named := func(layers int, bottleneck bool, blocks [4]int) ResNet {
		return ResNet{
			Info: Info{
				Name: fmt.Sprintf("resnet%d", layers), Title: fmt.Sprintf("ResNet-%d", layers), Family: "resnet",
				Input: input.Preprocess{Interpolation: input.Bilinear},
				Weights: []Weights{
					{Tag: "tv_in1k"},
					{Tag: "a1_in1k", Input: &input.Preprocess{CropPct: 0.95}},
				},
			},
			Bottleneck: bottleneck, Blocks: blocks,
		}
	}
	largest := named(152, true, [4]int{3, 8, 36, 3})
	largest.Paper = &Paper{Source: mixnetPaper, Params: 60, FLOPS: 11000, Top1: 77.0, Top5: 93.3}
	largest.Note = `printed as "ResNet-153", with the rounded 11 B of its first version, whose stride is in the 1×1`
	return []ResNet{
		named(18, false, [4]int{2, 2, 2, 2}),
		named(34, false, [4]int{3, 4, 6, 3}),
		named(50, true, [4]int{3, 4, 6, 3}),
		named(101, true, [4]int{3, 4, 23, 3}),
		largest,
	}
}

// Build makes the graph.
func (n ResNet) Build(o Options) (*graph.Graph, error) {
	info, err := o.apply(n.Info)
	if err != nil {
		return nil, err
	}
	b := resnetBuilder{convBuilder{graph.NewBuilder(n.Name, info.Input.Channels)}}
	b.Norm = pytorch
	x := b.convNorm("conv1", "bn1", b.Input(), graph.ConvSpec{Out: 64, Kernel: 7, Stride: 2}, graph.ReLU)
	x = b.Pool("maxpool", x, graph.Pool{Max: true, Kernel: 3, Stride: 2})

	total, number := 0, 0
	for _, repeats := range n.Blocks {
		total += repeats
	}
	for stage, repeats := range n.Blocks {
		for i := range repeats {
			name := fmt.Sprintf("layer%d.%d", stage+1, i)
			stride := 1
			if i == 0 && stage > 0 {
				stride = 2
			}
			x = b.block(name, x, 64<<stage, stride, n.Bottleneck, info.DropPath*float64(number)/float64(total))
			b.Block(name, x)
			number++
		}
	}
	x = b.GlobalPool("global_pool", x)
	b.Output(graph.Features, x)
	x = b.Dropout("dropout", x, info.DropRate)
	b.Output(graph.Logits, b.Linear("fc", x, info.Classes, true))
	return b.Build()
}

type resnetBuilder struct{ convBuilder }

func (b resnetBuilder) block(name string, in graph.ID, width, stride int, bottleneck bool, dropPath float64) graph.ID {
	x, out := in, width
	if bottleneck {
		out = 4 * width
		x = b.convNorm(name+".conv1", name+".bn1", x, graph.ConvSpec{Out: width}, graph.ReLU)
		x = b.convNorm(name+".conv2", name+".bn2", x, graph.ConvSpec{Out: width, Kernel: 3, Stride: stride}, graph.ReLU)
		x = b.convNorm(name+".conv3", name+".bn3", x, graph.ConvSpec{Out: out}, graph.Identity)
	} else {
		x = b.convNorm(name+".conv1", name+".bn1", x, graph.ConvSpec{Out: width, Kernel: 3, Stride: stride}, graph.ReLU)
		x = b.convNorm(name+".conv2", name+".bn2", x, graph.ConvSpec{Out: width, Kernel: 3}, graph.Identity)
	}
	x = b.DropPath(name+".drop_path", x, dropPath)
	shortcut := in
	if stride > 1 || b.Channels(in) != out {
		shortcut = b.convNorm(name+".downsample.0", name+".downsample.1", in, graph.ConvSpec{Out: out, Stride: stride}, graph.Identity)
	}
	return b.Activate(name+".act", b.Add(name+".add", x, shortcut), graph.ReLU)
}
