package zoo

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// Kernel sizes of MixConv groups.
var (
	k1      = []int{1}
	k3      = []int{3}
	k5      = []int{5}
	k7      = []int{7}
	k35     = []int{3, 5}
	k357    = []int{3, 5, 7}
	k3579   = []int{3, 5, 7, 9}
	k357911 = []int{3, 5, 7, 9, 11}
)

// pytorch and tensorflow are the batch-norm constants of the frameworks.
var (
	pytorch    = graph.Norm{Eps: 1e-5, Momentum: 0.1}
	tensorflow = graph.Norm{Eps: 1e-3, Momentum: 0.01}
)

const (
	mixnetPaper = "MixConv, arXiv 1907.09595, table 2"
	mixnetNote  = "the paper's FLOPS count more than convolutions and classifier: by 7, 6 and 2 % for S, M and L"
)

// mixnetS is MixNet-S of the released TensorFlow code. The paper's figure 8
// draws {3,5,7} where the code has {3,5,7,9} in the last 120-channel row.
var mixnetS = Network{
	Info: Info{
		Name: "mixnet_s", Title: "MixNet-S", Family: "mixnet", DropRate: 0.2,
		Note:    mixnetNote,
		Paper:   &Paper{Source: mixnetPaper, Params: 4.1, FLOPS: 256, Top1: 75.8, Top5: 92.8},
		Weights: []Weights{{Tag: "ft_in1k"}},
	},
	Norm: pytorch,
	Stem: Stem{Out: 16},
	Stages: []Stage{
		{Kernels: k3, Out: 16},

		{Kernels: k3, Expand: 6, Out: 24, ExpandGroups: 2, ProjectGroups: 2, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 24, ExpandGroups: 2, ProjectGroups: 2},

		{Kernels: k357, Expand: 6, Out: 40, SE: 0.5, Act: graph.Swish, Stride: 2},
		{Kernels: k35, Expand: 6, Out: 40, SE: 0.5, Act: graph.Swish, ExpandGroups: 2, ProjectGroups: 2, Repeats: 3},

		{Kernels: k357, Expand: 6, Out: 80, SE: 0.25, Act: graph.Swish, ProjectGroups: 2, Stride: 2},
		{Kernels: k35, Expand: 6, Out: 80, SE: 0.25, Act: graph.Swish, ProjectGroups: 2, Repeats: 2},

		{Kernels: k357, Expand: 6, Out: 120, SE: 0.5, Act: graph.Swish, ExpandGroups: 2, ProjectGroups: 2},
		{Kernels: k3579, Expand: 3, Out: 120, SE: 0.5, Act: graph.Swish, ExpandGroups: 2, ProjectGroups: 2, Repeats: 2},

		{Kernels: k357911, Expand: 6, Out: 200, SE: 0.5, Act: graph.Swish, Stride: 2},
		{Kernels: k3579, Expand: 6, Out: 200, SE: 0.5, Act: graph.Swish, ProjectGroups: 2, Repeats: 2},
	},
	Head: Head{Out: 1536},
}

// mixnetM is MixNet-M; MixNet-L, XL and XXL are scaled from it.
var mixnetM = Network{
	Info: Info{
		Name: "mixnet_m", Title: "MixNet-M", Family: "mixnet", DropRate: 0.25,
		Note:    mixnetNote,
		Paper:   &Paper{Source: mixnetPaper, Params: 5.0, FLOPS: 360, Top1: 77.0, Top5: 93.3},
		Weights: []Weights{{Tag: "ft_in1k"}},
	},
	Norm: pytorch,
	Stem: Stem{Out: 24},
	Stages: []Stage{
		{Kernels: k3, Out: 24},

		{Kernels: k357, Expand: 6, Out: 32, ExpandGroups: 2, ProjectGroups: 2, Stride: 2},
		{Kernels: k3, Expand: 3, Out: 32, ExpandGroups: 2, ProjectGroups: 2},

		{Kernels: k3579, Expand: 6, Out: 40, SE: 0.5, Act: graph.Swish, Stride: 2},
		{Kernels: k35, Expand: 6, Out: 40, SE: 0.5, Act: graph.Swish, ExpandGroups: 2, ProjectGroups: 2, Repeats: 3},

		{Kernels: k357, Expand: 6, Out: 80, SE: 0.25, Act: graph.Swish, Stride: 2},
		{Kernels: k3579, Expand: 6, Out: 80, SE: 0.25, Act: graph.Swish, ExpandGroups: 2, ProjectGroups: 2, Repeats: 3},

		{Kernels: k3, Expand: 6, Out: 120, SE: 0.5, Act: graph.Swish},
		{Kernels: k3579, Expand: 3, Out: 120, SE: 0.5, Act: graph.Swish, ExpandGroups: 2, ProjectGroups: 2, Repeats: 3},

		{Kernels: k3579, Expand: 6, Out: 200, SE: 0.5, Act: graph.Swish, Stride: 2},
		{Kernels: k3579, Expand: 6, Out: 200, SE: 0.5, Act: graph.Swish, ProjectGroups: 2, Repeats: 3},
	},
	Head: Head{Out: 1536},
}

// mixnets returns the family in PyTorch's and in TensorFlow's flavour.
func mixnets() []Network {
	s, m := mixnetS, mixnetM

	l := m.Scaled(1.3, 1, RoundNearest)
	l.Name, l.Title = "mixnet_l", "MixNet-L"
	l.Paper = &Paper{Source: mixnetPaper, Params: 7.3, FLOPS: 565, Top1: 78.9, Top5: 94.2}

	xl := m.Scaled(1.6, 1.2, RoundNearest)
	xl.Name, xl.Title, xl.Paper = "mixnet_xl", "MixNet-XL", nil
	xl.Note = "timm's, not in the paper: MixNet-M at width 1.6, depth 1.2"
	xl.DropRate, xl.DropPath = 0.3, 0.2
	xl.Weights = []Weights{{Tag: "ra_in1k"}}

	xxl := m.Scaled(2.4, 1.3, RoundNearest)
	xxl.Name, xxl.Title, xxl.Paper = "mixnet_xxl", "MixNet-XXL", nil
	xxl.Note = "timm's, not in the paper: MixNet-M at width 2.4, depth 1.3"
	xxl.DropRate, xxl.DropPath = 0.3, 0.2
	xxl.Weights = nil

	all := []Network{s, m, l, xl, xxl}
	for i, n := range slices.Clone(all) {
		n = tf(n)
		n.Weights = nil
		if i < 3 { // released by the paper's authors
			n.Weights = []Weights{{Tag: "in1k"}}
		}
		all = append(all, n)
	}
	return all
}

// tf returns the flavour of a network that computes what its TensorFlow
// original does: SAME padding and that framework's batch-norm constants.
func tf(n Network) Network {
	n.Name = "tf_" + n.Name
	n.Title += " (TF)"
	n.Padding = graph.Same
	n.Norm = tensorflow
	return n
}
