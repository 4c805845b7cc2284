package supernet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train/classify"
)

// ScoreConfig says by which images a Scorer scores.
type ScoreConfig struct {
	// Fit are training images: batch norm's statistics are estimated on the first
	// Estimate of an order of the seed; 0 means 2000 (2,000 to 4,000 in published
	// systems), or all if there are fewer.
	Fit      data.Dataset
	Estimate int
	// Choose are the images that score, the first Images of an order of the seed;
	// 0 means all.
	Choose data.Dataset
	Images int
	// Batch is the number of images at a time; 0 means 125.
	Batch int
	Seed  uint64
	// Memory is shared with training; nil for the scorer's own, with Threads.
	Memory  *autodiff.Memory
	Threads int
}

// Scorer scores networks by their part of a supernet's parameters. It keeps its
// images in memory, prepared. A Scorer serves one goroutine.
type Scorer struct {
	net      *Net
	memory   *autodiff.Memory
	own      bool
	estimate []data.Batch
	judge    []data.Batch
	shape    tensor.Shape
}

// Score is how well a network does with the supernet's parameters.
type Score struct {
	Top1 float64 `json:"top1"` // a fraction
	Loss float64 `json:"loss"` // mean cross-entropy
}

// Likelihood is the geometric mean of the probabilities that the network gives to
// the images' own classes. It ranks networks as Loss does, which has less noise
// than Top1.
func (s Score) Likelihood() float64 { return math.Exp(-s.Loss) }

// NewScorer reads the images.
func NewScorer(ctx context.Context, n *Net, cfg ScoreConfig) (*Scorer, error) {
	if cfg.Fit == nil || cfg.Choose == nil {
		return nil, errors.New("supernet: no images to score by")
	}
	if cfg.Batch == 0 {
		cfg.Batch = 125
	}
	if cfg.Estimate == 0 {
		cfg.Estimate = 2000
	}
	s := &Scorer{net: n, memory: cfg.Memory}
	var err error
	if s.estimate, err = n.read(ctx, cfg.Fit, cfg.Estimate, &cfg); err != nil {
		return nil, fmt.Errorf("supernet: images to estimate by: %w", err)
	}
	if s.judge, err = n.read(ctx, cfg.Choose, cfg.Images, &cfg); err != nil {
		return nil, fmt.Errorf("supernet: images to score by: %w", err)
	}
	s.shape = s.estimate[0].Images.Shape
	for _, b := range slices.Concat(s.estimate, s.judge) {
		s.shape.N = max(s.shape.N, b.Images.Shape.N)
	}
	if s.memory == nil {
		s.memory, s.own = autodiff.NewMemory(cfg.Threads), true
	}
	return s, nil
}

// read prepares the first images of a set, in an order of the seed; 0 means all.
func (n *Net) read(ctx context.Context, d data.Dataset, images int, cfg *ScoreConfig) ([]data.Batch, error) {
	if images == 0 || images > d.Len() {
		images = d.Len()
	}
	l, err := data.NewLoader(d, data.Config{Preprocess: n.Space.Base.Input, Batch: min(cfg.Batch, images), Shuffle: true, Seed: cfg.Seed, Workers: cfg.Threads})
	if err != nil {
		return nil, err
	}
	var all []data.Batch
	for b, err := range l.Epoch(ctx, 0, 0) {
		if err != nil {
			return nil, err
		}
		count := min(len(b.Labels), images)
		c := data.Batch{Labels: slices.Clone(b.Labels[:count]), Images: b.Images}
		c.Images.Shape.N = count
		c.Images.Data = slices.Clone(b.Images.Data[:c.Images.Shape.Len()])
		all = append(all, c)
		if images -= count; images == 0 {
			break
		}
	}
	return all, nil
}

// Close ends the scorer's threads, unless its memory is shared. It is optional.
func (s *Scorer) Close() {
	if s.own {
		s.memory.Close()
	}
}

// Score estimates the statistics of an architecture's batch norms on training
// images and measures it on those that score.
func (s *Scorer) Score(ctx context.Context, a nas.Arch) (Score, error) {
	p, err := s.net.Path(a)
	if err != nil {
		return Score{}, err
	}
	values := bind(p, s.net.Values)
	gather(p, values, s.net.Values)
	net, err := autodiff.New[float32](oneBatch(p.Graph), s.shape, autodiff.Options{Memory: s.memory})
	if err != nil {
		return Score{}, err
	}
	if err := s.statistics(ctx, p.Graph, net, values); err != nil {
		return Score{}, err
	}
	var out Score
	images := 0
	for i := range s.judge {
		if err := ctx.Err(); err != nil {
			return Score{}, err
		}
		b := &s.judge[i]
		if err := net.Eval(&b.Images, values); err != nil {
			return Score{}, err
		}
		loss, correct := classify.CrossEntropy(net.Output(0), classify.Targets{Labels: b.Labels}, 0, nil)
		out.Loss += loss
		out.Top1 += float64(correct)
		images += len(b.Labels)
	}
	out.Loss /= float64(images)
	out.Top1 /= float64(images)
	return out, nil
}

// statistics sets the running statistics in values to the means over batches of
// what each batch, normalised by its own, has.
func (s *Scorer) statistics(ctx context.Context, g *graph.Graph, net *autodiff.Net[float32], values graph.Values[float32]) error {
	sums := make([][]float64, len(g.Params))
	for i := range s.estimate {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := net.Train(&s.estimate[i].Images, values, 0); err != nil {
			return err
		}
		for j, p := range g.Params {
			if p.Trainable() {
				continue
			}
			if sums[j] == nil {
				sums[j] = make([]float64, len(values[j]))
			}
			for k, v := range values[j] {
				sums[j][k] += float64(v)
			}
		}
	}
	for j, sum := range sums {
		for k, v := range sum {
			values[j][k] = float32(v / float64(len(s.estimate)))
		}
	}
	return nil
}

// oneBatch returns g with batch norms whose running statistics are those of the
// last batch alone.
func oneBatch(g *graph.Graph) *graph.Graph {
	changed := *g
	changed.Nodes = slices.Clone(g.Nodes)
	for i, n := range changed.Nodes {
		if norm, ok := n.Op.(*graph.BatchNorm); ok {
			last := *norm
			last.Momentum = 1
			changed.Nodes[i].Op = &last
		}
	}
	return &changed
}
