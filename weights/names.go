package weights

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
)

// nameMap translates timm's module names, which graphs use, into those of
// another implementation of the same networks.
//
// In the translations {n} is the block's number counted from 0 through all
// stages, {n+1} the same from 1, {s+7} its stage plus 7, and {b} its number in
// the stage.
type nameMap struct {
	source  string
	modules map[string]string            // outside the blocks
	blocks  map[string]map[string]string // by kind of block, see blockKind
	same    bool                         // the source pads as TensorFlow does
	eps     float64                      // ε of the source's batch norms; 0 if it is the graph's
}

// OwnNames is what a Report says of a file that uses the network's own names:
// timm's, and torchvision's of ResNet, ShuffleNetV2 and the networks that the
// zoo calls torchvision_NAME.
const OwnNames = "timm"

// nameMaps are the known sources. The first leaves names as they are.
var nameMaps = []nameMap{
	{source: OwnNames},
	{
		source:  "efficientnet_lite_pytorch",
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
		same: true,
		eps:  1e-3,
	},
	{
		source: "torchvision MobileNetV2",
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
		eps: 1e-5,
	},
	{
		source: "torchvision MobileNetV3",
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
		eps: 1e-3,
	},
	{
		source: "torchvision MNASNet",
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
		eps: 1e-5,
	},
}

// module is the place of a parameter: its module path and its own name.
type module struct {
	inBlock      bool
	stage, block int
	path, param  string // such as "conv_dw" and "weight"
}

var blockPath = regexp.MustCompile(`^blocks\.(\d{1,3})\.(\d{1,3})\.(.+)$`)

func moduleOf(name string) module {
	m := module{path: name}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		m.path, m.param = name[:i], name[i+1:]
	}
	if s := blockPath.FindStringSubmatch(m.path); s != nil {
		m.inBlock = true
		m.stage, _ = strconv.Atoi(s[1])
		m.block, _ = strconv.Atoi(s[2])
		m.path = s[3]
	}
	return m
}

// blockKind tells a block by the modules it has.
func blockKind(paths []string) string {
	kind := "conv"
	switch {
	case slices.Contains(paths, "conv_pwl"):
		kind = "inverted"
	case slices.Contains(paths, "conv_pw"):
		kind = "separable"
	}
	if slices.Contains(paths, "se.conv_reduce") {
		kind += "+se"
	}
	return kind
}

// apply returns the source's name of every parameter of g, or "" where it has
// none.
func (m *nameMap) apply(g *graph.Graph) []string {
	names := make([]string, len(g.Params))
	if m.modules == nil {
		for i, p := range g.Params {
			names[i] = p.Name
		}
		return names
	}
	type key struct{ stage, block int }
	var order []key // blocks as they appear
	paths := map[key][]string{}
	for _, p := range g.Params {
		if mod := moduleOf(p.Name); mod.inBlock {
			k := key{mod.stage, mod.block}
			if paths[k] == nil {
				order = append(order, k)
			}
			paths[k] = append(paths[k], mod.path)
		}
	}
	for i, p := range g.Params {
		mod := moduleOf(p.Name)
		to := m.modules[mod.path]
		if mod.inBlock {
			k := key{mod.stage, mod.block}
			n := slices.Index(order, k)
			to = strings.NewReplacer(
				"{n}", strconv.Itoa(n), "{n+1}", strconv.Itoa(n+1), "{s+7}", strconv.Itoa(mod.stage+7), "{b}", strconv.Itoa(mod.block),
			).Replace(m.blocks[blockKind(paths[k])][mod.path])
		}
		if to != "" {
			names[i] = to + "." + mod.param
		}
	}
	return names
}

// checkPadding refuses weights that were trained with another padding than the
// network's: names and shapes would be the same and the results wrong.
func (m *nameMap) checkPadding(g *graph.Graph) error {
	if m.modules == nil {
		return nil
	}
	for _, n := range g.Nodes {
		padding, stride := graph.Symmetric, 1
		switch op := n.Op.(type) {
		case *graph.Conv:
			padding, stride = op.Padding, op.Stride
		case *graph.MixConv:
			padding, stride = op.Padding, op.Stride
		}
		if stride > 1 && (padding == graph.Same) != m.same {
			return fmt.Errorf("%s pads convolutions in another way: use the network of the same name %s tf_", m.source, map[bool]string{true: "with", false: "without"}[m.same])
		}
	}
	return nil
}

// variances returns what is to be added to the values of every parameter to
// make up for another ε in the source's batch norms: the network computes
// √(var+ε), so the difference belongs to the variances.
func (m *nameMap) variances(g *graph.Graph) []float32 {
	add := make([]float32, len(g.Params))
	if m.eps == 0 {
		return add
	}
	for _, n := range g.Nodes {
		if bn, ok := n.Op.(*graph.BatchNorm); ok {
			add[bn.Var] = float32(m.eps - bn.Eps)
		}
	}
	return add
}
