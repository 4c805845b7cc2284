package supernet

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
)

// rows is a space of whole blocks: a linear one that changes size, inverted
// residuals of three kinds, and none.
const rows = `name = "rows"
input = {size = 8, channels = 1}
classes = 10

[stem]
out = 8
stride = 1

[[stage]]
stride = 2
out = [8]
depth = [3]
rows = [
  {name = "identity", kind = "linear", kernels = [1]},
  {name = "k3e1", kernels = [3], expand = 1},
  {name = "k35e3", kernels = [3, 5], expand = 3},
]
[stage.rest]
rows = [
  {name = "none", none = true},
  {name = "k3", kernels = [3]},
  {name = "k5e2se", kernels = [5], expand = 2, se = 0.25},
]

[head]
out = 16
`

// The gradient by the weights of options is the numerical derivative of the loss,
// and a mixture of one option a block is its path.
func TestMixed(t *testing.T) {
	n := supernet(t, parse(t, rows), Sharing{})
	values := make(graph.Values[float64], len(n.Values))
	for i, v := range n.Values {
		for _, x := range v {
			values[i] = append(values[i], float64(x))
		}
	}
	x, _ := sample(5, 8)
	policy := nas.NewPolicy(n.Space)
	outputs := func(p *Path, v graph.Values[float64], grads graph.Values[float64]) []float64 {
		net, err := autodiff.New[float64](p.Graph, x.Shape, autodiff.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := net.Train(x, v, 0); err != nil {
			t.Fatal(err)
		}
		out := slices.Clone(net.Output(0))
		if grads != nil {
			if err := net.Backward([][]float64{out}, v, grads); err != nil { // of half the sum of squares
				t.Fatal(err)
			}
		}
		return out
	}
	m, err := n.Mixed(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := bind(&m.Path, values)
	gather(&m.Path, plain, values)
	loss := func(z nas.Mixture) float64 {
		sum := 0.0
		for _, v := range outputs(&m.Path, weigh(m, plain, z), nil) {
			sum += v * v / 2
		}
		return sum
	}
	z := policy.Relax(1, rand.New(rand.NewPCG(1, 2)))
	grads, slope := graph.NewValues[float64](m.Graph), zeros(policy)
	outputs(&m.Path, weigh(m, plain, z), grads)
	slopes(m, plain, grads, slope)
	for d := range z {
		for o := range z[d] {
			const eps = 1e-5
			was := z[d][o]
			z[d][o] = was + eps
			up := loss(z)
			z[d][o] = was - eps
			down := loss(z)
			z[d][o] = was
			if want := (up - down) / (2 * eps); math.Abs(slope[d][o]-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("decision %d, option %d: %g, want %g", d, o, slope[d][o], want)
			}
		}
	}
	for _, text := range []string{"000", "012", "120", "221", "102"} {
		a, err := nas.ParseArch(n.Space, text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := n.Path(a)
		if err != nil {
			t.Fatal(err)
		}
		v := bind(p, values)
		gather(p, v, values)
		want := outputs(p, v, nil)
		one := zeros(policy)
		for d, o := range a {
			one[d][o] = 1
		}
		for i, got := range outputs(&m.Path, weigh(m, plain, one), nil) {
			if math.Abs(got-want[i]) > 1e-9 {
				t.Fatalf("%s: output %d is %g, of the path %g", text, i, got, want[i])
			}
		}
	}
}

// The spaces of whole blocks that come with the package can be mixed.
func TestMixedSpaces(t *testing.T) {
	for _, name := range []string{"nas-bench-macro", "fbnet", "proxyless"} {
		s, err := nas.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := supernet(t, s, Sharing{}).Mixed(nil)
		if err != nil {
			t.Error(err)
			continue
		}
		options := 0
		for _, d := range s.Decisions() {
			if strings.HasSuffix(d.Name, "block") {
				options += len(d.Options)
			}
		}
		if len(m.gates) > options || len(m.gates) < options*2/3 {
			t.Errorf("%s: %d options are weighted, of %d with those that are nothing", name, len(m.gates), options)
		}
	}
}

// Both methods come to prefer what does well on the images, and go on after an
// interruption to the bit.
func TestLearn(t *testing.T) {
	r := roles(t, 600)
	n := supernet(t, parse(t, rows), Sharing{})
	rec := small(t)
	rec.Epochs = 3
	if _, err := Train(t.Context(), Config{Net: n, Recipe: rec, Data: r.Fit, Threads: 1}); err != nil {
		t.Fatal(err)
	}
	for _, method := range []Method{Gumbel, Paths} {
		config := func(file string) LearnConfig {
			return LearnConfig{Net: n, Method: method, Choose: r.Choose, Steps: 60, Batch: 32, Rate: 0.1, Seed: 3, Threads: 1, File: file}
		}
		first, last := 0.0, 0.0
		cfg := config("")
		cfg.OnStep = func(step int, loss float64) {
			if step == 10 {
				first = loss
			}
			last = loss
		}
		whole, err := Learn(t.Context(), cfg)
		if err != nil {
			t.Fatal(method, err)
		}
		if last >= first {
			t.Errorf("%s: the loss went from %g to %g", method, first, last)
		}
		file := filepath.Join(t.TempDir(), "policy.json")
		ctx, cancel := context.WithCancel(t.Context())
		cfg = config(file)
		cfg.OnStep = func(step int, _ float64) {
			if step == 25 {
				cancel()
			}
		}
		if _, err := Learn(ctx, cfg); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := LoadPolicy(file, n.Space); !errors.Is(err, ErrState) {
			t.Errorf("%s: a policy in learning: %v", method, err)
		}
		again, err := Learn(t.Context(), config(file))
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := LoadPolicy(file, n.Space)
		if err != nil || !reflect.DeepEqual(again, whole) || !reflect.DeepEqual(loaded, whole) {
			t.Errorf("%s: %v after an interruption, %v without, loaded %v, %v", method, again, whole, loaded, err)
		}
		other := config(file)
		other.Steps = 61
		if _, err := Learn(t.Context(), other); !errors.Is(err, ErrState) {
			t.Errorf("%s: other steps: %v", method, err)
		}
		// A large weight on the cost outweighs the images.
		cfg = config("")
		cfg.Cost = nas.Split(nas.NewCosts(n.Space), func(c nas.Cost) float64 { return float64(c.MACs) / 1e6 }, 2, 1)
		cfg.Weight = 1e3
		cheap, err := Learn(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := cheap.Likeliest().String(); got != "000" {
			t.Errorf("%s: with a large weight on the multiply-adds %s is likeliest", method, got)
		}
	}
	if _, err := Learn(t.Context(), LearnConfig{Net: supernet(t, parse(t, tiny), Sharing{}), Method: Gumbel, Choose: r.Choose, Threads: 1}); err == nil {
		t.Error("a space of lists has no mixed network")
	}
}
