package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

func TestMixBlendsPairs(t *testing.T) {
	cfg := Config{Preprocess: eight, Batch: 7, Shuffle: true, Remainder: DropRemainder, Seed: 3}
	plain := newLoader(t, small(100, 5), cfg)
	for name, mix := range map[string]input.Mix{"mixup": {Mixup: 0.4}, "cutmix": {CutMix: 1}} {
		cfg.Mix = mix
		mixed := newLoader(t, small(100, 5), cfg)
		want := collect(t, plain, 0, 30)
		step, shares := 0, map[float32]bool{}
		for b, err := range mixed.Batches(t.Context(), 0, 30) {
			if err != nil {
				t.Fatal(err)
			}
			w := want[step]
			if !slices.Equal(b.Labels, w.labels) {
				t.Fatalf("%s: labels differ from those without mixing", name)
			}
			shares[b.Share] = true
			for i := range b.Labels {
				j := len(b.Labels) - 1 - i
				if b.Other[i] != b.Labels[j] {
					t.Fatalf("%s: other class of %d is %d, want %d", name, i, b.Other[i], b.Labels[j])
				}
				own := checkMixed(t, name, b.picture(i), w.pixels[i*64:(i+1)*64], w.pixels[j*64:(j+1)*64], b.Share)
				if name == "cutmix" && i != j && math.Abs(own-float64(b.Share)) > 1e-6 {
					t.Fatalf("cutmix: share %v, %v of the pixels are its own", b.Share, own)
				}
			}
			step++
		}
		if len(shares) < 10 {
			t.Errorf("%s: %d different shares in 30 batches", name, len(shares))
		}
	}
}

// checkMixed compares a mixed picture with its two sources and returns how much
// of it equals the first.
func checkMixed(t *testing.T, name string, got, a, b []float32, share float32) (own float64) {
	t.Helper()
	for p, v := range got {
		if v == a[p] {
			own += 1 / float64(len(got))
		}
		switch want := share*a[p] + (1-share)*b[p]; {
		case name == "mixup" && math.Abs(float64(v-want)) > 1e-5:
			t.Fatalf("mixup: pixel %d is %v, want %v", p, v, want)
		case name == "cutmix" && v != a[p] && v != b[p]:
			t.Fatalf("cutmix: pixel %d is %v, want %v or %v", p, v, a[p], b[p])
		}
	}
	return own
}

func TestMixProbability(t *testing.T) {
	l := newLoader(t, small(100, 5), Config{Preprocess: eight, Batch: 10, Mix: input.Mix{Mixup: 1, CutMix: 1, Probability: 0.3}})
	mixed := 0
	for b, err := range l.Batches(t.Context(), 0, 500) {
		if err != nil {
			t.Fatal(err)
		}
		if b.Share != 1 {
			mixed++
		}
	}
	if mixed < 110 || mixed > 190 {
		t.Errorf("%d of 500 batches are mixed, probability 0.3", mixed)
	}
}

// TestBeta compares moments: the mean is 1/2, the variance 1/(4·(2a+1)).
func TestBeta(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, a := range []float64{0.1, 0.2, 0.8, 1, 3} {
		const n = 40000
		mean, square := 0.0, 0.0
		for range n {
			x := beta(a, rng)
			if !(x >= 0 && x <= 1) {
				t.Fatalf("beta(%v) drew %v", a, x)
			}
			mean += x / n
			square += (x - 0.5) * (x - 0.5) / n
		}
		if want := 1 / (4 * (2*a + 1)); math.Abs(mean-0.5) > 0.01 || math.Abs(square-want) > 0.03*want {
			t.Errorf("beta(%v): mean %.4f, variance %.4f, want %.4f", a, mean, square, want)
		}
	}
	if x := beta(1e-300, rng); x != 0 && x != 1 {
		t.Errorf("beta of a tiny parameter drew %v", x)
	}
}

func TestMixValidate(t *testing.T) {
	for _, m := range []input.Mix{{Mixup: -1}, {CutMix: math.NaN()}, {Mixup: math.Inf(1)}, {Probability: 2}, {Switch: -1}} {
		if _, err := NewLoader(small(10, 5), Config{Preprocess: eight, Batch: 2, Mix: m}); err == nil {
			t.Errorf("%+v: no error", m)
		}
	}
}

func TestSizesAreMixed(t *testing.T) {
	cfg := Config{Preprocess: eight, Batch: 10, Sizes: [][2]int{{8, 8}, {12, 10}, {5, 5}}, Seed: 2}
	l := newLoader(t, small(100, 5), cfg)
	seen := map[[2]int]int{}
	var order [][2]int
	for b, err := range l.Batches(t.Context(), 0, 60) {
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Images.Check(); err != nil {
			t.Fatal(err)
		}
		size := [2]int{b.Images.Shape.H, b.Images.Shape.W}
		seen[size]++
		order = append(order, size)
	}
	for _, size := range cfg.Sizes {
		if seen[size] < 8 {
			t.Errorf("%v: %d of 60 batches", size, seen[size])
		}
	}
	for b := range l.Batches(t.Context(), 37, 38) {
		if got := [2]int{b.Images.Shape.H, b.Images.Shape.W}; got != order[37] {
			t.Errorf("size %v after resuming, want %v", got, order[37])
		}
	}
	cfg.SizeOf = func(step int) int { return step / 4 }
	for b, err := range newLoader(t, small(100, 5), cfg).Batches(t.Context(), 0, 12) {
		if err != nil {
			t.Fatal(err)
		}
		if got, want := [2]int{b.Images.Shape.H, b.Images.Shape.W}, cfg.Sizes[b.Step/4]; got != want {
			t.Errorf("step %d has size %v, want %v", b.Step, got, want)
		}
	}
	if _, err := NewLoader(small(10, 5), Config{Preprocess: eight, Batch: 2, Sizes: [][2]int{{0, 5}}}); err == nil {
		t.Error("no error for a size of 0")
	}
}

// countReads counts how often a set is read.
type countReads struct {
	Dataset
	reads []int
}

func (c *countReads) Read(i int, s *Sample) error {
	c.reads[i]++
	return c.Dataset.Read(i, s)
}

func TestCache(t *testing.T) {
	files, err := Folder(folders(t, 6, "light/02.png"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Preprocess: eight, Augment: &input.Augment{Crop: input.InceptionCrop}, Batch: 4, Shuffle: true, Remainder: DropRemainder, MaxBad: 1, Workers: 1}
	want := collect(t, newLoader(t, files, cfg), 0, 9)
	for _, c := range []struct {
		bytes   int64
		longest int
	}{{1 << 20, 1}, {0, 9}, {20 * 30 * 3 * 5, 9}} {
		counted := &countReads{files, make([]int, files.Len())}
		for i, got := range collect(t, newLoader(t, Cache(counted, c.bytes), cfg), 0, 9) {
			if !equal(got, want[i]) {
				t.Errorf("%d bytes: batch %d differs from the one without a cache", c.bytes, i)
			}
		}
		const broken = 6 + 2
		counted.reads[broken] = 0
		if n := slices.Max(counted.reads); n > c.longest {
			t.Errorf("%d bytes: a picture is read %d times in three epochs", c.bytes, n)
		}
	}
	d := small(3, 3)
	if Cache(d, 1) != Dataset(d) {
		t.Error("a set in memory is cached again")
	}
}
