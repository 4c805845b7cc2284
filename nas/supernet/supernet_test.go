package supernet

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/spacefile"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// tiny has all that options can differ in.
const tiny = `name = "tiny"
input = {size = 8, channels = 1}
classes = 10

[stem]
out = [8, 16]
stride = 1

[[stage]]
stride = 2
out = [8, 16]
depth = [1, 2]
kernels = [3, [3, 5], [3, 5, 7]]
expand = [1, 3]
se = [0, 0.25]
act = ["relu", "swish"]
expand_groups = [1, 2]
project_groups = [1, 2]

[head]
out = 16
`

func parse(t testing.TB, text string) *nas.TableSpace {
	t.Helper()
	s, err := spacefile.Parse("tiny.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func supernet(t testing.TB, s *nas.TableSpace, sharing Sharing) *Net {
	t.Helper()
	n, err := New(s, sharing, 1)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Every run of a region is where it says.
func TestRegion(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var r region
		for i := range r.whole {
			r.whole[i] = 1 + rng.IntN(4)
			r.of[i] = 1 + rng.IntN(r.whole[i])
			r.from[i] = rng.IntN(r.whole[i] - r.of[i] + 1)
		}
		var want, got []int
		for a := range r.of[0] {
			for b := range r.of[1] {
				for c := range r.of[2] {
					for d := range r.of[3] {
						at := 0
						for i, v := range [4]int{a, b, c, d} {
							at = at*r.whole[i] + r.from[i] + v
						}
						want = append(want, at)
					}
				}
			}
		}
		r.each(func(own, shared, n int) {
			if own != len(got) {
				t.Fatalf("%+v: a run begins at %d after %d values", r, own, len(got))
			}
			for i := range n {
				got = append(got, shared+i)
			}
		})
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: %v, want %v", r, got, want)
		}
		if at, ok := r.contiguous(); ok && (at != want[0] || want[len(want)-1]-want[0] != len(want)-1) {
			t.Fatalf("%+v is not contiguous", r)
		}
	}
}

// All architectures of the spaces that come with the package are paths.
func TestPaths(t *testing.T) {
	for _, name := range nas.Spaces() {
		s, err := nas.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, sharing := range []Sharing{{}, {Crops: true, Rows: true}} {
			if sharing == (Sharing{}) != (len(s.Stages) < 5) {
				continue // the large ones once
			}
			n := supernet(t, s, sharing)
			rng := rand.New(rand.NewPCG(3, 4))
			for range 20 {
				a := nas.Random(s, rng)
				if _, err := s.Network(a); err != nil {
					continue
				}
				if _, err := n.Path(a); err != nil {
					t.Errorf("%s: %v: %v", name, a, err)
				}
			}
		}
	}
}

// MixConv's kernels of a size are the channels of the tensor of that size which
// the group has, and a smaller expansion the first channels of a larger one.
func TestShared(t *testing.T) {
	s := parse(t, tiny)
	n := supernet(t, s, Sharing{})
	values := func(kernels, expand string) (map[string][]float32, *Path) {
		a := make(nas.Arch, len(s.Decisions()))
		for i, d := range s.Decisions() {
			for o, option := range d.Options {
				if strings.HasSuffix(d.Name, "kernels") && option == kernels || strings.HasSuffix(d.Name, "expansion") && option == expand ||
					strings.HasSuffix(d.Name, "width") && option == "16" {
					a[i] = uint8(o)
				}
			}
		}
		p, err := n.Path(a)
		if err != nil {
			t.Fatal(err)
		}
		v := bind(p, n.Values)
		byName := map[string][]float32{}
		for i, param := range p.Graph.Params {
			byName[param.Name] = v[i]
		}
		return byName, p
	}
	same := func(what string, a, b []float32) {
		t.Helper()
		if len(a) == 0 || len(a) != len(b) || &a[0] != &b[0] {
			t.Errorf("%s do not lie in the same memory", what)
		}
	}
	mixed, _ := values("3,5,7", "3")
	single, _ := values("3", "3")
	two, _ := values("3,5", "3")
	narrow, _ := values("3", "1")
	const dw = "blocks.0.0.conv_dw"
	first := len(mixed[dw+".0.weight"])
	same("the first kernels", mixed[dw+".0.weight"], single[dw+".weight"][:first])
	// Of 48 channels, 3,5 has 5×5 kernels on those from 24 on and 3,5,7 on 16 to 32.
	same("the kernels of 5", mixed[dw+".1.weight"][8*25:], two[dw+".1.weight"][:8*25])
	same("the expansion", narrow["blocks.0.0.conv_pw.weight"], single["blocks.0.0.conv_pw.weight"][:len(narrow["blocks.0.0.conv_pw.weight"])])
	if &narrow["blocks.0.0.bn1.weight"][0] == &single["blocks.0.0.bn1.weight"][0] {
		t.Error("two expansions have one batch norm")
	}
	if &two["blocks.0.0.bn2.weight"][0] == &single["blocks.0.0.bn2.weight"][0] {
		t.Error("two mixes of kernels have one batch norm")
	}
}

