package zoo

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// mixnetTiny is a MixNet for images of 28 to 32 pixels: it keeps the full
// resolution in the stem and strides by 4 where MixNet-S strides by 32, so
// that its large kernels see more than padding.
var mixnetTiny = Network{
	Info: Info{
		Name: "mixnet_tiny", Title: "MixNet-Tiny", Family: "mixnet_small", Classes: 10,
		Note: "this library's own, for grey images of 28 to 32 pixels",
		Input: input.Preprocess{
			Size: [2]int{28, 28}, Channels: 1, CropPct: 1, Interpolation: input.Bilinear,
			Mean: []float32{0.286}, Std: []float32{0.353}, // of Fashion-MNIST
		},
	},
	Norm: pytorch,
	Stem: Stem{Out: 16, Stride: 1},
	Stages: []Stage{
		{Kernels: k35, Expand: 3, Out: 24, Stride: 2},
		{Kernels: k35, Expand: 3, Out: 24},

		{Kernels: k357, Expand: 4, Out: 48, SE: 0.25, Act: graph.Swish, Stride: 2},
		{Kernels: k357, Expand: 3, Out: 48, SE: 0.25, Act: graph.Swish, Repeats: 2},
	},
	Head: Head{Out: 192},
}

// mixnetCIFAR is the larger one, for CIFAR.
var mixnetCIFAR = Network{
	Info: Info{
		Name: "mixnet_cifar", Title: "MixNet-CIFAR", Family: "mixnet_small", Classes: 10, DropRate: 0.1,
		Note: "this library's own, for colour images of 32 pixels",
		Input: input.Preprocess{
			Size: [2]int{32, 32}, CropPct: 1, Interpolation: input.Bilinear,
			Mean: []float32{0.4914, 0.4822, 0.4465}, Std: []float32{0.2470, 0.2435, 0.2616}, // of CIFAR-10
		},
	},
	Norm: pytorch,
	Stem: Stem{Out: 24, Stride: 1},
	Stages: []Stage{
		{Kernels: k35, Out: 40, Stride: 2},
		{Kernels: k35, Expand: 3, Out: 40, Repeats: 2},

		{Kernels: k357, Expand: 4, Out: 80, SE: 0.25, Act: graph.Swish, Stride: 2},
		{Kernels: k357, Expand: 4, Out: 80, SE: 0.25, Act: graph.Swish, Repeats: 3},

		{Kernels: k357, Expand: 4, Out: 128, SE: 0.25, Act: graph.Swish, Stride: 2},
		{Kernels: k35, Expand: 3, Out: 128, SE: 0.25, Act: graph.Swish, Repeats: 2},
	},
	Head: Head{Out: 512},
}

// smalls returns the networks for small images.
func smalls() []Network { return []Network{mixnetTiny, mixnetCIFAR} }
