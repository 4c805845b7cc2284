package zoo

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// efficientnetLite0 is EfficientNet-Lite0: EfficientNet-B0 without
// squeeze-excite, with ReLU6 (tensorflow/tpu, efficientnet/lite).
var efficientnetLite0 = Network{
	Info: Info{
		Name: "efficientnet_lite0", Title: "EfficientNet-Lite0", Family: "efficientnet_lite", DropRate: 0.2, DropPath: 0.2,
		Weights: []Weights{{Tag: "ra_in1k"}},
	},
	Act:  graph.ReLU6,
	Norm: pytorch,
	Stem: Stem{Out: 32, Fixed: true},
	Stages: []Stage{
		{Kernels: k3, Out: 16, FixedDepth: true},
		{Kernels: k3, Expand: 6, Out: 24, Stride: 2, Repeats: 2},
		{Kernels: k5, Expand: 6, Out: 40, Stride: 2, Repeats: 2},
		{Kernels: k3, Expand: 6, Out: 80, Stride: 2, Repeats: 3},
		{Kernels: k5, Expand: 6, Out: 112, Repeats: 3},
		{Kernels: k5, Expand: 6, Out: 192, Stride: 2, Repeats: 4},
		{Kernels: k3, Expand: 6, Out: 320, FixedDepth: true},
	},
	Head: Head{Out: 1280},
}

// efficientnetLites returns Lite0 to Lite4 in PyTorch's and in TensorFlow's
// flavour, at timm's input sizes.
func efficientnetLites() []Network {
	var all []Network
	for _, v := range []struct {
		digit           string
		width, depth    float64
		size            int
		crop, drop      float64
		tfCrop          float64
		tfInterpolation input.Interpolation
	}{
		{"0", 1.0, 1.0, 224, 0.875, 0.2, 0.875, input.Bicubic},
		{"1", 1.0, 1.1, 240, 0.882, 0.2, 0.882, input.Bicubic},
		{"2", 1.1, 1.2, 260, 0.890, 0.3, 0.890, input.Bicubic},
		{"3", 1.2, 1.4, 300, 0.904, 0.3, 0.904, input.Bilinear},
		{"4", 1.4, 1.8, 380, 0.922, 0.3, 0.920, input.Bilinear},
	} {
		n := efficientnetLite0.Scaled(v.width, v.depth, RoundUp)
		n.Name, n.Title = "efficientnet_lite"+v.digit, "EfficientNet-Lite"+v.digit
		n.DropRate = v.drop
		n.Input = input.Preprocess{Size: [2]int{v.size, v.size}, CropPct: v.crop}
		if v.digit != "0" {
			n.Weights = nil
		}
		t := tf(n)
		t.Input.CropPct, t.Input.Interpolation = v.tfCrop, v.tfInterpolation
		// TensorFlow's code computes (pixel - 127) / 128, see liteNames; timm
		// rounds that to 0.5 and 0.5 for the weights it publishes.
		t.Input.Mean, t.Input.Std = inception, inception
		t.Weights = []Weights{{Tag: "in1k"}}
		all = append(all, n, t)
	}
	return all
}
