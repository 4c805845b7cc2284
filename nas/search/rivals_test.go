package search_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/spacefile"
	"github.com/mixnet-go/mixnet/nas/store"
)

// What a network of 8 to 12 million multiply-adds is compared with has as many,
// within 3 %; a narrow band of limits makes all searches in it compare at its
// middle.
func TestRivals(t *testing.T) {
	space, err := nas.Lookup("mixnet-small")
	if err != nil {
		t.Fatal(err)
	}
	load := func(limits nas.Limits) *search.Search {
		settings, err := json.Marshal(search.Settings{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		s, err := search.Load(store.Search{Name: "it", Space: string(spacefile.Encode(space.Table)), Strategy: "random", Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := load(nas.Limits{MinMACs: 8e6, MACs: 12e6})
	rng := rand.New(rand.NewPCG(1, 1))
	for tried := 0; tried < 5; {
		a := nas.Random(s.Space, rng)
		cost, err := s.Costs.Of(a)
		if err != nil || cost.MACs < 8e6 || cost.MACs > 12e6 {
			continue
		}
		tried++
		n, err := s.Space.Network(a)
		if err != nil {
			t.Fatal(err)
		}
		winner := search.Candidate{Network: n, Cost: cost}
		macs := s.Cost(winner)
		if macs != cost.MACs {
			t.Errorf("compared at %d, not %d", macs, cost.MACs)
		}
		all, err := s.Variants(winner, macs)
		if err != nil {
			t.Fatal(err)
		}
		others, err := s.Rivals(5, "mixnet_tiny", macs)
		if err != nil || len(others) != 6 {
			t.Fatalf("%d rivals, %v", len(others), err)
		}
		for _, c := range append(all, others...) {
			if off := math.Abs(float64(c.Cost.MACs)/float64(macs) - 1); off > search.Band {
				t.Errorf("%s has %d multiply-adds, %.1f %% from %d", c.Name, c.Cost.MACs, 100*off, macs)
			}
		}
	}
	if macs := load(nas.Limits{MinMACs: 9_700_000, MACs: 10_300_000}).Cost(search.Candidate{Cost: nas.Cost{MACs: 9_800_000}}); macs != 10e6 {
		t.Errorf("compared at %d, not in the middle", macs)
	}
}
