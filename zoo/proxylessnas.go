package zoo

import "github.com/mixnet-go/mixnet/graph"

var proxylessNorm = graph.Norm{Eps: 1e-3, Momentum: 0.1}

// proxylessMobile is ProxylessNAS searched for a phone (arXiv 1812.00332).
// Blocks that the search removed are left out.
var proxylessMobile = Network{
	Info: Info{
		Name: "proxylessnas_mobile", Title: "ProxylessNAS mobile", Family: "proxylessnas",
		Paper: &Paper{Source: mixnetPaper, Params: 4.1, FLOPS: 320, Top1: 74.6, Top5: 92.2},
	},
	Act:  graph.ReLU6,
	Norm: proxylessNorm,
	Stem: Stem{Out: 32},
	Stages: []Stage{
		{Kernels: k3, Out: 16},

		{Kernels: k5, Expand: 3, Out: 32, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 32},

		{Kernels: k7, Expand: 3, Out: 40, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 40},
		{Kernels: k5, Expand: 3, Out: 40, Repeats: 2},

		{Kernels: k7, Expand: 6, Out: 80, Stride: 2},
		{Kernels: k5, Expand: 3, Out: 80, Repeats: 3},

		{Kernels: k5, Expand: 6, Out: 96},
		{Kernels: k5, Expand: 3, Out: 96, Repeats: 3},

		{Kernels: k7, Expand: 6, Out: 192, Stride: 2, Repeats: 2},
		{Kernels: k7, Expand: 3, Out: 192, Repeats: 2},

		{Kernels: k7, Expand: 6, Out: 320},
	},
	Head: Head{Out: 1280, Widen: true},
}

// proxylessCPU is ProxylessNAS searched for a server processor.
var proxylessCPU = Network{
	Info: Info{
		Name: "proxylessnas_cpu", Title: "ProxylessNAS CPU", Family: "proxylessnas",
		Paper: &Paper{Source: "ProxylessNAS, official repository", Top1: 75.3},
	},
	Act:  graph.ReLU6,
	Norm: proxylessNorm,
	Stem: Stem{Out: 40},
	Stages: []Stage{
		{Kernels: k3, Out: 24},

		{Kernels: k3, Expand: 6, Out: 32, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 32, Repeats: 3},

		{Kernels: k3, Expand: 6, Out: 48, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 48, Repeats: 2},
		{Kernels: k5, Expand: 3, Out: 48},

		{Kernels: k3, Expand: 6, Out: 88, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 88},

		{Kernels: k5, Expand: 6, Out: 104},
		{Kernels: k3, Expand: 3, Out: 104, Repeats: 3},

		{Kernels: k5, Expand: 6, Out: 216, Stride: 2},
		{Kernels: k5, Expand: 3, Out: 216, Repeats: 2},
		{Kernels: k3, Expand: 3, Out: 216},

		{Kernels: k5, Expand: 6, Out: 360},
	},
	Head: Head{Out: 1432},
}

// proxylessGPU is ProxylessNAS searched for a graphics card.
var proxylessGPU = Network{
	Info: Info{
		Name: "proxylessnas_gpu", Title: "ProxylessNAS GPU", Family: "proxylessnas",
		Paper: &Paper{Source: "ProxylessNAS, official repository", Top1: 75.1},
	},
	Act:  graph.ReLU6,
	Norm: proxylessNorm,
	Stem: Stem{Out: 40},
	Stages: []Stage{
		{Kernels: k3, Out: 24},

		{Kernels: k5, Expand: 3, Out: 32, Stride: 2},

		{Kernels: k7, Expand: 3, Out: 56, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 56},

		{Kernels: k7, Expand: 6, Out: 112, Stride: 2},
		{Kernels: k5, Expand: 3, Out: 112},

		{Kernels: k5, Expand: 6, Out: 128},
		{Kernels: k3, Expand: 3, Out: 128},
		{Kernels: k5, Expand: 3, Out: 128},

		{Kernels: k7, Expand: 6, Out: 256, Stride: 2, Repeats: 3},
		{Kernels: k5, Expand: 6, Out: 256},

		{Kernels: k7, Expand: 6, Out: 432},
	},
	Head: Head{Out: 1728},
}

// proxylessNets returns the family. The widths of the 1.4× version are its
// own, not those of the rounding rule.
func proxylessNets() []Network {
	wide := proxylessMobile
	wide.Name, wide.Title = "proxylessnas_mobile_14", "ProxylessNAS mobile 1.4×"
	wide.Paper = &Paper{Source: mixnetPaper, Params: 6.9, FLOPS: 581, Top1: 76.7, Top5: 93.3}
	wide.Stem.Out, wide.Head.Out = 48, 1792
	out := map[int]int{16: 24, 32: 40, 40: 56, 80: 112, 96: 136, 192: 256, 320: 448}
	wide.Stages = append([]Stage(nil), wide.Stages...)
	for i := range wide.Stages {
		wide.Stages[i].Out = out[wide.Stages[i].Out]
	}
	return []Network{proxylessMobile, wide, proxylessCPU, proxylessGPU}
}
