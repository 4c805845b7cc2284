package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/zoo"
)

// Candidate is a network to train from scratch when a search is judged.
type Candidate struct {
	Group   string // such as "found", one of which is reported
	Name    string
	Network zoo.Network
	Cost    nas.Cost
}

// Groups of candidates. Of Found and RandomSearch the best on held-out images is
// judged, of RandomDraw all.
const (
	Found        = "found"
	RandomSearch = "random search"
	RandomDraw   = "drawn at random"
)

// Rivals returns what a network is to be compared with at its multiply-adds,
// within a part of them where widths allow: networks drawn at random, the network
// itself with kernels of one size and with MixConv of 3, 5 and 7 everywhere, its
// widths scaled to the same cost, and a network of the zoo made by hand, scaled
// likewise.
func (s *Search) Rivals(winner Candidate, drawn int, handmade string, within float64) ([]Candidate, error) {
	target := winner.Cost.MACs
	all := s.drawn(drawn, target, within)
	var err error
	for _, kernels := range [][]int{{3}, {5}, {7}, {3, 5, 7}} {
		n := winner.Network
		n.Stages = slices.Clone(n.Stages)
		text := make([]string, len(kernels))
		for i, k := range kernels {
			text[i] = strconv.Itoa(k)
		}
		for i := range n.Stages {
			n.Stages[i].Kernels = kernels
		}
		n.Name = fmt.Sprintf("%s_k%s", s.Space.Name(), strings.Join(text, ""))
		if all, err = scaled(all, "kernels "+strings.Join(text, ","), n, target); err != nil {
			return nil, err
		}
	}
	spec, err := zoo.Lookup(handmade)
	if err != nil {
		return nil, err
	}
	n, ok := spec.(zoo.Network)
	if !ok {
		return nil, fmt.Errorf("network %s has no widths to scale", handmade)
	}
	n.Classes, n.Input = s.Space.Base.Classes, s.Space.Base.Input
	return scaled(all, "made by hand", n, target)
}

// Leaders returns the networks of the first of some trials.
func (s *Search) Leaders(group string, best []store.Trial, top int) ([]Candidate, error) {
	var all []Candidate
	for _, t := range best[:min(top, len(best))] {
		n, err := s.Space.Network(t.Arch)
		if err != nil {
			return nil, err
		}
		cost, err := s.Costs.Of(t.Arch)
		if err != nil {
			return nil, err
		}
		all = append(all, Candidate{group, fmt.Sprintf("trial %d", t.Number), n, cost})
	}
	return all, nil
}

// Draws before drawn gives up.
const bandDraws = 50000

// drawn returns networks drawn at random whose cost is about a target.
func (s *Search) drawn(n int, target int64, within float64) []Candidate {
	var all []Candidate
	seen := map[string]bool{}
	rng := rand.New(rand.NewPCG(s.Seed, math.MaxUint64)) // no trial has that number
	for range bandDraws {
		if len(all) == n {
			break
		}
		a := nas.Random(s.Space, rng)
		cost, err := s.Costs.Of(a)
		if err != nil || seen[a.String()] || math.Abs(float64(cost.MACs-target)) > within*float64(target) {
			continue
		}
		seen[a.String()] = true
		if network, err := s.Space.Network(a); err == nil {
			all = append(all, Candidate{RandomDraw, fmt.Sprintf("random %d", len(all)+1), network, cost})
		}
	}
	return all
}

// scaled adds a network with its widths changed so that its cost is about a
// target.
func scaled(all []Candidate, name string, n zoo.Network, target int64) ([]Candidate, error) {
	low, high := 0.1, 8.0
	best := Candidate{Group: name, Name: name}
	for range 30 {
		width := math.Round(1e4*math.Sqrt(low*high)) / 1e4
		spec, err := zoo.Change(n, fmt.Sprintf("width=%g", width))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		cost, err := nas.CostOf(spec)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		changed, ok := spec.(zoo.Network)
		if !ok {
			return nil, fmt.Errorf("%s: no table after a change of width", name)
		}
		if off := func(c nas.Cost) int64 { return max(c.MACs-target, target-c.MACs) }; best.Cost.MACs == 0 || off(cost) < off(best.Cost) {
			best.Network, best.Cost = changed, cost
		}
		if cost.MACs > target {
			high = width
		} else {
			low = width
		}
	}
	return append(all, best), nil
}
