package nas

import "testing"

// Evolution on scores of fidelity 0 keeps to the constraints, and what follows
// are the best of them, one in three drawn from all.
func TestOneShot(t *testing.T) {
	m := readTable(t, "nas-bench-macro.csv.gz")
	feasible := func(a Arch) bool { return m[a.String()][4] <= 60e6 }
	p := Problem{Space: macro{cells{8, 3}}, Feasible: feasible, Seed: 5, Fidelity: 50}
	s := OneShot{Scored: 100}
	h := &History{}
	var trained []int
	for n := range 130 {
		next, err := s.Propose(&p, h)
		if err != nil {
			t.Fatal(err)
		}
		if !feasible(next.Arch) {
			t.Fatalf("trial %d: %v has %g multiply-adds", n, next.Arch, m[next.Arch.String()][4])
		}
		if (next.Fidelity == 0) != (n < 100) {
			t.Fatalf("trial %d has fidelity %d", n, next.Fidelity)
		}
		if n < 100 && h.seen(next.Arch) {
			t.Fatalf("trial %d: %v was scored before", n, next.Arch)
		}
		h.Add(Trial{Arch: next.Arch, Parent: next.Parent, Fidelity: next.Fidelity})
		h.Tell(n, m[next.Arch.String()][n/100]/100)
		if n >= 100 {
			if h.Trials[next.Parent].Arch.String() != next.Arch.String() {
				t.Fatalf("trial %d is derived from another network", n)
			}
			rank := 0
			for _, o := range h.Trials[:100] {
				if o.Score > h.Trials[next.Parent].Score {
					rank++
				}
			}
			trained = append(trained, rank)
		}
	}
	high, low := 0, 0
	for i, rank := range trained {
		if i%3 != 2 && rank < 30 {
			high++
		} else if i%3 == 2 && rank >= 30 {
			low++
		}
	}
	if high != 20 || low < 4 {
		t.Errorf("ranks of those trained: %v", trained)
	}
	// Where the supernet has scored less than are to be trained, there is an end.
	s.Scored, h = 2, &History{}
	for n := range 4 {
		next, err := s.Propose(&p, h)
		if err != nil {
			t.Fatal(n, err)
		}
		h.Add(Trial{Arch: next.Arch, Parent: next.Parent, Fidelity: next.Fidelity})
		h.Tell(n, 0.5)
	}
	if _, err := s.Propose(&p, h); err != ErrExhausted {
		t.Error(err)
	}
}

// The interval holds the estimate, and shrinks with the networks.
func TestAgree(t *testing.T) {
	m := readTable(t, "nas-bench-macro.csv.gz")
	var first, second []float64
	for n := range 200 {
		a := macro{}.Canonical(Fair{Space: cells{8, 3}, Seed: 2}.Arch(n))
		first, second = append(first, m[a.String()][0]), append(second, m[a.String()][1])
	}
	few, all := Agree(first[:20], second[:20], 500, 1), Agree(first, second, 500, 1)
	for _, a := range []Agreement{few, all} {
		if !(a.Low < a.Tau && a.Tau < a.High) {
			t.Errorf("%+v", a)
		}
	}
	if few.High-few.Low < 2*(all.High-all.Low) || all.Tau < 0.85 {
		t.Errorf("of 20 networks %+v, of 200 %+v", few, all)
	}
}
