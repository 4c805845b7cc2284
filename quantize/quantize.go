// Package quantize turns a trained network into one that is computed with whole
// numbers of 8 bits, after training: images alone are needed, no labels.
//
// Weights get a scale for each output channel and activations one for each
// tensor, whose range is chosen for the least squared error; the mean error of every
// channel that rounding leaves is taken off the biases, layer by layer in order,
// and layers that lose most stay in floats until the network names the same
// classes as before.
package quantize

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
)

// Options adjusts Run. The zero value is a good choice.
type Options struct {
	// Threads is how many threads work. 0 means GOMAXPROCS.
	Threads int
	// Exact rounds every result to a byte, as the operators of ONNX do, so that
	// exported files compute the same. Otherwise what comes before an activation
	// or a residual is more precise.
	Exact bool
	// Agreement is the least part of the judged images that must get the same
	// class as before; layers are kept in floats until it is reached. 0 means
	// DefaultAgreement; below 0 keeps none. Of a network without classes, one that
	// finds objects, it is the signal to noise ratio of all its results that must
	// be such that this part of the power is signal.
	Agreement float64
	// Float are names of layers that stay in floats whatever they lose: of a
	// convolution, or what theirs begin with, up to a dot.
	Float []string
	// Progress, if not nil, is told how far a stage is.
	Progress func(Stage)
}

// DefaultAgreement is the part of the images whose class must stay the same.
const DefaultAgreement = 0.95

// The stages of the work.
const (
	StageRanges = "ranges"
	StageBefore = "judging floats"
	StageBiases = "biases"
	StageAfter  = "judging codes"
	StageNoise  = "noise"
)

// Stage is a part of the work. Biases and judging codes come again where more
// layers are kept in floats.
type Stage struct {
	Name        string
	Done, Total int
}

// images for the correction of biases, and the memory that they may take.
const (
	biasImages = 100
	biasBytes  = 512 << 20
)

// most is the part of the layers that is kept in floats at most.
const most = 0.3

// Run quantizes a network. The loader feeds images to find ranges by, in the
// same order each epoch; judge feeds those that the result is compared on, and
// by which accuracy is measured if their classes are the model's: labelled says
// so. They should be others.
func Run(ctx context.Context, m *model.Model, loader, judge *data.Loader, labelled bool, o Options) (*Result, error) {
	if m.Quantization != nil {
		return nil, fmt.Errorf("quantize %s: it is quantized already", m.Network)
	}
	r := &run{m: m, loader: loader, judge: judge, labelled: labelled, o: o}
	r.o.Agreement = cmp.Or(o.Agreement, DefaultAgreement)
	if err := checkWeights(m); err != nil {
		return nil, err
	}
	var err error
	if r.scheme, err = newScheme(m.Graph); err != nil {
		return nil, err
	}
	if r.kept, err = r.scheme.named(o.Float); err != nil {
		return nil, fmt.Errorf("quantize %s: %w", m.Network, err)
	}
	if err := r.prepare(ctx); err != nil {
		return nil, fmt.Errorf("quantize %s: %w", m.Network, err)
	}
	out, err := r.search(ctx)
	if err != nil {
		return nil, fmt.Errorf("quantize %s: %w", m.Network, err)
	}
	return out, nil
}

// run is what Run is doing.
type run struct {
	m             *model.Model
	scheme        *scheme
	loader, judge *data.Loader
	labelled      bool
	o             Options

	seen    map[graph.ID]*observed
	codes   map[graph.ID]graph.Code // of all nodes that can have one
	scales  map[graph.ParamID][]float32
	rounded graph.Values[float32] // weights; nil for parameters that stay
	kept    map[*unit]Reason      // in floats, and why
	before  *verdict              // of the network as it was
}

// stage returns a function that tells how far a stage is.
func (r *run) stage(name string, total int) func(done int) {
	return func(done int) {
		if r.o.Progress != nil {
			r.o.Progress(Stage{name, min(done, total), total})
		}
	}
}

// checkWeights returns an error for weights that are no numbers.
func checkWeights(m *model.Model) error {
	for i, v := range m.Values {
		for _, x := range v {
			if x-x != 0 {
				return fmt.Errorf("quantize %s: %s contains %g: the weights are damaged, or their training diverged", m.Network, m.Graph.Params[i].Name, x)
			}
		}
	}
	return nil
}

