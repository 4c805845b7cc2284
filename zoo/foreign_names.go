package zoo

import (
	"slices"

	"github.com/mixnet-go/mixnet/input"
)

// Programs that publish weights of the zoo's networks under other names.
const (
	liteNames    = "efficientnet_lite_pytorch"
	v2Names      = "torchvision MobileNetV2"
	v3Names      = "torchvision MobileNetV3"
	mnasnetNames = "torchvision MNASNet"
)

// namings are the programs known to name parameters otherwise.
var namings = []naming{
	{
		source:  liteNames,
		modules: map[string]string{"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"},
		blocks: map[string]map[string]string{
			"separable": {
				"conv_dw": "_blocks.{n}._depthwise_conv", "bn1": "_blocks.{n}._bn1",
				"conv_pw": "_blocks.{n}._project_conv", "bn2": "_blocks.{n}._bn2",
			},
			"inverted": {
				"conv_pw": "_blocks.{n}._expand_conv", "bn1": "_blocks.{n}._bn0",
				"conv_dw": "_blocks.{n}._depthwise_conv", "bn2": "_blocks.{n}._bn1",
				"conv_pwl": "_blocks.{n}._project_conv", "bn3": "_blocks.{n}._bn2",
			},
		},
		same:  true,
		eps:   1e-3,
		input: input.Preprocess{Mean: slices.Repeat([]float32{127. / 255}, 3), Std: slices.Repeat([]float32{128. / 255}, 3)},
	},
	{
		source: v2Names,
		modules: map[string]string{
			"conv_stem": "features.0.0", "bn1": "features.0.1",
			"conv_head": "features.18.0", "bn2": "features.18.1", "classifier": "classifier.1",
		},
		blocks: map[string]map[string]string{
			"separable": {
				"conv_dw": "features.{n+1}.conv.0.0", "bn1": "features.{n+1}.conv.0.1",
				"conv_pw": "features.{n+1}.conv.1", "bn2": "features.{n+1}.conv.2",
			},
			"inverted": {
				"conv_pw": "features.{n+1}.conv.0.0", "bn1": "features.{n+1}.conv.0.1",
				"conv_dw": "features.{n+1}.conv.1.0", "bn2": "features.{n+1}.conv.1.1",
				"conv_pwl": "features.{n+1}.conv.2", "bn3": "features.{n+1}.conv.3",
			},
		},
		eps:   1e-5,
		input: input.Preprocess{Interpolation: input.Bilinear},
	},
	{
		source: v3Names,
		modules: map[string]string{
			"conv_stem": "features.0.0", "bn1": "features.0.1",
			"conv_head": "classifier.0", "classifier": "classifier.3",
		},
		blocks: map[string]map[string]string{
			"separable": {
				"conv_dw": "features.{n+1}.block.0.0", "bn1": "features.{n+1}.block.0.1",
				"conv_pw": "features.{n+1}.block.1.0", "bn2": "features.{n+1}.block.1.1",
			},
			"separable+se": {
				"conv_dw": "features.{n+1}.block.0.0", "bn1": "features.{n+1}.block.0.1",
				"se.conv_reduce": "features.{n+1}.block.1.fc1", "se.conv_expand": "features.{n+1}.block.1.fc2",
				"conv_pw": "features.{n+1}.block.2.0", "bn2": "features.{n+1}.block.2.1",
			},
			"inverted": {
				"conv_pw": "features.{n+1}.block.0.0", "bn1": "features.{n+1}.block.0.1",
				"conv_dw": "features.{n+1}.block.1.0", "bn2": "features.{n+1}.block.1.1",
				"conv_pwl": "features.{n+1}.block.2.0", "bn3": "features.{n+1}.block.2.1",
			},
			"inverted+se": {
				"conv_pw": "features.{n+1}.block.0.0", "bn1": "features.{n+1}.block.0.1",
				"conv_dw": "features.{n+1}.block.1.0", "bn2": "features.{n+1}.block.1.1",
				"se.conv_reduce": "features.{n+1}.block.2.fc1", "se.conv_expand": "features.{n+1}.block.2.fc2",
				"conv_pwl": "features.{n+1}.block.3.0", "bn3": "features.{n+1}.block.3.1",
			},
			"conv": {"conv": "features.{n+1}.0", "bn1": "features.{n+1}.1"},
		},
		eps:   1e-3,
		input: input.Preprocess{Interpolation: input.Bilinear},
	},
	{
		source: mnasnetNames,
		modules: map[string]string{
			"conv_stem": "layers.0", "bn1": "layers.1",
			"conv_head": "layers.14", "bn2": "layers.15", "classifier": "classifier.1",
		},
		blocks: map[string]map[string]string{
			"separable": {"conv_dw": "layers.3", "bn1": "layers.4", "conv_pw": "layers.6", "bn2": "layers.7"},
			"inverted": {
				"conv_pw": "layers.{s+7}.{b}.layers.0", "bn1": "layers.{s+7}.{b}.layers.1",
				"conv_dw": "layers.{s+7}.{b}.layers.3", "bn2": "layers.{s+7}.{b}.layers.4",
				"conv_pwl": "layers.{s+7}.{b}.layers.6", "bn3": "layers.{s+7}.{b}.layers.7",
			},
		},
		eps:   1e-5,
		input: input.Preprocess{Interpolation: input.Bilinear},
	},
}
