package experiment

import "strings"

// claim is what the paper says of pairs of networks, or what its readers ask:
// whether the first is the better one.
type claim struct {
	title string
	says  string
	// pair reports whether the claim is of a network and another of its panel.
	pair func(a, b *Arm) bool
	// better, worse and open say what it means where all comparisons that are
	// resolved are of one sign, or none is.
	better, worse, open string
}

// ownSeries is that of the networks that whoever runs an experiment adds.
const ownSeries = "your own"

// equalSeries ends the names of series of equal multiply-adds.
const equalSeries = ", equal multiply-adds"

// first reports whether the arm is the one that the others of its panel change.
func (a *Arm) first() bool { return a.Change == "" && a.Series != ownSeries }

// of pairs a series with another at the same largest kernel or place.
func of(series, other string) func(a, b *Arm) bool {
	return func(a, b *Arm) bool {
		return a.Series == series && b.Series == other && a.largest == b.largest && a.X == b.X && !a.first() && !b.first()
	}
}

var kernelClaims = []claim{
	{
		title:  "Larger kernels than 3×3",
		says:   "The paper: accuracy rises with the kernel, up to 7×7 on MobileNetV1 and 9×9 on MobileNetV2, and falls beyond.",
		pair:   func(a, b *Arm) bool { return a.Series == "depthwise" && !a.first() && b.first() },
		better: "a larger kernel is better, as in the paper", worse: "a larger kernel is worse, unlike in the paper",
		open: "a gain from a larger kernel cannot be told from chance",
	},
	{
		title:  "MixConv against one size, its largest",
		says:   "The paper: several sizes in one layer are as accurate as the largest of them alone or more so, for fewer multiply-adds.",
		pair:   of("MixConv", "depthwise"),
		better: "MixConv is more accurate for less", worse: "the multiply-adds that MixConv saves cost accuracy",
		open: "MixConv cannot be told from its largest kernel alone, for fewer multiply-adds",
	},
	{
		title:  "At equal multiply-adds: against 3×3",
		says:   "The paper compares networks of different cost. Here widths are scaled so that all cost what the 3×3 network does.",
		pair:   func(a, b *Arm) bool { return strings.HasSuffix(a.Series, equalSeries) && b.first() },
		better: "a larger or mixed kernel is worth more than the channels that it costs", worse: "the channels are worth more than a larger or mixed kernel",
		open: "a larger or mixed kernel is worth about the channels that it costs",
	},
	{
		title:  "At equal multiply-adds: MixConv against one size",
		says:   "The same for MixConv and its largest kernel alone.",
		pair:   of("MixConv"+equalSeries, "depthwise"+equalSeries),
		better: "MixConv is better at equal cost", worse: "one size is better at equal cost", open: "the two cannot be told apart at equal cost",
	},
	{
		title: "A 3×3 beside the 9×9, merged into it",
		says:  "RepLKNet (arXiv 2203.06717) trains a small kernel beside a large one and merges them: +0.42 points for 9×9 in MobileNetV2 on ImageNet, by its authors.",
		pair: func(a, b *Arm) bool {
			return a.Series == besideSeries && b.Series == "depthwise" && a.largest == b.largest
		},
		better: "the second kernel helps, at no cost once merged", worse: "the second kernel harms", open: "the second kernel makes no difference that can be told from chance",
	},
}

// besideSeries is of depthwise kernels with a 3×3 beside them.
const besideSeries = "depthwise, 3×3 beside and merged"

var layerClaims = []claim{
	{
		title:  "Large kernels in a layer of stride 2",
		says:   "The paper, in four such layers: 9×9 gains 0.0, 0.4, 0.7 and 0.9 points, MixConv 0.2, 0.6, 0.6 and 0.8.",
		pair:   func(a, b *Arm) bool { return a.halves && b.first() },
		better: "large kernels help where the map is halved, as in the paper", worse: "large kernels harm where the map is halved, unlike in the paper",
		open: "no gain where the map is halved can be told from chance",
	},
	{
		title:  "Large kernels in a layer of stride 1",
		says:   "The paper, in eleven such layers: between -0.1 and +0.2 points, which is its noise.",
		pair:   func(a, b *Arm) bool { return a.X >= 0 && !a.halves && !a.first() && a.Series != ownSeries && b.first() },
		better: "one layer of large kernels helps here where the paper sees nothing", worse: "one layer of large kernels harms",
		open: "no layer's gain can be told from chance, as in the paper",
	},
	{
		title:  "MixConv against 9×9 in the same layer",
		says:   "The paper: MixConv is as good in nearly every layer, for fewer parameters.",
		pair:   of("MixConv 3,5,7,9", "depthwise 9×9"),
		better: "MixConv is better", worse: "9×9 is better", open: "the two cannot be told apart",
	},
}

var partitionClaims = []claim{
	{
		title:  "More groups than one",
		says:   "The paper: the more groups of an equal partition, the more accurate.",
		pair:   func(a, b *Arm) bool { return a.Series == "equal" && !a.first() && b.first() },
		better: "mixed kernels are better than 3×3, as in the paper", worse: "mixed kernels are worse than 3×3, unlike in the paper",
		open: "mixed kernels cannot be told from 3×3",
	},
	{
		title:  "Exponential against equal partition",
		says:   "The paper: no clear winner; on MobileNetV1 within its noise for fewer multiply-adds, on MobileNetV2 a little worse. At two groups both are one network.",
		pair:   of("exponential", "equal"),
		better: "the exponential partition is better", worse: "the exponential partition is worse", open: "the partitions cannot be told apart",
	},
	{
		title:  "Dilated 3×3 against large kernels",
		says:   "The paper: dilated kernels are worse than large ones of the same reach.",
		pair:   of("dilated", "equal"),
		better: "dilated kernels are better, unlike in the paper", worse: "dilated kernels are worse, as in the paper",
		open: "dilated kernels cannot be told from large ones",
	},
}
