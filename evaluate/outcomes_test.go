package evaluate

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// answers returns outcomes of n images, the first right of which are right;
// class is that of an image.
func answers(n, right, classes int, class func(i int) int) *Outcomes {
	o := &Outcomes{Classes: classes, Labels: make([]int, n), Ranks: make([]int, n)}
	for i := range n {
		o.Labels[i] = class(i)
		if i >= right {
			o.Ranks[i] = 1 + i%8
		}
	}
	return o
}

func one(int) int { return 0 }

// binomial returns the smallest k with P(X <= k) > p for X the number of
// successes of n trials.
func binomial(n int, success, p float64) int {
	sum := 0.0
	for k := 0; ; k++ {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		sum += math.Exp(a - b - c + float64(k)*math.Log(success) + float64(n-k)*math.Log(1-success))
		if sum > p || k == n {
			return k
		}
	}
}

// The right answers of a resample are binomial, so that the bounds are its
// quantiles.
func TestBootstrapEqualsBinomial(t *testing.T) {
	for _, tc := range []struct{ n, right int }{{10, 6}, {74, 60}, {100, 80}, {500, 33}} {
		s := answers(tc.n, tc.right, 1, one).Score(1)
		p := float64(tc.right) / float64(tc.n)
		low, high := binomial(tc.n, p, tail), binomial(tc.n, p, 1-tail)
		slack := max(1, 0.06*math.Sqrt(float64(tc.n)*p*(1-p))) + 1e-9
		if s.Top1.Value != p || math.Abs(s.Top1.Low*float64(tc.n)-float64(low)) > slack || math.Abs(s.Top1.High*float64(tc.n)-float64(high)) > slack {
			t.Errorf("%d of %d: %+v, want about %d to %d right", tc.right, tc.n, s.Top1, low, high)
		}
	}
}

// For many images the bounds are those of a normal distribution.
func TestBootstrapOfManyImages(t *testing.T) {
	check := func(what string, got Interval, value, deviation float64) {
		t.Helper()
		half := 1.96 * deviation
		if math.Abs(got.Value-value) > 1e-9 || math.Abs(got.Low-(value-half)) > 0.08*half || math.Abs(got.High-(value+half)) > 0.08*half {
			t.Errorf("%s: %+v, want %g ± %g", what, got, value, half)
		}
	}
	// 7000 images of a class with 6300 right, 1000 of another with 500 right.
	o := answers(8000, 6800, 2, func(i int) int {
		if i < 6300 || i >= 7300 {
			return 0
		}
		return 1
	})
	s := o.Score(2)
	check("top-1", s.Top1, 0.85, math.Sqrt(0.85*0.15/8000))
	check("mean class", s.MeanClass, 0.7, math.Sqrt(0.9*0.1/7000+0.5*0.5/1000)/2)
	top5 := 0.0
	for _, r := range o.Ranks {
		if r < 5 {
			top5 += 1. / 8000
		}
	}
	check("top-5", s.Top5, top5, math.Sqrt(top5*(1-top5)/8000))

	// The other model is right on 200 images where o is wrong, and wrong on
	// 500 where o is right.
	other := &Outcomes{Classes: 2, Labels: o.Labels, Ranks: slices.Clone(o.Ranks)}
	for i := range 500 {
		other.Ranks[i] = 1
	}
	for i := 7800; i < 8000; i++ {
		other.Ranks[i] = 0
	}
	d, err := o.Difference(other, 3)
	if err != nil {
		t.Fatal(err)
	}
	mean := 300. / 8000
	check("difference", d, mean, math.Sqrt((700./8000-mean*mean)/8000))
}

// The bounds hold the true accuracy about as often as they claim.
func TestBootstrapCoverage(t *testing.T) {
	const sets, images, truth = 200, 80, 0.7
	rng := rand.New(rand.NewPCG(5, 5))
	held := 0
	for seed := range sets {
		right := 0
		for range images {
			if rng.Float64() < truth {
				right++
			}
		}
		if s := answers(images, right, 1, one).Score(uint64(seed)); s.Top1.Low <= truth && truth <= s.Top1.High {
			held++
		}
	}
	if held < sets*90/100 || held > sets*99/100 {
		t.Errorf("the interval holds the truth %d times of %d, want about 95 %%", held, sets)
	}
}

func TestBootstrapOfEqualAnswers(t *testing.T) {
	// Clopper and Pearson's bounds for 20 of 20 begin at 83.16 %.
	s := answers(20, 20, 1, one).Score(1)
	if s.Top1.High != 1 || math.Abs(s.Top1.Low-0.8316) > 1e-4 || s.Top5.Low != s.Top1.Low {
		t.Errorf("all right: %+v", s)
	}
	if s := answers(20, 0, 1, one).Score(1); s.Top1.Low != 0 || math.Abs(s.Top1.High-0.1684) > 1e-4 {
		t.Errorf("all wrong: %+v", s)
	}
	o := answers(20, 12, 1, one)
	if d, err := o.Difference(o, 1); err != nil || d.Value != 0 || math.Abs(d.High-0.1684) > 1e-4 || d.Low != -d.High {
		t.Errorf("difference to itself: %+v, %v", d, err)
	}
	if s := (&Outcomes{Classes: 3}).Score(1); s.Images != 0 || s.Top1 != (Interval{0, 0, 1}) {
		t.Errorf("no images: %+v", s)
	}
}

func TestOutcomes(t *testing.T) {
	o := answers(60, 40, 3, func(i int) int { return i % 3 })
	o.Ranks[7] = -1 // not read
	if a, b := o.Score(4), o.Score(4); a != b || a.Images != 59 {
		t.Errorf("two bootstraps of one seed: %+v, %+v", a, b)
	}
	if a, b := o.Score(4), o.Score(5); a == b {
		t.Error("the seed has no effect")
	}
	if _, err := o.Difference(answers(60, 40, 3, one), 1); !errors.Is(err, ErrOutcomes) {
		t.Errorf("difference of different sets: %v", err)
	}
}