// A supernet that no memory holds is an error.
func TestTooLarge(t *testing.T) {
	s := parse(t, strings.Replace(tiny, "out = [8, 16]\ndepth", "out = [8, 20000]\ndepth", 1))
	if _, err := New(s, Sharing{}, 1); err == nil || !strings.Contains(err.Error(), "parameters") {
		t.Error(err)
	}
}

// sample returns images of numbers.
func sample(n, size int) (*tensor.Dense[float64], []int) {
	rng := rand.New(rand.NewPCG(7, 8))
	x := tensor.New[float64](tensor.Shape{N: n, H: size, W: size, C: 1})
	for i := range x.Data {
		x.Data[i] = rng.NormFloat64()
	}
	labels := make([]int, n)
	for i := range labels {
		labels[i] = rng.IntN(10)
	}
	return x, labels
}

// What two paths add to the gradients of the shared parameters is the numerical
// derivative of the sum of their losses.
func TestGradients(t *testing.T) {
	for _, sharing := range []Sharing{{}, {Crops: true}} {
		n := supernet(t, parse(t, tiny), sharing)
		values, grads := make(graph.Values[float64], len(n.Values)), make(graph.Values[float64], len(n.Values))
		for i, v := range n.Values {
			grads[i] = make([]float64, len(v))
			for _, x := range v {
				values[i] = append(values[i], float64(x))
			}
		}
		memory := autodiff.NewMemory(1)
		x, labels := sample(6, 8)
		loss := func(a nas.Arch, grads graph.Values[float64]) float64 {
			p, err := n.Path(a)
			if err != nil {
				t.Fatal(err)
			}
			net, err := autodiff.New[float64](p.Graph, x.Shape, autodiff.Options{Memory: memory})
			if err != nil {
				t.Fatal(err)
			}
			v := bind(p, values)
			gather(p, v, values)
			for i, param := range p.Graph.Params {
				if param.Kind == graph.RunningVar {
					for j := range v[i] {
						v[i][j] = 1
					}
				}
			}
			if err := net.Train(x, v, 0); err != nil {
				t.Fatal(err)
			}
			// Half the squared distance from the labels' one-hot vectors.
			out, sum := net.Output(0), 0.0
			d := make([]float64, len(out))
			for i, o := range out {
				d[i] = o
				if i%10 == labels[i/10] {
					d[i]--
				}
				sum += d[i] * d[i] / 2
			}
			if grads != nil {
				g := bind(p, grads)
				if err := net.Backward([][]float64{d}, v, g); err != nil {
					t.Fatal(err)
				}
				scatter(p, g, grads)
			}
			return sum
		}
		rng := rand.New(rand.NewPCG(5, 6))
		a, b := make(nas.Arch, len(n.Space.Decisions())), make(nas.Arch, len(n.Space.Decisions()))
		for i, d := range n.Space.Decisions() {
			a[i] = uint8(len(d.Options) - 1) // the largest of everything
			b[i] = uint8(rng.IntN(len(d.Options)))
		}
		loss(a, grads)
		loss(b, grads)
		checked := 0
		for i, p := range n.Graph.Params {
			for range 3 {
				j := rng.IntN(len(values[i]))
				was := values[i][j]
				const eps = 1e-5
				values[i][j] = was + eps
				up := loss(a, nil) + loss(b, nil)
				values[i][j] = was - eps
				down := loss(a, nil) + loss(b, nil)
				values[i][j] = was
				want := (up - down) / (2 * eps)
				if math.Abs(grads[i][j]-want) > 1e-4*(1+math.Abs(want)) {
					t.Errorf("%s[%d]: gradient %g, numerically %g", p.Name, j, grads[i][j], want)
				}
				if want != 0 {
					checked++
				}
			}
		}
		if checked < 40 {
			t.Errorf("%d parameters had a gradient", checked)
		}
	}
}

