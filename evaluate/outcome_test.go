package evaluate

import (
	"errors"
	"math"
	"testing"
)

func TestJudge(t *testing.T) {
	// Softmax of (0, ln 2, ln 5) is 1/8, 2/8, 5/8.
	o, err := judge([]float32{0, float32(math.Log(2)), float32(math.Log(5))}, 1)
	if err != nil || o.Predicted != 2 || o.Rank != 1 || o.Right() {
		t.Errorf("%+v, %v", o, err)
	}
	if math.Abs(o.Probability-0.625) > 1e-6 || math.Abs(o.TrueProbability-0.25) > 1e-6 {
		t.Errorf("probabilities %v and %v, want 0.625 and 0.25", o.Probability, o.TrueProbability)
	}
	// Large outputs do not overflow.
	if o, err := judge([]float32{3e38, -3e38}, 1); err != nil || o.Probability != 1 || o.TrueProbability != 0 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := judge([]float32{0, float32(v)}, 0); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func TestWorst(t *testing.T) {
	all := []Outcome{
		{Example: 0, Rank: 0, TrueProbability: 0.9},
		{Example: 1, Rank: 1, TrueProbability: 0.3},
		{Example: 2, Rank: 2, TrueProbability: 0.01, Probability: 0.6},
		{Example: 3, Rank: 2, TrueProbability: 0.01, Probability: 0.9},
	}
	var order []int
	for _, o := range Worst(all, 9) {
		order = append(order, o.Example)
	}
	if len(order) != 3 || order[0] != 3 || order[1] != 2 || order[2] != 1 {
		t.Errorf("order %v, want 3 2 1", order)
	}
	if n := len(Worst(all, 2)); n != 2 {
		t.Errorf("%d of the worst two", n)
	}
}

func TestPairs(t *testing.T) {
	c := NewConfusion(3)
	copy(c.Counts, []int64{5, 2, 0, 2, 1, 0, 7, 0, 9})
	got := c.Pairs(2)
	want := []Pair{{2, 0, 7, 7.0 / 16}, {1, 0, 2, 2.0 / 3}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%v, want %v", got, want)
	}
	if len(NewConfusion(2).Pairs(5)) != 0 {
		t.Error("pairs of nothing")
	}
}
