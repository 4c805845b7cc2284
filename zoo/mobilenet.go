package zoo

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// inception is the normalisation to ±1 of TensorFlow's Inception preprocessing.
var inception = []float32{0.5, 0.5, 0.5}

// mobilenetV1 is MobileNetV1 (arXiv 1704.04861, table 1): depthwise-separable
// convolutions with activations after both, no residuals.
var mobilenetV1 = Network{
	Info: Info{
		Name: "mobilenetv1_100", Title: "MobileNetV1", Family: "mobilenetv1",
		Note:    "575 M are as MnasNet's table 1 prints; MobileNet's own paper has 569 M",
		Paper:   &Paper{Source: mixnetPaper, Params: 4.2, FLOPS: 575, Top1: 70.6, Top5: 89.5},
		Weights: ra4Weights,
	},
	Act:  graph.ReLU6,
	Norm: pytorch,
	Stem: Stem{Out: 32},
	Stages: []Stage{
		{Kernels: k3, Out: 64, ProjectAct: true, NoSkip: true},
		{Kernels: k3, Out: 128, ProjectAct: true, NoSkip: true, Stride: 2, Repeats: 2},
		{Kernels: k3, Out: 256, ProjectAct: true, NoSkip: true, Stride: 2, Repeats: 2},
		{Kernels: k3, Out: 512, ProjectAct: true, NoSkip: true, Stride: 2, Repeats: 6},
		{Kernels: k3, Out: 1024, ProjectAct: true, NoSkip: true, Stride: 2, Repeats: 2},
	},
}

// ra4Weights are timm's of MobileNetV1.
var ra4Weights = []Weights{{Tag: "ra4_e3600_r224_in1k"}}

// mobilenetV1s returns the widths of the paper and the wider one that timm has
// weights of.
func mobilenetV1s() []Network {
	all := widths(mobilenetV1, 25, 50, 75, 100, 125)
	for i, crop := range map[int]float64{3: 0, 4: 0.9} {
		all[i].Weights = ra4Weights
		all[i].Input = input.Preprocess{CropPct: crop, Mean: inception, Std: inception}
	}
	return all
}

// mobilenetV2 is MobileNetV2 (arXiv 1801.04381, table 2).
var mobilenetV2 = Network{
	Info: Info{
		Name: "mobilenetv2_100", Title: "MobileNetV2", Family: "mobilenetv2", DropRate: 0.2,
		Note:    "the published figures are cut off, not rounded: 3.47 M parameters without batch norm, 300.77 M multiply-adds",
		Paper:   &Paper{Source: mixnetPaper, Params: 3.4, FLOPS: 300, Top1: 72.0, Top5: 91.0},
		Weights: []Weights{{Tag: "ra_in1k"}},
	},
	Act:  graph.ReLU6,
	Norm: pytorch,
	Stem: Stem{Out: 32},
	Stages: []Stage{
		{Kernels: k3, Out: 16},
		{Kernels: k3, Expand: 6, Out: 24, Stride: 2, Repeats: 2},
		{Kernels: k3, Expand: 6, Out: 32, Stride: 2, Repeats: 3},
		{Kernels: k3, Expand: 6, Out: 64, Stride: 2, Repeats: 4},
		{Kernels: k3, Expand: 6, Out: 96, Repeats: 3},
		{Kernels: k3, Expand: 6, Out: 160, Stride: 2, Repeats: 3},
		{Kernels: k3, Expand: 6, Out: 320},
	},
	Head: Head{Out: 1280, Widen: true},
}

// mobilenetV2s returns the widths of the paper and timm's deeper variants,
// which keep stem and head and the depth of the first and last row.
func mobilenetV2s() []Network {
	all := widths(mobilenetV2, 35, 50, 75, 100, 130, 140)
	for i := range all {
		switch all[i].Name {
		case "mobilenetv2_050":
			all[i].Weights = []Weights{{Tag: "lamb_in1k"}}
		case "mobilenetv2_130":
			all[i].Paper = &Paper{Source: "MixConv, arXiv 1907.09595, figure 7", FLOPS: 514, Top1: 74.4}
			all[i].Note = "514 M is read off the figure"
		case "mobilenetv2_140":
			all[i].Paper = &Paper{Source: mixnetPaper, Params: 6.9, FLOPS: 585, Top1: 74.7, Top5: 92.5}
			all[i].Note = "the published 6.9 M parameters fit neither a head of 1280 nor of 1792 channels; 585 M are MnasNet's figure"
			all[i].Weights = []Weights{{Tag: "ra_in1k"}}
		}
	}
	for _, v := range []struct {
		name         string
		width, depth float64
	}{{"110d", 1.1, 1.2}, {"120d", 1.2, 1.4}} {
		n := mobilenetV2
		n.Stem.Fixed, n.Head.Widen = true, false
		n.Stages = slices.Clone(n.Stages)
		n.Stages[0].FixedDepth, n.Stages[len(n.Stages)-1].FixedDepth = true, true
		n = n.Scaled(v.width, v.depth, RoundUp)
		n.Name, n.Title, n.Paper = "mobilenetv2_"+v.name, "MobileNetV2 "+v.name, nil
		all = append(all, n)
	}
	return all
}
