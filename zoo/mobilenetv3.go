package zoo

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// The squeeze-excite of MobileNetV3: a quarter of the expanded width, rounded
// to 8, with ReLU inside and a hard sigmoid as its gate.
var mobilenetV3SE = SqueezeExcite{OfExpanded: true, Divisor: 8, Act: graph.ReLU, Gate: graph.HardSigmoid}

// mobilenetV3Large is MobileNetV3-Large (arXiv 1905.02244, table 1).
var mobilenetV3Large = Network{
	Info: Info{
		Name: "mobilenetv3_large_100", Title: "MobileNetV3-Large", Family: "mobilenetv3", DropRate: 0.2,
		Note:  "the published 5.4 M parameters are cut off, not rounded",
		Paper: &Paper{Source: mixnetPaper, Params: 5.4, FLOPS: 217, Top1: 75.2},
		Weights: []Weights{
			{Tag: "ra_in1k"},
			{Tag: "ra4_e3600_r224_in1k", Input: &input.Preprocess{CropPct: 0.95, Mean: inception, Std: inception}},
			{Tag: "miil_in21k_ft_in1k", Input: &input.Preprocess{Interpolation: input.Bilinear, Mean: []float32{0, 0, 0}, Std: []float32{1, 1, 1}}},
		},
	},
	Act:  graph.HardSwish,
	Norm: pytorch,
	SE:   mobilenetV3SE,
	Stem: Stem{Out: 16},
	Stages: []Stage{
		{Kernels: k3, Out: 16, Act: graph.ReLU},

		{Kernels: k3, Expand: 4, Out: 24, Act: graph.ReLU, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 24, Act: graph.ReLU},

		{Kernels: k5, Expand: 3, Out: 40, SE: 0.25, Act: graph.ReLU, Stride: 2, Repeats: 3},

		{Kernels: k3, Expand: 6, Out: 80, Stride: 2},
		{Kernels: k3, Expand: 2.5, Out: 80},
		{Kernels: k3, Expand: 2.3, Out: 80, Repeats: 2},

		{Kernels: k3, Expand: 6, Out: 112, SE: 0.25, Repeats: 2},

		{Kernels: k5, Expand: 6, Out: 160, SE: 0.25, Stride: 2, Repeats: 3},

		{Kind: Plain, Kernels: k1, Out: 960},
	},
	Head: Head{Out: 1280, AfterPool: true},
}

// mobilenetV3Small is MobileNetV3-Small (arXiv 1905.02244, table 2).
var mobilenetV3Small = Network{
	Info: Info{
		Name: "mobilenetv3_small_100", Title: "MobileNetV3-Small", Family: "mobilenetv3", DropRate: 0.2,
		Note:    "the published figures are of the paper's first version; the network of the final one has fewer",
		Paper:   &Paper{Source: "MobileNetV3, arXiv 1905.02244, version 1", Params: 2.9, FLOPS: 66, Top1: 67.4},
		Weights: []Weights{{Tag: "lamb_in1k"}},
	},
	Act:  graph.HardSwish,
	Norm: pytorch,
	SE:   mobilenetV3SE,
	Stem: Stem{Out: 16},
	Stages: []Stage{
		{Kernels: k3, Out: 16, SE: 0.25, Act: graph.ReLU, Stride: 2},

		{Kernels: k3, Expand: 4.5, Out: 24, Act: graph.ReLU, Stride: 2},
		{Kernels: k3, Expand: 3.67, Out: 24, Act: graph.ReLU},

		{Kernels: k5, Expand: 4, Out: 40, SE: 0.25, Stride: 2},
		{Kernels: k5, Expand: 6, Out: 40, SE: 0.25, Repeats: 2},

		{Kernels: k5, Expand: 3, Out: 48, SE: 0.25, Repeats: 2},

		{Kernels: k5, Expand: 6, Out: 96, SE: 0.25, Stride: 2, Repeats: 3},

		{Kind: Plain, Kernels: k1, Out: 576},
	},
	Head: Head{Out: 1024, AfterPool: true},
}

// mobilenetV3s returns the family. At width 1.25 the 1280-channel layer stays;
// the expanded widths are either scaled by themselves or, as in TensorFlow's
// and timm's code, follow from the scaled and rounded input of each block.
func mobilenetV3s() []Network {
	large := widths(mobilenetV3Large, 75, 100, 125)
	timm := large[2]
	timm.Name, timm.Title = timm.Name+"_timm", timm.Title+" (timm)"
	timm.Note = "expanded widths are multiples of the rounded block widths"

	large[2] = scaledByThemselves(mobilenetV3Large, large[2], 1.25)
	large[2].Paper = &Paper{Source: mixnetPaper, Params: 7.5, FLOPS: 356, Top1: 76.6}
	large[2].Note = "expanded widths scaled by themselves; mobilenetv3_large_125_timm comes closer to the paper's multiply-adds"

	narrow := mobilenetV3Small
	narrow.Stem.Fixed = true
	small := append(widths(narrow, 50), widths(mobilenetV3Small, 75, 100)...)
	for i := range small {
		small[i].Weights = []Weights{{Tag: "lamb_in1k"}}
	}
	all := slices.Concat(large, []Network{timm}, small)
	for _, i := range []int{0, 1, 5, 6} { // widths 0.75 and 1, as TensorFlow released them
		n := tf(all[i])
		n.Input.Mean, n.Input.Std, n.Input.Interpolation = inception, inception, input.Bilinear
		n.Weights = []Weights{{Tag: "in1k"}}
		all = append(all, n)
	}
	return all
}

// scaledByThemselves returns n, a scaled version of base, with its expanded
// widths those of base times width, rounded to multiples of 8.
func scaledByThemselves(base, n Network, width float64) Network {
	n = n.Unrolled()
	blocks := n.blocks()
	for i, b := range base.blocks() {
		if b.Expand > 0 {
			n.Stages[i].Expand = float64(roundTo(float64(b.expanded(b.in))*width, 8)) / float64(blocks[i].in)
		}
	}
	return n
}
