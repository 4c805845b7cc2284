package nas

import (
	"math/rand/v2"
	"testing"
)

// Halving finds as good a network as full trainings do for a fraction of their
// epochs, where short trainings are noisier.
func TestHalving(t *testing.T) {
	m := readTable(t, "nas-bench-macro.csv.gz")
	rungs := []int{2, 6, 18}
	noise := func(a Arch, fidelity int) float64 {
		var seed uint64
		for _, c := range a {
			seed = seed*3 + uint64(c)
		}
		return rand.New(rand.NewPCG(seed, uint64(fidelity))).NormFloat64() / float64(fidelity)
	}
	found, epochs := 0.0, 0
	const runs = 10
	for seed := range runs {
		p := Problem{Space: macro{cells{8, 3}}, Seed: uint64(seed)}
		h := &History{}
		s := Halving{Of: Evolution{}, Rungs: rungs}
		at := map[int]int{}
		for spent := 0; spent < 60*18; {
			next, err := s.Propose(&p, h)
			if err != nil {
				t.Fatal(err)
			}
			if old := h.of(next.Arch); old != nil && old.Fidelity >= next.Fidelity {
				t.Fatalf("%v was trained for %d epochs, and is proposed for %d", next.Arch, old.Fidelity, next.Fidelity)
			}
			if next.Fidelity > rungs[0] && h.Trials[next.Parent].Arch.String() != next.Arch.String() {
				t.Fatalf("trial %d continues %d, which is another network", len(h.Trials), next.Parent)
			}
			n := len(h.Trials)
			h.Add(Trial{Arch: next.Arch, Fidelity: next.Fidelity, Parent: next.Parent})
			h.Tell(n, m.mean(next.Arch)/100+noise(next.Arch, next.Fidelity)/100)
			spent += next.Fidelity
			at[next.Fidelity]++
			epochs += next.Fidelity
		}
		if at[6] >= at[2] || at[18] >= at[6] || at[18] == 0 { // who was promoted may fall behind, so more than a third are
			t.Errorf("%v networks at the rungs", at)
		}
		best, ok := h.Best()
		if !ok || best.Fidelity != 18 {
			t.Fatalf("best: %+v", best)
		}
		found += m.mean(best.Arch) / runs
	}
	// Sixty full trainings chosen at random reach 92.73.
	if found < 92.95 {
		t.Errorf("%.2f, want 92.95", found)
	} else {
		t.Logf("%.2f", found)
	}
}
