// Package explain shows which parts of an image speak for a class: class
// activation maps (Zhou et al., "Learning Deep Features for Discriminative
// Localization", 2016, section 2).
//
// Where a network's logits are a linear layer upon the mean of its last feature
// map over all positions, the order of the two can be exchanged: the layer
// applied at every position gives a map for each class whose mean, with the
// class's bias added, is the class's logit. So a map is no approximation: it
// divides the logit among the positions.
package explain

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
)

// ErrNotLinear says that class activation maps do not exist for a network,
// since something else than pooling and one linear layer lies between its last
// feature map and its logits.
var ErrNotLinear = errors.New("class activation maps do not apply")

// Explainer computes the maps of a model. It is safe for concurrent use.
type Explainer struct {
	program *engine.Program
	head    *Head
}

// mapOutput names the last feature map among the graph's outputs.
const mapOutput = "explain.map"

// New returns an explainer for m, or [ErrNotLinear] with the reason. Threads is
// how many work on one image; 0 means GOMAXPROCS.
func New(m *model.Model, threads int) (*Explainer, error) {
	g, head, err := Extend(m.Graph, engine.InMemory(m.Values))
	if err != nil {
		return nil, err
	}
	program, err := engine.Compile(g, m.Values, engine.Options{Threads: threads, Quantization: m.Quantization})
	if err != nil {
		return nil, err
	}
	return On(program, head), nil
}

// On returns an explainer that runs a program, which was made of the graph that
// Extend returned with the head, and has no memory of its own.
func On(p *engine.Program, h *Head) *Explainer { return &Explainer{p, h} }

// Close frees the explainer's threads. It is optional; no call may be running.
func (e *Explainer) Close() { e.program.Close() }

// Head is the classifying layer of a network that can be explained.
type Head struct {
	channels int
	weights  []float32 // classes × channels
	bias     []float32 // nil for none
}

// Extend returns g with its last feature map as a further output, and the
// head that turns it into maps; or [ErrNotLinear] with the reason.
func Extend(g *graph.Graph, source engine.Source) (*graph.Graph, *Head, error) {
	last, err := findHead(g)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %w", g.Name, ErrNotLinear, err)
	}
	h := &Head{channels: last.linear.In}
	if h.weights, err = read(g, source, last.linear.Weight); err != nil {
		return nil, nil, err
	}
	if last.linear.Bias != graph.NoParam {
		if h.bias, err = read(g, source, last.linear.Bias); err != nil {
			return nil, nil, err
		}
	}
	extended := *g
	extended.Outputs = append(slices.Clone(g.Outputs), graph.Output{Name: mapOutput, ID: last.input, Channels: last.linear.In})
	return &extended, h, nil
}

// read returns the values of a parameter, which are the caller's.
func read(g *graph.Graph, source engine.Source, id graph.ParamID) ([]float32, error) {
	v, err := source.Values(id, make([]float32, g.Params[id].Len()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.Params[id].Name, err)
	}
	return slices.Clone(v), nil
}

// end is the end of a network: the map that is pooled, and the classifier.
type end struct {
	input  graph.ID
	linear *graph.Linear
}

// findHead goes back from the logits to the last feature map.
func findHead(g *graph.Graph) (end, error) {
	out, ok := g.Find(graph.Logits)
	if !ok {
		return end{}, errors.New("the network has no logits")
	}
	linear, ok := g.Nodes[out.ID].Op.(*graph.Linear)
	if !ok {
		return end{}, fmt.Errorf("the logits come from %s, not from a linear layer", g.Nodes[out.ID].Op.Kind())
	}
	at := g.Nodes[out.ID].Inputs[0]
	for {
		n := &g.Nodes[at]
		switch n.Op.(type) {
		case *graph.Dropout:
			at = n.Inputs[0]
		case *graph.GlobalPool:
			return end{n.Inputs[0], linear}, nil
		default:
			return end{}, fmt.Errorf("%s (%s) lies between pooling and classifier", n.Name, n.Op.Kind())
		}
	}
}

// Result is an image's logits and its last feature map.
type Result struct {
	Logits []float32

	head     *Head
	h, w     int
	features []float32 // h×w×channels
}

// Run computes an image: x is 1×H×W×C as the network takes it.
func (e *Explainer) Run(ctx context.Context, x *tensor.Tensor) (*Result, error) {
	r, results, err := e.result(x.Shape)
	if err != nil {
		return nil, err
	}
	if err := e.program.RunTo(ctx, x, results...); err != nil {
		return nil, err
	}
	return r, nil
}

// RunBytes is Run on pixels of bytes, by a program that normalises them.
func (e *Explainer) RunBytes(ctx context.Context, pixels []byte, shape tensor.Shape) (*Result, error) {
	r, results, err := e.result(shape)
	if err != nil {
		return nil, err
	}
	if err := e.program.RunBytesTo(ctx, pixels, shape, results...); err != nil {
		return nil, err
	}
	return r, nil
}

// result returns one that is to be filled in.
func (e *Explainer) result(in tensor.Shape) (*Result, []engine.Result, error) {
	if in.N != 1 {
		return nil, nil, fmt.Errorf("explain: %d images, want one", in.N)
	}
	var results []engine.Result
	for _, name := range []string{graph.Logits, mapOutput} {
		s, err := e.program.OutputShape(name, in)
		if err != nil {
			return nil, nil, err
		}
		results = append(results, engine.Result{Name: name, To: tensor.New[float32](s)})
	}
	logits, features := results[0].To, results[1].To
	return &Result{Logits: logits.Data, head: e.head, h: features.Shape.H, w: features.Shape.W, features: features.Data}, results, nil
}

// Map says how much every position of an image's last feature map speaks for a
// class, or against it where negative.
type Map struct {
	H, W   int
	Values []float32 // H×W; their mean plus Bias is the class's logit
	Bias   float32
}

// Map returns the map of a class.
func (r *Result) Map(class int) (Map, error) {
	e := r.head
	if class < 0 || class >= len(r.Logits) {
		return Map{}, fmt.Errorf("explain: class %d of %d", class, len(r.Logits))
	}
	m := Map{H: r.h, W: r.w, Values: make([]float32, r.h*r.w)}
	weights := e.weights[class*e.channels:][:e.channels]
	for i := range m.Values {
		sum := float32(0)
		for c, v := range r.features[i*e.channels:][:e.channels] {
			sum += weights[c] * v
		}
		m.Values[i] = sum
	}
	if e.bias != nil {
		m.Bias = e.bias[class]
	}
	return m, nil
}

// At returns the map's value at a position of the image, both in units of the
// image's sides, between the centers of the map's cells bilinearly.
func (m Map) At(x, y float64) float64 {
	x0, x1, fx := neighbors(x*float64(m.W)-0.5, m.W)
	y0, y1, fy := neighbors(y*float64(m.H)-0.5, m.H)
	row := func(y int) float64 {
		return (1-fx)*float64(m.Values[y*m.W+x0]) + fx*float64(m.Values[y*m.W+x1])
	}
	return (1-fy)*row(y0) + fy*row(y1)
}

// neighbors returns the two cells of n around a position and the share of the
// second.
func neighbors(at float64, n int) (lower, upper int, share float64) {
	at = min(max(at, 0), float64(n-1))
	lower = int(at)
	return lower, min(lower+1, n-1), at - float64(lower)
}
