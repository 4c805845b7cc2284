package weights

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// ErrMismatch is wrapped by the error of Load about a file that does not fit
// the network.
var ErrMismatch = errors.New("weights do not fit the network")

// Options says how a file may name its tensors and what it may lack.
type Options struct {
	// Names are those that the file may use instead of the network's own.
	Names []NameMap
	// Exact asks for the network's own names with nothing before them, as in
	// files that this module writes. Otherwise they may lie in a section.
	Exact bool
	// ReplaceHead leaves the classifier at its initial values where the file
	// has none, one for other classes or one of other layers: the start of
	// fine-tuning.
	ReplaceHead bool
	// Scales are those of parameters that are stored as whole numbers, I8, one for
	// each output channel: a value is its scale times the number.
	Scales map[graph.ParamID][]float32
	// Seed starts the random initial values of what is not read from the file.
	Seed uint64
}

// NameMap is how another program names the parameters of a network.
type NameMap struct {
	Source string    // for reports, such as "torchvision MobileNetV2"
	Names  []string  // by graph.ParamID; "" where the program has no such parameter
	Add    []float32 // by graph.ParamID: added to the values read; nil for nothing
	Err    error     // why weights do not fit although names and shapes do
}

// OwnNames is what a Report says of a file that uses the network's own names.
const OwnNames = "own"

func ownNames(g *graph.Graph) *NameMap {
	m := &NameMap{Source: OwnNames, Names: make([]string, len(g.Params))}
	for i, p := range g.Params {
		m.Names[i] = p.Name
	}
	return m
}

// Load reads the values of all parameters of g. Names are the network's or those
// of one of o.Names; unless o is Exact they may all begin with the same prefix,
// such as "module.", or lie in one dict of a checkpoint, of which the moving
// average of the weights (EMA) is preferred. Auxiliary classifiers, which only
// training uses, may be absent.
//
// If the file does not fit, the error wraps ErrMismatch and names the first
// few differences; the Report has all of them.
func Load(g *graph.Graph, f *File, o Options) (graph.Values[float32], *Report, error) {
	s, r, err := NewSource(g, f, o)
	if err != nil {
		return nil, r, err
	}
	v := graph.NewValues[float32](g)
	for i := range v {
		if _, err := s.Values(graph.ParamID(i), v[i]); err != nil {
			return nil, r, err
		}
	}
	return v, r, nil
}

// Source reads the values of a network's parameters from a file when they are
// asked for. It is safe for concurrent use while the file is open.
type Source struct {
	g       *graph.Graph
	f       *File
	seed    uint64
	tensors []string  // by ParamID: the name in the file; "" for initial values
	add     []float32 // by ParamID: what is added to the values
	scales  map[graph.ParamID][]float32
}

// NewSource returns the parameters that Load would read, under the same
// conditions.
func NewSource(g *graph.Graph, f *File, o Options) (*Source, *Report, error) {
	m, r, err := check(g, f, o)
	if err != nil {
		return nil, r, err
	}
	s := &Source{g: g, f: f, seed: o.Seed, scales: o.Scales, tensors: make([]string, len(g.Params)), add: m.names.Add}
	for i, p := range g.Params {
		name := m.section + m.names.Names[i]
		if t, ok := f.tensors[name]; m.names.Names[i] != "" && ok && sameShape(t.Shape, p.Shape) {
			s.tensors[i] = name
		}
	}
	return s, r, nil
}

