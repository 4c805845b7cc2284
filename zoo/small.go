package zoo

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/vision"
)

// mixnetTiny is a MixNet for images of 28 to 32 pixels: it keeps the full
// resolution in the stem and strides by 4 where MixNet-S strides by 32, so
// that its large kernels see more than padding.
var mixnetTiny = Network{
	Info: Info{
		Name: "mixnet_tiny", Title: "MixNet-Tiny", Family: "mixnet_small", Classes: 10,
		Input: vision.Preprocess{Size: [2]int{28, 28}, Channels: 1, CropPct: 1},
		Note:  "for 28 to 32 pixel images; this library's own",
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

// smalls returns the networks for small images.
func smalls() []Network { return []Network{mixnetTiny} }
