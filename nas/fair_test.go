package nas

import (
	"slices"
	"testing"
)

// Of the paths of every step each option of every decision is in exactly one.
func TestFair(t *testing.T) {
	f := Fair{Space: cells{8, 3}, Seed: 4}
	if f.Paths() != 3 {
		t.Fatalf("%d paths a step, want 3", f.Paths())
	}
	orders := map[string]bool{}
	for step := range 200 {
		var counts [8][3]int
		for i := range 3 {
			a := f.Arch(3*step + i)
			if !slices.Equal(a, f.Arch(3*step+i)) {
				t.Fatal("the same number deals differently")
			}
			for d, o := range a {
				counts[d][o]++
			}
			orders[a.String()] = true
		}
		if counts != [8][3]int{{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}} {
			t.Fatalf("step %d: options are chosen %v times", step, counts)
		}
	}
	if len(orders) < 550 { // of 600 draws from 6561
		t.Errorf("%d different architectures in 200 steps", len(orders))
	}
}

// Decisions with fewer options deal theirs as often, whatever the number of
// paths.
func TestFairUnequal(t *testing.T) {
	s, err := Lookup("mixnet-small")
	if err != nil {
		t.Fatal(err)
	}
	f := Fair{Space: s, Seed: 1}
	counts := make([][]int, len(s.Decisions()))
	for i, d := range s.Decisions() {
		counts[i] = make([]int, len(d.Options))
	}
	for n := range 120 {
		a := f.Arch(n)
		if err := Check(s, a); err != nil {
			t.Fatal(err)
		}
		for d, o := range a {
			counts[d][o]++
		}
		for d := range counts {
			if lo, hi := slices.Min(counts[d]), slices.Max(counts[d]); hi-lo > 1 {
				t.Fatalf("after %d architectures %s is dealt %v times", n+1, s.Decisions()[d].Name, counts[d])
			}
		}
	}
}

// Kendall's τ-b, the values of scipy.stats.kendalltau.
func TestKendall(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{1, 2, 3, 4}, 1},
		{[]float64{1, 2, 3, 4}, []float64{4, 3, 2, 1}, -1},
		{[]float64{12, 2, 1, 12, 2}, []float64{1, 4, 7, 1, 0}, -0.47140452079103173},
		{[]float64{1, 2, 3, 4, 5}, []float64{1, 2, 2, 5, 4}, 0.7378647873726218},
	} {
		if got := Kendall(c.x, c.y); got < c.want-1e-12 || got > c.want+1e-12 {
			t.Errorf("%v, %v: %v, want %v", c.x, c.y, got, c.want)
		}
	}
}
