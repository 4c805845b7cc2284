package zoo

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// Foreign is how another program names the parameters of a network, and what
// else its weights need.
type Foreign struct {
	Source string    // such as "torchvision MobileNetV2"
	Names  []string  // by graph.ParamID; "" where the program has no such parameter
	Add    []float32 // by graph.ParamID: added to the values read, for another ε in batch norms; nil for nothing
	Err    error     // why its weights do not fit although names and shapes may: another padding
	input  input.Preprocess
}

// Prepare returns how the program prepares pictures where a network of the zoo
// prepares them by p. It changes the interpolation, and the statistics of
// pictures with three channels.
func (f Foreign) Prepare(p input.Preprocess) input.Preprocess {
	p.Interpolation = cmp.Or(f.input.Interpolation, p.Interpolation)
	if len(f.input.Mean) > 0 && len(f.input.Mean) == p.Channels {
		p.Mean, p.Std = slices.Clone(f.input.Mean), slices.Clone(f.input.Std)
	}
	return p
}

// ForeignNames returns how other programs name the parameters of a network.
func ForeignNames(g *graph.Graph) []Foreign {
	out := make([]Foreign, len(namings))
	for i := range namings {
		m := &namings[i]
		out[i] = Foreign{Source: m.source, Names: m.names(g), Add: m.variances(g), Err: m.checkPadding(g), input: m.input}
	}
	if f, ok := tensorFlowSSDLite(g); ok {
		out = append(out, f)
	}
	return out
}

// naming translates timm's module names, which graphs use, into those of
// another implementation of the same networks.
//
// In the translations {n} is the block's number counted from 0 through all
// stages, {n+1} the same from 1, {s+7} its stage plus 7, and {b} its number in
// the stage.
type naming struct {
	source  string
	modules map[string]string            // outside the blocks
	blocks  map[string]map[string]string // by kind of block, see blockKind
	same    bool                         // the source pads as TensorFlow does
	eps     float64                      // ε of the source's batch norms
	input   input.Preprocess             // where the source's differs
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

// names returns the source's name of every parameter of g, or "" where it has
// none.
func (m *naming) names(g *graph.Graph) []string {
	names := make([]string, len(g.Params))
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
func (m *naming) checkPadding(g *graph.Graph) error {
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
// √(var+ε), so the difference belongs to the variances. It is nil where there
// is no difference.
func (m *naming) variances(g *graph.Graph) []float32 {
	var add []float32
	for _, n := range g.Nodes {
		bn, ok := n.Op.(*graph.BatchNorm)
		if !ok || float32(m.eps-bn.Eps) == 0 {
			continue
		}
		if add == nil {
			add = make([]float32, len(g.Params))
		}
		add[bn.Var] = float32(m.eps - bn.Eps)
	}
	return add
}
