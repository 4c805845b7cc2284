package quantize

import (
	"context"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
)

// verdict is what a network says of the judged images.
type verdict struct {
	choice   []int              // by example; -1 for one that was not read
	results  map[int][]float32  // of the first images
	outcomes *evaluate.Outcomes // nil without labels
}

// resultImages is for how many images all results are compared.
const resultImages = 1000

// verdict runs a model on the judged images.
func (r *run) verdict(ctx context.Context, m *model.Model, stage string) (*verdict, error) {
	p, err := engine.Compile(m.Graph, m.Values, engine.Options{Threads: r.o.Threads, Quantization: m.Quantization})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	set := r.judge.Set()
	v := &verdict{choice: slices.Repeat([]int{-1}, set.Len()), results: map[int][]float32{}}
	if r.labelled {
		v.outcomes = evaluate.NewOutcomes(set)
	}
	names := resultNames(m.Graph)
	tell, done := r.stage(stage, set.Len()), 0
	for batch, err := range r.judge.Epoch(ctx, 0, 0) {
		if err != nil {
			return nil, err
		}
		out, err := p.Outputs(ctx, &batch.Images, names...)
		if err != nil {
			return nil, err
		}
		for i, example := range batch.Examples {
			if err := v.add(example, i, out, m.Graph.Classes() > 0); err != nil {
				return nil, err
			}
		}
		done += batch.Images.Shape.N
		tell(done)
	}
	return v, nil
}

// resultNames returns the logits, or where there are none all results that are
// not for training.
func resultNames(g *graph.Graph) (names []string) {
	if g.Classes() > 0 {
		return []string{graph.Logits}
	}
	for _, o := range g.Outputs {
		if !o.Training {
			names = append(names, o.Name)
		}
	}
	return names
}

// add notes the results of image i of a batch.
func (v *verdict) add(example, i int, results []*tensor.Tensor, classifies bool) error {
	var all []float32
	for _, r := range results {
		n := len(r.Data) / r.Shape.N
		all = append(all, r.Data[i*n:][:n]...)
	}
	best := 0
	for i, x := range all {
		if x-x != 0 {
			return evaluate.ErrNotFinite
		}
		if x > all[best] {
			best = i
		}
	}
	if len(v.results) < resultImages {
		v.results[example] = all
	}
	if classifies {
		v.choice[example] = best
	}
	if v.outcomes != nil {
		return v.outcomes.Add(example, all)
	}
	return nil
}

// noise compares the results with others.
func (v *verdict) noise(other *verdict) (sum noise) {
	for i, x := range other.results {
		if y, ok := v.results[i]; ok {
			sum.add(x, y)
		}
	}
	return sum
}

// agreement returns the part of the images that get the same class, with
// Wilson's bounds of 95 %.
func (v *verdict) agreement(other *verdict) evaluate.Interval {
	n, same := 0, 0
	for i, c := range v.choice {
		if c >= 0 && other.choice[i] >= 0 {
			n++
			if c == other.choice[i] {
				same++
			}
		}
	}
	return evaluate.Interval(stats.Wilson(float64(same)/float64(max(n, 1)), n))
}

// noise sums a signal and what differs from it.
type noise struct{ signal, noise float64 }

func (s *noise) add(x, y []float32) {
	for i, v := range x {
		d := float64(v) - float64(y[i])
		s.signal += float64(v) * float64(v)
		s.noise += d * d
	}
}

// ratio returns the signal to noise ratio in decibels, at most 150.
func (s *noise) ratio() float64 {
	if s.signal == 0 {
		return 0
	}
	return 10 * math.Log10(s.signal/max(s.noise, s.signal*1e-15))
}

// noiseImages is for how many images the results of layers are compared.
const noiseImages = 16

// layers compares the results of all units.
func (r *run) layers(ctx context.Context, m *model.Model) ([]Layer, error) {
	var nodes []graph.ID
	for _, u := range r.scheme.units {
		nodes = append(nodes, u.end)
	}
	floats, err := watch(r.m.Graph, r.m.Values, nil, nodes, r.o.Threads)
	if err != nil {
		return nil, err
	}
	defer floats.program.Close()
	whole, err := watch(m.Graph, m.Values, m.Quantization, nodes, r.o.Threads)
	if err != nil {
		return nil, err
	}
	defer whole.program.Close()
	sums := make([]noise, len(nodes))
	tell, n := r.stage(StageNoise, noiseImages), 0
	for x, err := range r.images(ctx) {
		if err != nil {
			return nil, err
		}
		if n++; n > noiseImages {
			break
		}
		if err := floats.run(ctx, x); err != nil {
			return nil, err
		}
		if err := whole.run(ctx, x); err != nil {
			return nil, err
		}
		for i := range nodes {
			sums[i].add(floats.results[i].To.Data, whole.results[i].To.Data)
		}
		tell(n)
	}
	out := make([]Layer, len(nodes))
	for i, u := range r.scheme.units {
		node := r.m.Graph.Nodes[u.conv]
		out[i] = Layer{Name: node.Name, Kind: node.Op.Kind(), Float: r.kept[u] != "", Why: r.kept[u], OwnNoise: u.noise, SignalToNoise: sums[i].ratio()}
	}
	return out, nil
}
