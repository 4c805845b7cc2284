package transfer

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/par"
)

// logisticGolden is testdata/logistic.json, which PyTorch wrote.
type logisticGolden struct {
	Width, Classes int
	X              []float32
	Labels         []int
	Fits           []struct {
		Penalty, Loss  float64
		Weight, Logits []float64
	}
}

func readLogistic(t *testing.T) (*Features, *logisticGolden) {
	t.Helper()
	text, err := os.ReadFile("testdata/logistic.json")
	if err != nil {
		t.Fatal(err)
	}
	var g logisticGolden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	f := &Features{Width: g.Width, Classes: g.Classes, X: g.X, Labels: g.Labels}
	for i := range g.Labels {
		f.Examples = append(f.Examples, i)
	}
	return f, &g
}

func TestFitHeadEqualsPyTorch(t *testing.T) {
	f, golden := readLogistic(t)
	cputest.Each(t, func(t *testing.T) {
		for _, want := range golden.Fits {
			h, err := FitHead(context.Background(), f, HeadOptions{Penalty: want.Penalty, Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			if !near(h.Weight, want.Weight, 2e-3) {
				t.Errorf("penalty %g: weights %v, want %v", want.Penalty, h.Weight, want.Weight)
			}
			all := make([]int, f.Len())
			for i := range all {
				all[i] = i
			}
			var centred []float32
			h.each(f, all, func(_ int, logits []float32) {
				mean := float32(0)
				for _, v := range logits {
					mean += v / float32(len(logits))
				}
				for _, v := range logits {
					centred = append(centred, v-mean)
				}
			})
			if !near(centred, want.Logits, 1e-3) {
				t.Errorf("penalty %g: logits %v, want %v", want.Penalty, centred, want.Logits)
			}
		}
	})
}

// near compares to a part of the largest value.
func near(got []float32, want []float64, part float64) bool {
	if len(got) != len(want) {
		return false
	}
	size := 0.0
	for _, v := range want {
		size = max(size, math.Abs(v))
	}
	for i := range got {
		if math.Abs(float64(got[i])-want[i]) > part*size {
			return false
		}
	}
	return true
}

// The gradient is that of the loss, and the loss that of PyTorch at its
// minimum.
func TestRegressionGradient(t *testing.T) {
	f, golden := readLogistic(t)
	all := make([]int, f.Len())
	for i := range all {
		all[i] = i
	}
	r := newRegression(f, all, par.New(1))
	r.penalty = 0.1
	rng := rand.New(rand.NewPCG(1, 1))
	theta, grad := make([]float64, len(r.theta)), make([]float64, len(r.theta))
	for i := range theta {
		theta[i] = rng.NormFloat64() / 2
	}
	r.evaluate(theta, grad)
	unused := make([]float64, len(theta))
	for i := range theta {
		const h = 0.01
		at := theta[i]
		theta[i] = at + h
		up := r.evaluate(theta, unused)
		theta[i] = at - h
		down := r.evaluate(theta, unused)
		theta[i] = at
		if numeric := (up - down) / (2 * h); math.Abs(numeric-grad[i]) > 1e-4 {
			t.Errorf("parameter %d: gradient %g, numerically %g", i, grad[i], numeric)
		}
	}
	for _, want := range golden.Fits {
		if err := r.fit(context.Background(), want.Penalty, exact); err != nil {
			t.Fatal(err)
		}
		if got := r.evaluate(r.theta, grad); math.Abs(got-want.Loss) > 1e-5 {
			t.Errorf("penalty %g: loss %.7f, want %.7f", want.Penalty, got, want.Loss)
		}
	}
}

// clusters returns features of classes around centres, in few of many
// dimensions.
func clusters(n, width, classes int, noise float64) *Features {
	rng := rand.New(rand.NewPCG(7, 7))
	f := &Features{Width: width, Classes: classes}
	for i := range n {
		label := i % classes
		for k := range width {
			v := noise * rng.NormFloat64()
			if k < classes && k == label {
				v++
			}
			f.X = append(f.X, float32(v))
		}
		f.Labels = append(f.Labels, label)
		f.Examples = append(f.Examples, i)
	}
	return f
}

func TestFitHeadChoosesPenalty(t *testing.T) {
	fit := func(f *Features, threads int) *Head {
		t.Helper()
		h, err := FitHead(context.Background(), f, HeadOptions{Threads: threads, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	// Few images of much noise need a strong penalty, clean ones a weak one.
	noisy, clean := fit(clusters(100, 120, 4, 0.6), 1), fit(clusters(100, 12, 4, 0.3), 1)
	if noisy.Penalty <= clean.Penalty {
		t.Errorf("penalty %g for noisy features, %g for clean ones", noisy.Penalty, clean.Penalty)
	}
	again := fit(clusters(100, 120, 4, 0.6), 3)
	if !slices.Equal(noisy.Weight, again.Weight) || !slices.Equal(noisy.Bias, again.Bias) {
		t.Error("the result depends on the number of threads")
	}
}

func TestFitHeadBadInput(t *testing.T) {
	if _, err := FitHead(context.Background(), &Features{Width: 3, Classes: 2}, HeadOptions{}); err == nil {
		t.Error("no images accepted")
	}
	f := clusters(20, 8, 4, 0.1)
	if _, err := FitHead(context.Background(), f, HeadOptions{Penalty: -1}); err == nil {
		t.Error("negative penalty accepted")
	}
	f.X[5] = float32(math.NaN())
	if _, err := FitHead(context.Background(), f, HeadOptions{}); err == nil || !strings.Contains(err.Error(), "not a number") {
		t.Errorf("features that are not numbers: error %v", err)
	}
	f.X[5] = 0
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := FitHead(ctx, f, HeadOptions{}); err == nil {
		t.Error("an ended context has no effect")
	}
	// Classes without images and a constant feature are no obstacle.
	f.Classes = 9
	for i := range f.Len() {
		f.row(i)[7] = 5
	}
	h, err := FitHead(context.Background(), f, HeadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range slices.Concat(h.Weight, h.Bias) {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("weights %v, bias %v", h.Weight, h.Bias)
		}
	}
}
