package nas

import (
	"math/rand/v2"
	"testing"
)

// Effects that were put into the scores are found again, within their intervals;
// those that were not have intervals about zero.
func TestEffects(t *testing.T) {
	s, err := Lookup("nas-bench-macro")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	h := &History{}
	for range 300 {
		a := Random(s, rng)
		score := 0.01 * rng.NormFloat64()
		if a[0] == 2 {
			score += 0.3
		}
		h.Add(Trial{Arch: a, Done: true, Score: score})
	}
	h.Add(Trial{Arch: Random(s, rng), Done: true, Failed: true, Score: 100})
	for _, e := range Effects(s, h, 0.01, 200, 1) {
		want := 0.0
		if e.Decision == s.Decisions()[0].Name {
			want = -0.1 // the third of 0.3 that the mean takes
			if e.Option == s.Decisions()[0].Options[2] {
				want = 0.2
			}
		}
		if e.Low > e.Mean || e.Mean > e.High || e.High-e.Low > 0.05 || e.Mean < want-0.02 || e.Mean > want+0.02 {
			t.Errorf("%s %s: %.3f in %.3f … %.3f, want %.1f", e.Decision, e.Option, e.Mean, e.Low, e.High, want)
		}
	}
	if got := Effects(s, &History{}, 1, 10, 1); got != nil {
		t.Errorf("effects of nothing: %v", got)
	}
}