// prepare finds all scales.
func (r *run) prepare(ctx context.Context) error {
	s := r.scheme
	var nodes []graph.ID
	for i := range s.group {
		if s.group[i] != graph.None {
			nodes = append(nodes, graph.ID(i))
		}
	}
	n := r.loader.Set().Len()
	if n == 0 {
		return errors.New("no images to find ranges by")
	}
	var err error
	if r.seen, err = observe(ctx, r.m.Graph, r.m.Values, r.loader, nodes, biasImages, r.o.Threads, r.stage(StageRanges, n)); err != nil {
		return err
	}
	noise := r.chooseCodes(nodes)
	r.roundAll()
	for _, u := range s.units {
		u.noise += noise[u.end]
		if u.pre != u.end && s.needed(u.pre) {
			u.noise += noise[u.pre]
		}
	}
	return nil
}

// chooseCodes finds the codes of all groups of nodes and returns what each adds
// to noise.
func (r *run) chooseCodes(nodes []graph.ID) (noise map[graph.ID]float64) {
	s := r.scheme
	groups := map[graph.ID]*histogram{}
	known := map[graph.ID]bool{}
	var roots []graph.ID
	for _, id := range nodes {
		root := s.group[id]
		if groups[root] == nil {
			groups[root], known[root] = newHistogram(), true
			roots = append(roots, root)
		}
		groups[root].merge(r.seen[id].h)
		known[root] = known[root] && s.startKnown(id)
	}
	found, of := make([]graph.Code, len(roots)), make([]float64, len(roots))
	each(len(roots), r.o.Threads, func(i int) {
		root := roots[i]
		found[i], of[i] = choose(groups[root], activation(s.function(root)), known[root])
	})
	r.codes, noise = map[graph.ID]graph.Code{}, map[graph.ID]float64{}
	for _, id := range nodes {
		i := slices.Index(roots, s.group[id])
		r.codes[id], noise[id] = found[i], of[i]
	}
	return noise
}

// roundAll rounds the weights of all units and heads.
func (r *run) roundAll() {
	r.scales, r.rounded = map[graph.ParamID][]float32{}, make(graph.Values[float32], len(r.m.Values))
	round := func(id graph.ParamID) (noise float64) {
		r.rounded[id], r.scales[id], noise = roundWeights(r.m.Values[id], r.m.Graph.Params[id].Shape[0])
		return noise
	}
	for _, u := range r.scheme.units {
		for _, id := range u.weights {
			u.noise = max(u.noise, round(id))
		}
	}
	for _, id := range r.scheme.heads {
		round(id)
	}
}

// build returns the model with all units whole but those that are kept.
func (r *run) build() *model.Model {
	out := *r.m
	q := &graph.Quantization{Codes: map[graph.ID]graph.Code{}, Scales: map[graph.ParamID][]float32{}, Exact: r.o.Exact}
	for id, c := range r.codes {
		if r.scheme.needed(id) {
			q.Codes[id] = c
		}
	}
	out.Values = slices.Clone(r.m.Values)
	whole := func(id graph.ParamID) { out.Values[id], q.Scales[id] = r.rounded[id], r.scales[id] }
	for _, u := range r.scheme.units {
		if r.kept[u] != "" {
			if u.pre != u.end {
				delete(q.Codes, u.pre)
			}
			continue
		}
		for _, id := range u.weights {
			whole(id)
		}
		if u.shift != graph.NoParam {
			out.Values[u.shift] = slices.Clone(out.Values[u.shift])
		}
	}
	for _, id := range r.scheme.heads {
		whole(id)
	}
	out.Quantization = q
	return &out
}

// correct takes the mean error of each channel off the biases of a built model.
// It reports whether there are layers that cannot be computed on codes after all,
// which are kept in floats from here on: m is then not what is wanted.
func (r *run) correct(ctx context.Context, m *model.Model) (again bool, err error) {
	p, err := engine.Compile(m.Graph, m.Values, engine.Options{Threads: r.o.Threads, Quantization: m.Quantization})
	if err != nil {
		return false, err
	}
	defer p.Close()
	units := map[graph.ID]*unit{}
	for _, u := range r.scheme.units {
		if r.kept[u] == "" {
			units[u.pre] = u
		}
	}
	tell, done := r.stage(StageBiases, len(units)), map[graph.ID]bool{}
	correction := r.correction(m, units)
	_, err = p.Correct(ctx, r.images(ctx), biasBytes, func(id graph.ID, mean *tensor.Tensor) ([]float32, error) {
		done[id] = true
		tell(len(done))
		return correction(id, mean)
	})
	if err != nil {
		return false, err
	}
	for id, u := range units {
		if !done[id] {
			r.kept[u], again = ReasonFactors, true
		}
	}
	return again, nil
}
