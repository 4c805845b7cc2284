package experiment

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/zoo"
)

// presets are the sizes of experiments.
var presets = []Preset{
	{Name: "paper", About: "the paper's networks and recipe on ImageNet, one seed", Recipe: "mixnet", Seeds: 1, Paper: true},
	{Name: "quick", About: "small networks on images of 28 to 32 pixels, five seeds, in at most an hour of two cores", Recipe: "small", Epochs: 5, Seeds: 5, Kernel: 9},
	{
		Name: "smoke", About: "a few arms in seconds, which show that it runs and nothing else", Recipe: "small", Epochs: 1, Seeds: 2, Images: 200,
		Set: []string{"batch=20"}, Kernel: 9, Few: true,
	},
}

// small is the preprocessing of the small networks: of Fashion-MNIST, which the
// classes and channels of other sets replace.
var small = input.Preprocess{
	Size: [2]int{28, 28}, Channels: 1, CropPct: 1, Interpolation: input.Bilinear, Mean: []float32{0.286}, Std: []float32{0.353},
}

// bases are the networks whose kernels are changed. The small ones keep maps of
// 14 pixels or more, so that a kernel of 9 sees more than padding.
var bases = []base{
	{"MobileNetV1", "mobilenetv1_100", zoo.Network{
		Info: zoo.Info{Name: "small_v1", Title: "MobileNetV1, small", Family: "experiment", Classes: 10, Input: small},
		Act:  graph.ReLU6, Norm: graph.Norm{Eps: 1e-5, Momentum: 0.1}, Stem: zoo.Stem{Out: 16, Stride: 1},
		Stages: []zoo.Stage{
			{Kernels: []int{3}, Out: 32, ProjectAct: true, NoSkip: true},
			{Kernels: []int{3}, Out: 64, ProjectAct: true, NoSkip: true, Stride: 2},
			{Kernels: []int{3}, Out: 64, ProjectAct: true, NoSkip: true},
			{Kernels: []int{3}, Out: 96, ProjectAct: true, NoSkip: true},
			{Kernels: []int{3}, Out: 96, ProjectAct: true, NoSkip: true},
		},
	}},
	{"MobileNetV2", "mobilenetv2_100", zoo.Network{
		Info: zoo.Info{Name: "small_v2", Title: "MobileNetV2, small", Family: "experiment", Classes: 10, Input: small},
		Act:  graph.ReLU6, Norm: graph.Norm{Eps: 1e-5, Momentum: 0.1}, Stem: zoo.Stem{Out: 16, Stride: 1},
		Stages: []zoo.Stage{
			{Kernels: []int{3}, Out: 16},
			{Kernels: []int{3}, Expand: 3, Out: 24, Stride: 2},
			{Kernels: []int{3}, Expand: 3, Out: 24},
			{Kernels: []int{3}, Expand: 3, Out: 32},
			{Kernels: []int{3}, Expand: 3, Out: 32},
			{Kernels: []int{3}, Expand: 3, Out: 48},
		},
		Head: zoo.Head{Out: 128},
	}},
}

// experiments are those of the paper. Their values are read off its figures, to
// about 0.02 points.
var experiments = []Experiment{
	{
		Name: "kernels", Title: "Accuracy over kernel size", Source: "figures 1 and 4",
		About: "depthwise convolutions of one size, 3×3 to 13×13, against MixConv of 1 to 6 groups; besides, at equal multiply-adds",
		arms: append(
			kernelArms("MobileNetV1",
				[]point{{579.3, 71.10}, {610.6, 71.87}, {656.9, 72.03}, {718.6, 71.93}, {796, 71.53}, {889, 70.83}},
				[]point{{594.7, 72.015}, {614.7, 72.15}, {641.3, 72.40}, {669.7, 72.45}, {705.0, 72.56}}),
			kernelArms("MobileNetV2",
				[]point{{309.6, 72.90}, {346.4, 73.49}, {401.7, 73.85}, {475.8, 74.125}, {568, 74.12}, {678, 74.02}},
				[]point{{327.9, 73.484}, {352.0, 73.859}, {383.2, 74.062}, {417.9, 74.296}, {461.8, 74.31}})...),
		claims: kernelClaims,
	},
	{
		Name: "layers", Title: "One layer at a time", Source: "figure 5", XLabel: layerLabel,
		About: "9×9 or MixConv 3,5,7,9 in one layer of MobileNetV2, 3×3 in the others",
		arms:  layerArms("MobileNetV2"),
		published: layerPoints("MobileNetV2", 72.60,
			[]float64{72.50, 72.52, 72.61, 72.56, 72.61, 73.01, 72.63, 72.59, 72.61, 73.25, 72.755, 72.60, 73.46, 72.57, 72.48},
			[]float64{72.57, 72.72, 72.83, 72.60, 72.59, 73.15, 72.62, 72.68, 72.70, 73.23, 72.79, 72.61, 73.39, 72.64, 72.73}),
		claims: layerClaims,
	},
	{
		Name: "partition", Title: "How channels are shared out", Source: "figure 6",
		About: "equal and exponential partition, and dilated 3×3 kernels in place of large ones",
		arms: append(
			partitionArms("MobileNetV1", 579.3, 71.10,
				[]point{{594.6, 72.015}, {614.6, 72.15}, {641.3, 72.40}, {669.7, 72.451}, {704.8, 72.56}},
				[]point{{594.7, 71.98}, {606.4, 72.26}, {614.1, 72.30}, {618.8, 72.46}, {621.8, 72.50}},
				[]point{{582.3, 71.65}, {586.8, 71.89}, {592.2, 71.77}, {597.7, 71.77}, {605.0, 71.80}}),
			partitionArms("MobileNetV2", 309.6, 72.90,
				[]point{{328.0, 73.484}, {352.1, 73.859}, {383.3, 74.062}, {417.9, 74.296}, {461.8, 74.31}},
				[]point{{328.0, 73.32}, {341.8, 73.56}, {351.1, 73.68}, {356.8, 73.90}, {360.5, 73.94}},
				[]point{{313.5, 73.01}, {319.3, 73.06}, {326.1, 73.12}, {333.7, 72.95}, {343.8, 72.87}})...),
		claims: partitionClaims,
	},
	{
		Name: "imagenet", Title: "Accuracy over cost on ImageNet", Source: "table 2 and figure 7", Needs: Weights, kind: comparing,
		About: "parameters and multiply-adds of all networks counted, and where there are images, published weights measured",
	},
	{
		Name: "transfer", Title: "Transfer to other sets", Source: "table 3 and figure 9", Needs: Targets, kind: transferring,
		About: "a trained network taken to other sets with all weights trained, beside its last layer only and training from scratch",
	},
	{
		Name: "detection", Title: "Finding objects", Source: "table 1", Needs: Objects, kind: finding, Metric: "AP",
		About: "SSDLite on MobileNetV1 and V2 whose depthwise kernels are changed, by COCO's average precision",
		arms:  detectionArms(), claims: detectionClaims,
	},
	{
		Name: "architectures", Title: "What the search found", Source: "figure 8", Needs: Nothing, kind: drawing,
		About: "MixNet-S and -M block by block, and where they and other searched networks use large kernels",
	},
}

