package nas

import (
	"math/rand/v2"
	"testing"
)

// What is feasible keeps to every limit, and the limits are those of CostOf.
func TestLimits(t *testing.T) {
	s, err := Lookup("mixnet-small")
	if err != nil {
		t.Fatal(err)
	}
	costs := NewCosts(s)
	rng := rand.New(rand.NewPCG(1, 2))
	limits := Limits{MACs: 40e6, MinMACs: 10e6, Params: 400e3, Activations: 400e3}
	feasible := costs.Within(limits)
	allowed := 0
	for range 60 {
		a := Random(s, rng)
		n, err := s.Network(a)
		if err != nil {
			t.Fatal(err)
		}
		c, err := CostOf(n)
		if err != nil {
			t.Fatal(err)
		}
		want := c.MACs >= 10e6 && c.MACs <= 40e6 && c.Params <= 400e3 && c.Activations <= 400e3
		if got := feasible(a); got != want {
			t.Errorf("%s: %v with %+v", a, got, c)
		}
		if again, err := costs.Of(a); err != nil || again != c {
			t.Errorf("%s: %+v, %v, want %+v", a, again, err, c)
		}
		if want {
			allowed++
		}
	}
	if allowed == 0 || allowed == 60 {
		t.Errorf("%d of 60 are feasible: the limits tell nothing apart", allowed)
	}
	if _, err := costs.Of(Arch{0}); err == nil {
		t.Error("the cost of something else")
	}
}
