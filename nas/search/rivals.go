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
	Handmade     = "made by hand"
)

// Band is within what part of their multiply-adds networks are compared.
const Band = 0.03

// Cost returns the multiply-adds at which a network of the search is compared
// with others: the middle of what its limits allow, if all that they allow is
// within Band of it, and else the network's own.
func (s *Search) Cost(winner Candidate) int64 {
	low, high := s.Settings.Limits.MinMACs, s.Settings.Limits.MACs
	if middle := (low + high) / 2; low > 0 && float64(high-middle) <= Band*float64(middle) {
		return middle
	}
	return winner.Cost.MACs
}

// Variants returns a network with kernels of one size and with MixConv of 3, 5
// and 7 everywhere, its widths scaled to some multiply-adds.
func (s *Search) Variants(winner Candidate, macs int64) ([]Candidate, error) {
	var all []Candidate
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
		c, err := scaled("kernels "+strings.Join(text, ","), n, macs)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Rivals returns networks that owe nothing to a search, of about some
// multiply-adds: so many drawn at random, if there are, and a network of the zoo
// made by hand, its widths scaled.
func (s *Search) Rivals(drawn int, handmade string, macs int64) ([]Candidate, error) {
	all := s.drawn(drawn, macs)
	spec, err := zoo.Lookup(handmade)
	if err != nil {
		return nil, err
	}
	n, ok := spec.(zoo.Network)
	if !ok {
		return nil, fmt.Errorf("network %s has no widths to scale", handmade)
	}
	n.Classes, n.Input = s.Space.Base.Classes, s.Space.Base.Input
	c, err := scaled(Handmade, n, macs)
	return append(all, c), err
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
func (s *Search) drawn(n int, target int64) []Candidate {
	var all []Candidate
	seen := map[string]bool{}
	rng := rand.New(rand.NewPCG(s.Seed, math.MaxUint64)) // no trial has that number
	for range bandDraws {
		if len(all) == n {
			break
		}
		a := nas.Random(s.Space, rng)
		cost, err := s.Costs.Of(a)
		if err != nil || seen[a.String()] || math.Abs(float64(cost.MACs-target)) > Band*float64(target) {
			continue
		}
		seen[a.String()] = true
		if network, err := s.Space.Network(a); err == nil {
			all = append(all, Candidate{RandomDraw, fmt.Sprintf("random %d", len(all)+1), network, cost})
		}
	}
	return all
}

// scaled returns a network with its widths changed so that its cost is about a
// target. What even widths leave to the target, the width of the head takes up.
func scaled(name string, n zoo.Network, target int64) (Candidate, error) {
	n, err := nas.Equalized(n, target)
	c := Candidate{Group: name, Name: name, Network: n}
	if err == nil {
		c.Cost, err = nas.CostOf(n)
	}
	if out := n.Head.Out; err == nil && out > 0 {
		wider := n
		wider.Head.Out += 2
		var more nas.Cost
		if more, err = nas.CostOf(wider); err == nil && more.MACs > c.Cost.MACs {
			n.Head.Out = max(out/4*2, out+2*int(math.Round(float64(target-c.Cost.MACs)/float64(more.MACs-c.Cost.MACs))))
			c.Network = n
			c.Cost, err = nas.CostOf(n)
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return c, err
}