// point is a marker of a figure: millions of FLOPS and top-1 in per cent.
type point struct{ flops, top1 float64 }

// kernelArms are those of figure 4: depthwise kernels from 3×3 on, MixConv from
// two groups on, and, which the paper does not have, a 9×9 with a 3×3 beside it
// that is merged into it after training (RepLKNet), and all at the base's
// multiply-adds.
func kernelArms(panel string, depthwise, mixed []point) []Arm {
	var all, equal []Arm
	add := func(a Arm) {
		all = append(all, a)
		if a.Change != "" {
			a.Series, a.Equal, a.Top1, a.FLOPS = a.Series+equalSeries, true, 0, 0
			equal = append(equal, a)
		}
	}
	for i, p := range depthwise {
		k := 2*i + 3
		a := Arm{Panel: panel, Series: "depthwise", Label: fmt.Sprintf("%d×%d", k, k), Top1: p.top1 / 100, FLOPS: p.flops, largest: k}
		if i > 0 {
			a.Change = fmt.Sprintf("kernel=%d", k)
		}
		add(a)
	}
	for i, p := range mixed {
		g := i + 2
		add(Arm{Panel: panel, Series: "MixConv", Label: fmt.Sprintf("g=%d", g), Change: fmt.Sprintf("mix=%d", g), Top1: p.top1 / 100, FLOPS: p.flops, largest: 2*g + 1})
	}
	beside := Arm{Panel: panel, Series: besideSeries, Label: "9×9", Change: "kernel=9,parallel=3", largest: 9}
	return append(append(all, beside), equal...)
}

// layerArms replace the depthwise layers of the small network one by one; those
// of the paper's, which has two more than its figure, likewise.
func layerArms(panel string) []Arm {
	all := []Arm{{Panel: panel, Series: "3×3 everywhere", Label: "3×3", X: -1, largest: 3}}
	for _, s := range []struct{ series, change string }{{"depthwise 9×9", "kernel=9"}, {"MixConv 3,5,7,9", "mix=4"}} {
		for layer := range maxLayers {
			all = append(all, Arm{Panel: panel, Series: s.series, Label: fmt.Sprintf("layer %d", layer), Change: fmt.Sprintf("%s,layers=%d", s.change, layer), X: layer, largest: 9})
		}
	}
	return all
}

// layerLabel is what arms of single layers are drawn over.
const layerLabel = "layer"

// layerPoints are the markers of figure 5. Its network has 15 layers, of which
// 2, 5, 9 and 12 have stride 2; which one it is, the paper does not say.
func layerPoints(panel string, base float64, large, mixed []float64) []Arm {
	var all []Arm
	for i := range large {
		all = append(all, Arm{Panel: panel, Series: "3×3 everywhere", Label: "3×3", X: i, Top1: base / 100})
	}
	for _, s := range []struct {
		series string
		top1   []float64
	}{{"depthwise 9×9", large}, {"MixConv 3,5,7,9", mixed}} {
		for i, v := range s.top1 {
			all = append(all, Arm{Panel: panel, Series: s.series, Label: fmt.Sprintf("layer %d", i), X: i, Top1: v / 100})
		}
	}
	return all
}

// maxLayers is the number of depthwise layers of MobileNetV2.
const maxLayers = 17

// partitionArms are those of figure 6.
func partitionArms(panel string, flops, top1 float64, equal, exponential, dilated []point) []Arm {
	all := []Arm{{Panel: panel, Series: "equal", Label: "g=1", Top1: top1 / 100, FLOPS: flops, X: 1, largest: 3}}
	for _, s := range []struct {
		series, change string
		points         []point
	}{{"equal", "", equal}, {"exponential", ",partition=exponential", exponential}, {"dilated", ",dilated", dilated}} {
		for i, p := range s.points {
			g := i + 2
			all = append(all, Arm{Panel: panel, Series: s.series, Label: fmt.Sprintf("g=%d", g), Change: fmt.Sprintf("mix=%d%s", g, s.change), Top1: p.top1 / 100, FLOPS: p.flops, X: g, largest: 2*g + 1})
		}
	}
	return all
}