// roles are few images of the built-in set.
func roles(t testing.TB, images int) data.Roles {
	t.Helper()
	splits, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		t.Fatal(err)
	}
	r, err := splits.Plan(data.Policy{Val: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	if _, r.Fit, err = data.Split(r.Fit, float64(images)/float64(r.Fit.Len()), 1); err != nil {
		t.Fatal(err)
	}
	return r
}

func small(t testing.TB) recipe.Recipe {
	t.Helper()
	rec, err := recipe.Preset("small")
	if err != nil {
		t.Fatal(err)
	}
	rec.Epochs, rec.Batch = 2, 16
	return rec
}

// A run that is interrupted within an epoch, by the context and by an error,
// ends with the same parameters to the bit.
func TestResume(t *testing.T) {
	r, rec := roles(t, 128), small(t)
	s := parse(t, tiny)
	config := func(dir string) Config {
		return Config{Net: supernet(t, s, Sharing{}), Recipe: rec, Data: r.Fit, Dir: dir, Threads: 1, Paths: 2}
	}
	whole := config("")
	epochs, err := Train(t.Context(), whole)
	if err != nil || len(epochs) != 2 {
		t.Fatal(len(epochs), err)
	}
	if epochs[1].Loss >= epochs[0].Loss {
		t.Errorf("the loss went from %g to %g", epochs[0].Loss, epochs[1].Loss)
	}
	dir := t.TempDir()
	for _, stop := range []int{3, 8, 11} {
		ctx, cancel := context.WithCancel(t.Context())
		cfg := config(dir)
		cfg.OnStep = func(p Progress) {
			if p.Step == stop {
				cancel()
			}
		}
		if _, err := Train(ctx, cfg); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	broken := errors.New("stop")
	cfg := config(dir)
	cfg.OnEpoch = func(Epoch) error { return broken }
	if _, err := Train(t.Context(), cfg); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	parts := config(dir)
	again, err := Train(t.Context(), parts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range epochs {
		if again[i].Loss != epochs[i].Loss || again[i].Top1 != epochs[i].Top1 {
			t.Errorf("epoch %d: %+v, uninterrupted %+v", i+1, again[i], epochs[i])
		}
	}
	// What a process that was killed leaves behind: a state within an epoch.
	killed := config(t.TempDir())
	from := config(t.TempDir())
	from.SaveEvery = 1
	from.OnStep = func(p Progress) {
		if p.Step != 5 {
			return
		}
		state, err := os.ReadFile(filepath.Join(from.Dir, StateFile))
		if err == nil {
			err = os.WriteFile(filepath.Join(killed.Dir, StateFile), state, 0o666)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := Train(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	first := 0
	killed.OnStep = func(p Progress) {
		if first == 0 {
			first = p.Step
		}
	}
	if _, err := Train(t.Context(), killed); err != nil || first != 5 {
		t.Fatalf("went on with step %d: %v", first, err)
	}
	loaded, _, err := Load(filepath.Join(dir, StateFile))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range whole.Net.Graph.Params {
		if !slices.Equal(whole.Net.Values[i], parts.Net.Values[i]) || !slices.Equal(whole.Net.Values[i], killed.Net.Values[i]) || !slices.Equal(whole.Net.Values[i], loaded.Values[i]) {
			t.Errorf("%s differs", p.Name)
		}
	}
	other := config(dir)
	other.Recipe.Batch = 32
	if _, err := Train(t.Context(), other); !errors.Is(err, ErrState) {
		t.Errorf("another batch: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, StateFile), []byte("no state"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(t.Context(), config(dir)); !errors.Is(err, ErrState) {
		t.Errorf("a damaged state: %v", err)
	}
}

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
