package zoo

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/vision"
)

// half is the normalisation to ±1 of TensorFlow's Inception preprocessing.
var half = []float32{0.5, 0.5, 0.5}

// mobilenetV1 is MobileNetV1 (arXiv 1704.04861, table 1): depthwise-separable
// convolutions with activations after both, no residuals.
var mobilenetV1 = Network{
	Info: Info{
		Name: "mobilenetv1_100", Title: "MobileNetV1", Family: "mobilenetv1",
		Paper: &Paper{Source: mixnetPaper, Params: 4.2, FLOPS: 575, Top1: 70.6, Top5: 89.5},
		Weights: []Weights{{
			Tag:   "ra4_e3600_r224_in1k",
			Input: &vision.Preprocess{Mean: half, Std: half},
		}},
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

// mobilenetV2 is MobileNetV2 (arXiv 1801.04381, table 2).
var mobilenetV2 = Network{
	Info: Info{
		Name: "mobilenetv2_100", Title: "MobileNetV2", Family: "mobilenetv2", DropRate: 0.2,
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
