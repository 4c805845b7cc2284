package zoo

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// tensorFlowParam is what TensorFlow's Slim calls the parameters of a
// convolution and of the batch norm behind it.
var tensorFlowParam = map[graph.ParamKind]string{
	graph.Bias: "biases", graph.Gamma: "BatchNorm/gamma", graph.Beta: "BatchNorm/beta",
	graph.RunningMean: "BatchNorm/moving_mean", graph.RunningVar: "BatchNorm/moving_variance",
}

// tensorFlowScopes are the variable scopes of a backbone's modules.
type tensorFlowScopes struct {
	name   string
	root   string // of all
	extras string // what the scopes of extra maps begin with
	own    map[string]string
	blocks map[string]map[string]string // by the kind of block
	block  func(number int) string      // what the scopes of a block begin with
}

// tensorFlowV2 are those of MobileNetV2. The first block has no number.
var tensorFlowV2 = tensorFlowScopes{
	name: "MobileNetV2", root: "FeatureExtractor/MobilenetV2/", extras: "layer_19",
	own: map[string]string{"conv_stem": "Conv", "bn1": "Conv", "conv_head": "Conv_1", "bn2": "Conv_1"},
	blocks: map[string]map[string]string{
		"separable": {"conv_dw": "depthwise", "bn1": "depthwise", "conv_pw": "project", "bn2": "project"},
		"inverted": {
			"conv_pw": "expand", "bn1": "expand", "conv_dw": "depthwise", "bn2": "depthwise", "conv_pwl": "project", "bn3": "project",
		},
	},
	block: func(n int) string {
		if n == 0 {
			return "expanded_conv/"
		}
		return fmt.Sprintf("expanded_conv_%d/", n)
	},
}

// tensorFlowV1 are those of MobileNetV1, whose blocks are counted from 1.
var tensorFlowV1 = tensorFlowScopes{
	name: "MobileNetV1", root: "FeatureExtractor/MobilenetV1/", extras: "Conv2d_13_pointwise",
	own:    map[string]string{"conv_stem": "Conv2d_0", "bn1": "Conv2d_0"},
	blocks: map[string]map[string]string{"separable": {"conv_dw": "depthwise", "bn1": "depthwise", "conv_pw": "pointwise", "bn2": "pointwise"}},
	block:  func(n int) string { return fmt.Sprintf("Conv2d_%d_", n+1) },
}

var (
	extraPath = regexp.MustCompile(`^extra\.(\d)\.([012])\.[01]$`)
	headPath  = regexp.MustCompile(`^head\.(classification|regression)_head\.module_list\.(\d)\.(0\.[01]|1)$`)
)

// tensorFlowSSDLite returns the names that TensorFlow's Object Detection API
// gives the parameters of SSDLite on MobileNetV1 and V2. It reports false for
// networks that find no objects.
func tensorFlowSSDLite(g *graph.Graph) (Foreign, bool) {
	if g.Levels() == 0 {
		return Foreign{}, false
	}
	blocks := blockNumbers(g)
	scopes := &tensorFlowV1
	for _, b := range blocks {
		if b.kind != "separable" {
			scopes = &tensorFlowV2
		}
	}
	m := naming{source: "TensorFlow SSDLite " + scopes.name, same: true, eps: 1e-3, input: input.Preprocess{Interpolation: input.BilinearLegacy}}
	f := Foreign{Source: m.source, Names: make([]string, len(g.Params)), Add: m.variances(g), Err: m.checkPadding(g), input: m.input}
	kernel := make([]string, len(g.Params)) // of convolutions: what their weights are called
	for _, n := range g.Nodes {
		switch op := n.Op.(type) {
		case *graph.Conv:
			kernel[op.Weights[0]] = "weights"
		case *graph.MixConv:
			kernel[op.Weights[0]] = "depthwise_weights"
		}
	}
	for i, p := range g.Params {
		scope := scopes.of(g, moduleOf(p.Name), blocks)
		own := tensorFlowParam[p.Kind]
		if p.Kind == graph.Weight {
			own = kernel[i]
		}
		if scope != "" && own != "" {
			f.Names[i] = scope + "/" + own
		}
	}
	return f, true
}

// blockNumber is the place of a block among all, and what kind it is.
type blockNumber struct {
	number int
	kind   string
}

func blockNumbers(g *graph.Graph) map[[2]int]blockNumber {
	paths := map[[2]int][]string{}
	all := map[[2]int]blockNumber{}
	for _, p := range g.Params {
		m := moduleOf(p.Name)
		if !m.inBlock {
			continue
		}
		key := [2]int{m.stage, m.block}
		b, ok := all[key]
		if !ok {
			b.number = len(all)
		}
		paths[key] = append(paths[key], m.path)
		b.kind = blockKind(paths[key])
		all[key] = b
	}
	return all
}

// of returns the variable scope of a module, "" if there is none.
func (t *tensorFlowScopes) of(g *graph.Graph, m module, blocks map[[2]int]blockNumber) string {
	if m.inBlock {
		b := blocks[[2]int{m.stage, m.block}]
		scope := t.blocks[b.kind][m.path]
		if scope == "" {
			return ""
		}
		return t.root + t.block(b.number) + scope
	}
	if s := extraPath.FindStringSubmatch(m.path); s != nil {
		i, _ := strconv.Atoi(s[1])
		out, _ := g.Find(graph.Boxes(i + 2))
		depth := mapDepth(g, out.ID)
		switch s[2] {
		case "0":
			return fmt.Sprintf("%s%s_1_Conv2d_%d_1x1_%d", t.root, t.extras, i+2, depth/2)
		case "1":
			return fmt.Sprintf("%s%s_2_Conv2d_%d_3x3_s2_%d_depthwise", t.root, t.extras, i+2, depth)
		}
		return fmt.Sprintf("%s%s_2_Conv2d_%d_3x3_s2_%d", t.root, t.extras, i+2, depth)
	}
	if s := headPath.FindStringSubmatch(m.path); s != nil {
		scope := fmt.Sprintf("BoxPredictor_%s/%s", s[2], map[string]string{"classification": "ClassPredictor", "regression": "BoxEncodingPredictor"}[s[1]])
		if s[3] != "1" {
			scope += "_depthwise"
		}
		return scope
	}
	if scope := t.own[m.path]; scope != "" {
		return t.root + scope
	}
	return ""
}

// mapDepth returns the channels of the map that a predictor reads.
func mapDepth(g *graph.Graph, id graph.ID) int {
	return g.Nodes[id].Op.(*graph.Conv).In()
}
