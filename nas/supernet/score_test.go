package supernet

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/tensor"
)

// The statistics of the stem's batch norm are the means over batches of those
// of a convolution written out here, and with one batch the network evaluates
// as batch statistics have it.
func TestStatistics(t *testing.T) {
	r := roles(t, 200)
	n := supernet(t, parse(t, tiny), Sharing{})
	a := make(nas.Arch, len(n.Space.Decisions()))
	s, err := NewScorer(t.Context(), n, ScoreConfig{Fit: r.Fit, Estimate: 60, Choose: r.Choose, Images: 30, Batch: 30, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	p, err := n.Path(a)
	if err != nil {
		t.Fatal(err)
	}
	values := bind(p, n.Values)
	gather(p, values, n.Values)
	net, err := autodiff.New[float32](oneBatch(p.Graph), s.shape, autodiff.Options{Memory: s.memory})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.statistics(t.Context(), p.Graph, net, values); err != nil {
		t.Fatal(err)
	}
	at := p.Graph.ParamIndex()
	weight, shape := values[at["conv_stem.weight"]], p.Graph.Params[at["conv_stem.weight"]].Shape
	if len(s.estimate) != 2 {
		t.Fatalf("%d batches", len(s.estimate))
	}
	for c := range shape[0] {
		mean, variance := 0.0, 0.0
		for _, b := range s.estimate {
			m, v := moments(convolved(&b.Images, weight[c*9:][:9]))
			mean, variance = mean+m/2, variance+v/2
		}
		if got := float64(values[at["bn1.running_mean"]][c]); math.Abs(got-mean) > 1e-5*(1+math.Abs(mean)) {
			t.Errorf("channel %d: mean %g, want %g", c, got, mean)
		}
		if got := float64(values[at["bn1.running_var"]][c]); math.Abs(got-variance) > 1e-4*variance {
			t.Errorf("channel %d: variance %g, want %g", c, got, variance)
		}
	}

	s.estimate = s.estimate[:1]
	if err := s.statistics(t.Context(), p.Graph, net, values); err != nil {
		t.Fatal(err)
	}
	b := &s.estimate[0]
	if err := net.Train(&b.Images, values, 0); err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(net.Output(0))
	if err := net.Eval(&b.Images, values); err != nil {
		t.Fatal(err)
	}
	for i, v := range net.Output(0) { // they differ by n/(n-1) in the variances
		if math.Abs(float64(v-want[i])) > 0.02*(1+math.Abs(float64(want[i]))) {
			t.Fatalf("logit %d: %g, with batch statistics %g", i, v, want[i])
		}
	}
}

// convolved is a 3×3 convolution of one channel with zeros around it.
func convolved(x *tensor.Tensor, weight []float32) []float64 {
	var out []float64
	s := x.Shape
	for n := range s.N {
		for y := range s.H {
			for z := range s.W {
				sum := 0.0
				for dy := range 3 {
					for dx := range 3 {
						if yy, xx := y+dy-1, z+dx-1; yy >= 0 && yy < s.H && xx >= 0 && xx < s.W {
							sum += float64(weight[dy*3+dx]) * float64(x.Data[(n*s.H+yy)*s.W+xx])
						}
					}
				}
				out = append(out, sum)
			}
		}
	}
	return out
}

// moments returns the mean and the unbiased variance.
func moments(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		variance += (x - mean) * (x - mean) / float64(len(v)-1)
	}
	return mean, variance
}

// A score is that of the network alone with the same parameters and statistics.
func TestScore(t *testing.T) {
	r := roles(t, 400)
	s := parse(t, tiny)
	n := supernet(t, s, Sharing{})
	rec := small(t)
	rec.Epochs = 4
	if _, err := Train(t.Context(), Config{Net: n, Recipe: rec, Data: r.Fit, Threads: 1}); err != nil {
		t.Fatal(err)
	}
	sc, err := NewScorer(t.Context(), n, ScoreConfig{Fit: r.Fit, Choose: r.Choose, Images: 300, Batch: 100, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer sc.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	best := 0.0
	for range 4 {
		a := nas.Random(s, rng)
		got, err := sc.Score(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		again, err := sc.Score(t.Context(), a)
		if err != nil || again != got {
			t.Errorf("%v: %+v, then %+v, %v", a, got, again, err)
		}
		best = max(best, got.Top1)
	}
	if best < 0.25 {
		t.Errorf("the best of four is right on %.1f %%: nothing was learned", 100*best)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sc.Score(ctx, nas.Random(s, rng)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