// Values reads the values of a parameter, in PyTorch's layout, into buf and
// returns it. Its length must be the parameter's.
func (s *Source) Values(id graph.ParamID, buf []float32) ([]float32, error) {
	name := s.tensors[id]
	if name == "" {
		s.g.Params[id].Initialize(buf, s.seed)
		return buf, nil
	}
	scales := s.scales[id]
	switch d := s.f.tensors[name].DType; {
	case scales != nil && d != I8:
		return nil, fmt.Errorf("%s: tensor %.200q: %w: its scales are those of whole numbers (I8), but it is %v", s.f.path, name, ErrFormat, d)
	case scales == nil && !d.isFloat():
		return nil, fmt.Errorf("%s: tensor %.200q: %w: a parameter of whole numbers (%v) without scales", s.f.path, name, ErrFormat, d)
	}
	if err := s.f.Read(name, buf); err != nil {
		return nil, err
	}
	if scales != nil {
		if err := scale(buf, scales); err != nil {
			return nil, fmt.Errorf("%s: tensor %.200q: %w", s.f.path, name, err)
		}
	}
	if err := checkValues(s.g.Params[id].Kind, buf); err != nil {
		return nil, fmt.Errorf("%s: tensor %.200q: %w", s.f.path, name, err)
	}
	if s.add != nil && s.add[id] != 0 {
		for i := range buf {
			buf[i] += s.add[id]
		}
	}
	return buf, nil
}

// scale multiplies whole numbers by the scales of their channels.
func scale(values, scales []float32) error {
	if len(scales) == 0 || len(values)%len(scales) != 0 {
		return formatError("%d values have %d scales", len(values), len(scales))
	}
	n := len(values) / len(scales)
	for i, v := range values {
		if v < -graph.MaxWeightCode {
			return formatError("value %d is %g, less than %d", i, v, -graph.MaxWeightCode)
		}
		values[i] = v * scales[i/n]
	}
	return nil
}

// Check reports how Load would put the tensors of a file onto g, and its error,
// without reading any values.
func Check(g *graph.Graph, f *File, o Options) (*Report, error) {
	_, r, err := check(g, f, o)
	return r, err
}

func check(g *graph.Graph, f *File, o Options) (matching, *Report, error) {
	m := match(g, f, o)
	r := &Report{Section: m.section, Names: m.names.Source}
	head, needed, stem := headParams(g), neededParams(g), stemParam(g)
	for i, p := range g.Params {
		t, ok := f.tensors[m.section+m.names.Names[i]]
		ok = ok && m.names.Names[i] != ""
		if ok && head[i] && p.Kind == graph.Weight && len(t.Shape) > 0 {
			r.Classes = t.Shape[0]
		}
		if ok && graph.ParamID(i) == stem && len(t.Shape) == 4 {
			r.Channels = t.Shape[1]
		}
		switch {
		case ok && sameShape(t.Shape, p.Shape):
			r.Loaded++
		case !needed[i] || o.ReplaceHead && head[i]:
			r.Initial = append(r.Initial, p.Name)
		case !ok:
			r.Missing = append(r.Missing, p.Name)
		default:
			r.Misshaped = append(r.Misshaped, Mismatch{p.Name, t.Shape, p.Shape})
		}
	}
	r.addUnused(f, m, g, o.ReplaceHead)
	return m, r, r.err(g, f, m, head)
}

// sameShape compares shapes without the ones at their ends: a 1×1 convolution
// has the values of a fully connected layer.
func sameShape(a, b []int) bool {
	trim := func(s []int) []int {
		for len(s) > 1 && s[len(s)-1] == 1 {
			s = s[:len(s)-1]
		}
		return s
	}
	return slices.Equal(trim(a), trim(b))
}

// headParams marks the parameters of the classifiers.
func headParams(g *graph.Graph) []bool {
	head := make([]bool, len(g.Params))
	for _, p := range g.HeadParams() {
		head[p] = true
	}
	return head
}

// neededParams marks the parameters that inference reads.
func neededParams(g *graph.Graph) []bool {
	needed := make([]bool, len(g.Params))
	for i, used := range g.Used() {
		if used {
			for _, p := range g.Nodes[i].Op.Params() {
				needed[p] = true
			}
		}
	}
	return needed
}

// stemParam returns the weights of the convolution that reads the image.
func stemParam(g *graph.Graph) graph.ParamID {
	for _, n := range g.Nodes {
		if op, ok := n.Op.(*graph.Conv); ok && n.Inputs[0] == 0 && len(op.Groups) == 1 {
			return op.Weights[0]
		}
	}
	return graph.NoParam
}
