package zoo

import (
	"cmp"

	"github.com/mixnet-go/mixnet/input"
)

// FBNet (arXiv 1812.03443) as mobile-vision defines it: a block that does not
// expand has no expansion convolution, and a grouped block shuffles its
// channels before the depthwise convolution. Removed blocks are left out.
//
// The published multiply-adds follow no one convention; with all expansions
// kept A has 249.9 M, B 306.2 M and C 385.0 M.

const fbnetNote = "the published counts fit neither mobile-vision's definition nor one with all expansions"

var fbnetA = Network{
	Info: Info{
		Name: "fbnet_a", Title: "FBNet-A", Family: "fbnet", DropRate: 0.2,
		Note:  "with the 1×1 convolutions that do not expand it has the 249.9 M of the paper",
		Paper: &Paper{Source: mixnetPaper, Params: 4.3, FLOPS: 249, Top1: 73.0},
	},
	Norm: pytorch,
	Stem: Stem{Out: 16},
	Stages: []Stage{
		{Kernels: k3, Expand: 3, Out: 24, Stride: 2},
		{Kernels: k3, Out: 24},

		{Kernels: k5, Expand: 6, Out: 32, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 32},
		{Kernels: k5, Out: 32},
		{Kernels: k3, Expand: 3, Out: 32},

		{Kernels: k5, Expand: 6, Out: 64, Stride: 2},
		{Kernels: k5, Expand: 3, Out: 64},
		{Kernels: k5, Out: 64, ProjectGroups: 2, Shuffle: true},
		{Kernels: k5, Expand: 6, Out: 64},

		{Kernels: k3, Expand: 6, Out: 112},
		{Kernels: k5, Out: 112, ProjectGroups: 2, Shuffle: true},
		{Kernels: k5, Expand: 3, Out: 112},
		{Kernels: k3, Out: 112, ProjectGroups: 2, Shuffle: true},

		{Kernels: k5, Expand: 6, Out: 184, Stride: 2, Repeats: 2},
		{Kernels: k5, Expand: 3, Out: 184},
		{Kernels: k5, Expand: 6, Out: 184},

		{Kernels: k5, Expand: 6, Out: 352},
	},
	Head: Head{Out: 1504},
}

var fbnetB = Network{
	Info: Info{
		Name: "fbnet_b", Title: "FBNet-B", Family: "fbnet", DropRate: 0.2,
		Note:  fbnetNote,
		Paper: &Paper{Source: "FBNet, arXiv 1812.03443", Params: 4.5, FLOPS: 295, Top1: 74.1},
	},
	Norm: pytorch,
	Stem: Stem{Out: 16},
	Stages: []Stage{
		{Kernels: k3, Out: 16},

		{Kernels: k3, Expand: 6, Out: 24, Stride: 2},
		{Kernels: k5, Out: 24},
		{Kernels: k3, Out: 24, Repeats: 2},

		{Kernels: k5, Expand: 6, Out: 32, Stride: 2},
		{Kernels: k5, Expand: 3, Out: 32},
		{Kernels: k3, Expand: 6, Out: 32},
		{Kernels: k5, Expand: 6, Out: 32},

		{Kernels: k5, Expand: 6, Out: 64, Stride: 2, Repeats: 2},
		{Kernels: k5, Expand: 3, Out: 64},

		{Kernels: k5, Expand: 6, Out: 112},
		{Kernels: k3, Out: 112},
		{Kernels: k5, Out: 112},
		{Kernels: k5, Expand: 3, Out: 112},

		{Kernels: k5, Expand: 6, Out: 184, Stride: 2},
		{Kernels: k5, Out: 184},
		{Kernels: k5, Expand: 6, Out: 184, Repeats: 2},

		{Kernels: k3, Expand: 6, Out: 352},
	},
	Head: Head{Out: 1984},
}

var fbnetC = Network{
	Info: Info{
		Name: "fbnet_c", Title: "FBNet-C", Family: "fbnet", DropRate: 0.2,
		Note:  fbnetNote,
		Paper: &Paper{Source: mixnetPaper, Params: 5.5, FLOPS: 375, Top1: 74.9},
	},
	Norm: pytorch,
	Stem: Stem{Out: 16},
	Stages: []Stage{
		{Kernels: k3, Out: 16},

		{Kernels: k3, Expand: 6, Out: 24, Stride: 2},
		{Kernels: k3, Out: 24, Repeats: 2},

		{Kernels: k5, Expand: 6, Out: 32, Stride: 2},
		{Kernels: k5, Expand: 3, Out: 32},
		{Kernels: k5, Expand: 6, Out: 32},
		{Kernels: k3, Expand: 6, Out: 32},

		{Kernels: k5, Expand: 6, Out: 64, Stride: 2},
		{Kernels: k5, Expand: 3, Out: 64},
		{Kernels: k5, Expand: 6, Out: 64, Repeats: 2},

		{Kernels: k5, Expand: 6, Out: 112, Repeats: 3},
		{Kernels: k5, Expand: 3, Out: 112},

		{Kernels: k5, Expand: 6, Out: 184, Stride: 2, Repeats: 4},

		{Kernels: k3, Expand: 6, Out: 352},
	},
	Head: Head{Out: 1984},
}

// fbnets returns the family and timm's fbnetc_100, which keeps the expansion
// convolutions of ratio 1.
func fbnets() []Network {
	c := fbnetC
	c.Name, c.Title = "fbnetc_100", "FBNet-C (timm)"
	c.Note = "keeps 1×1 convolutions that do not expand"
	c.Stages = append([]Stage(nil), fbnetC.Stages...)
	for i := range c.Stages {
		c.Stages[i].Expand = cmp.Or(c.Stages[i].Expand, 1)
	}
	c.Input.Interpolation = input.Bilinear
	c.Weights = []Weights{{Tag: "rmsp_in1k"}}
	return []Network{fbnetA, fbnetB, fbnetC, c}
}
