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
	program  *engine.Program
	channels int
	weights  []float32 // classes × channels
	bias     []float32 // nil for none
}

// mapOutput names the last feature map among the graph's outputs.
const mapOutput = "explain.map"

// New returns an explainer for m, or [ErrNotLinear] with the reason. Threads is
// how many work on one image; 0 means GOMAXPROCS.
func New(m *model.Model, threads int) (*Explainer, error) {
	head, err := findHead(m.Graph)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", m.Network, ErrNotLinear, err)
	}
	g := *m.Graph
	logits, _ := g.Find(graph.Logits)
	g.Outputs = []graph.Output{logits, {Name: mapOutput, ID: head.input, Channels: head.linear.In}}
	program, err := engine.Compile(&g, m.Values, engine.Options{Threads: threads})
	if err != nil {
		return nil, err
	}
	e := &Explainer{program: program, channels: head.linear.In, weights: m.Values[head.linear.Weight]}
	if head.linear.Bias != graph.NoParam {
		e.bias = m.Values[head.linear.Bias]
	}
	return e, nil
}

// Close frees the explainer's threads. It is optional; no call may be running.
func (e *Explainer) Close() { e.program.Close() }

// head is the end of a network: the map that is pooled, and the classifier.
type head struct {
	input  graph.ID
	linear *graph.Linear
}

// findHead goes back from the logits to the last feature map.
func findHead(g *graph.Graph) (head, error) {
	out, ok := g.Find(graph.Logits)
	if !ok {
		return head{}, errors.New("the network has no logits")
	}
	linear, ok := g.Nodes[out.ID].Op.(*graph.Linear)
	if !ok {
		return head{}, fmt.Errorf("the logits come from %s, not from a linear layer", g.Nodes[out.ID].Op.Kind())
	}
	at := g.Nodes[out.ID].Inputs[0]
	for {
		n := &g.Nodes[at]
		switch n.Op.(type) {
		case *graph.Dropout:
			at = n.Inputs[0]
		case *graph.GlobalPool:
			return head{n.Inputs[0], linear}, nil
		default:
			return head{}, fmt.Errorf("%s (%s) lies between pooling and classifier", n.Name, n.Op.Kind())
		}
	}
}

// Result is an image's logits and its last feature map.
type Result struct {
	Logits []float32

	explainer *Explainer
	h, w      int
	features  []float32 // h×w×channels
}

// Run computes an image: x is 1×H×W×C as the network takes it.
func (e *Explainer) Run(ctx context.Context, x *tensor.Tensor) (*Result, error) {
	if x.Shape.N != 1 {
		return nil, fmt.Errorf("explain: %d images, want one", x.Shape.N)
	}
	out, err := e.program.Outputs(ctx, x, graph.Logits, mapOutput)
	if err != nil {
		return nil, err
	}
	s := out[1].Shape
	return &Result{Logits: out[0].Data, explainer: e, h: s.H, w: s.W, features: out[1].Data}, nil
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
	e := r.explainer
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
