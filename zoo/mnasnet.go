package zoo

// mnasnetA1 is MnasNet-A1 (arXiv 1807.11626, figure 7), timm's semnasnet_100.
var mnasnetA1 = Network{
	Info: Info{
		Name: "semnasnet_100", Title: "MnasNet-A1", Family: "mnasnet", DropRate: 0.2,
		Paper:   &Paper{Source: mixnetPaper, Params: 3.9, FLOPS: 312, Top1: 75.2, Top5: 92.5},
		Weights: []Weights{{Tag: "rmsp_in1k"}},
	},
	Norm: pytorch,
	Stem: Stem{Out: 32},
	Stages: []Stage{
		{Kernels: k3, Out: 16, NoSkip: true},
		{Kernels: k3, Expand: 6, Out: 24, Stride: 2, Repeats: 2},
		{Kernels: k5, Expand: 3, Out: 40, SE: 0.25, Stride: 2, Repeats: 3},
		{Kernels: k3, Expand: 6, Out: 80, Stride: 2, Repeats: 4},
		{Kernels: k3, Expand: 6, Out: 112, SE: 0.25, Repeats: 2},
		{Kernels: k5, Expand: 6, Out: 160, SE: 0.25, Stride: 2, Repeats: 3},
		{Kernels: k3, Expand: 6, Out: 320},
	},
	Head: Head{Out: 1280},
}

// mnasnetB1 is MnasNet-B1, searched without squeeze-excite, timm's mnasnet_100.
var mnasnetB1 = Network{
	Info: Info{
		Name: "mnasnet_100", Title: "MnasNet-B1", Family: "mnasnet", DropRate: 0.2,
		Paper:   &Paper{Source: "MnasNet, arXiv 1807.11626", Params: 4.4, FLOPS: 315, Top1: 74.5},
		Weights: []Weights{{Tag: "rmsp_in1k"}},
	},
	Norm: pytorch,
	Stem: Stem{Out: 32},
	Stages: []Stage{
		{Kernels: k3, Out: 16, NoSkip: true},
		{Kernels: k3, Expand: 3, Out: 24, Stride: 2, Repeats: 3},
		{Kernels: k5, Expand: 3, Out: 40, Stride: 2, Repeats: 3},
		{Kernels: k5, Expand: 6, Out: 80, Stride: 2, Repeats: 3},
		{Kernels: k3, Expand: 6, Out: 96, Repeats: 2},
		{Kernels: k5, Expand: 6, Out: 192, Stride: 2, Repeats: 4},
		{Kernels: k3, Expand: 6, Out: 320, NoSkip: true},
	},
	Head: Head{Out: 1280},
}

// mnasnets returns the family at the widths that timm and the original code name.
func mnasnets() []Network {
	a := widths(mnasnetA1, 35, 50, 75, 100, 140)
	a[2].Weights = []Weights{{Tag: "rmsp_in1k"}}
	return append(a, widths(mnasnetB1, 50, 75, 100, 140)...)
}
