package nas

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Trial is an architecture that was proposed and, once Done, what came of it.
type Trial struct {
	Number   int  // from 0, in the order of proposals
	Arch     Arch // canonical
	Fidelity int  // how far it is trained, in epochs; 0 where there is one way only
	Parent   int  // the number of the trial that it was derived from; -1 for none
	Done     bool
	Failed   bool    // Done without a score
	Score    float64 // what is sought is the highest
}

// Proposal is what to evaluate next.
type Proposal struct {
	Arch     Arch
	Fidelity int
	Parent   int
}

// Problem is what a strategy works on.
type Problem struct {
	Space Space
	// Feasible reports whether an architecture keeps to the constraints; nil
	// for none. Strategies propose no others.
	Feasible func(Arch) bool
	// Seed is the search's: with the trials so far it determines all proposals.
	Seed uint64
	// Fidelity is what trials are proposed with, where a strategy does not
	// choose one.
	Fidelity int
}

// Strategy chooses what to try.
type Strategy interface {
	// Propose returns the trial after h's, or ErrExhausted.
	Propose(p *Problem, h *History) (Proposal, error)
}

// ErrExhausted says that a strategy finds nothing feasible that has not been
// tried.
var ErrExhausted = errors.New("no further architecture to try")

// History is the trials of a search. The zero value is an empty one.
type History struct {
	Trials []Trial // by Number

	byKey map[string][]int
}

// NewHistory returns a history of trials, which are sorted by their numbers.
func NewHistory(trials []Trial) *History {
	h := &History{}
	slices.SortFunc(trials, func(a, b Trial) int { return cmp.Compare(a.Number, b.Number) })
	for _, t := range trials {
		h.Add(t)
	}
	return h
}

// Add appends a trial, whose number becomes its place.
func (h *History) Add(t Trial) {
	if h.byKey == nil {
		h.byKey = map[string][]int{}
	}
	t.Number = len(h.Trials)
	h.byKey[t.Arch.String()] = append(h.byKey[t.Arch.String()], t.Number)
	h.Trials = append(h.Trials, t)
}

// Tell records the outcome of a trial.
func (h *History) Tell(number int, score float64) {
	h.Trials[number].Done, h.Trials[number].Score = true, score
}

// Fail records that a trial has no outcome.
func (h *History) Fail(number int) { h.Trials[number].Done, h.Trials[number].Failed = true, true }

// of returns the trial of an architecture with the highest fidelity, or nil.
func (h *History) of(a Arch) *Trial {
	var best *Trial
	for _, n := range h.byKey[a.String()] {
		if t := &h.Trials[n]; best == nil || t.Fidelity >= best.Fidelity {
			best = t
		}
	}
	return best
}

// seen reports whether an architecture was proposed.
func (h *History) seen(a Arch) bool { return len(h.byKey[a.String()]) > 0 }

// scored returns the trials that have a score, in order.
func (h *History) scored() []Trial {
	var all []Trial
	for _, t := range h.Trials {
		if t.Done && !t.Failed {
			all = append(all, t)
		}
	}
	return all
}

// Best returns the trial with the highest score among those of the highest
// fidelity that has any, the earliest of equals.
func (h *History) Best() (Trial, bool) {
	var best Trial
	found := false
	for _, t := range h.scored() {
		if !found || t.Fidelity > best.Fidelity || t.Fidelity == best.Fidelity && t.Score > best.Score {
			best, found = t, true
		}
	}
	return best, found
}

// rng returns what the next proposal draws from.
func (p *Problem) rng(h *History) *rand.Rand {
	return rand.New(rand.NewPCG(p.Seed, uint64(len(h.Trials))))
}

// Allows reports whether an architecture keeps to the constraints.
func (p *Problem) Allows(a Arch) bool { return p.Feasible == nil || p.Feasible(a) }

// attempts is how often a strategy draws before it gives up.
const attempts = 20000

// fresh draws until it gets a feasible architecture that was not proposed.
func (p *Problem) fresh(h *History, draw func() Arch, parent int) (Proposal, error) {
	for range attempts {
		if a := draw(); p.Allows(a) && !h.seen(a) {
			return Proposal{Arch: a, Fidelity: p.Fidelity, Parent: parent}, nil
		}
	}
	return Proposal{}, ErrExhausted
}

// random proposes an architecture drawn at random.
func (p *Problem) random(h *History, rng *rand.Rand) (Proposal, error) {
	return p.fresh(h, func() Arch { return Random(p.Space, rng) }, -1)
}

// strategies are those known by name, as commands offer them.
var strategies = []struct {
	name, about string
	make        func() Strategy
}{
	{"random", "draws at random: what the others have to beat", func() Strategy { return RandomSearch{} }},
	{"evolution", "regularised evolution: the oldest die (Real et al. 2019)", func() Strategy { return Evolution{} }},
	{"local", "moves to the first neighbor that is better, and starts anew when there is none", func() Strategy { return LocalSearch{} }},
	{"predictor", "fits what each choice adds, and tries what it predicts to be best", func() Strategy { return Predictor{} }},
	{"tpe", "tree-structured Parzen estimator (Bergstra et al. 2011), as Optuna has it", func() Strategy { return TPE{} }},
	{"supernet", "evolution on the scores of a supernet, of which the best are trained by themselves", func() Strategy { return OneShot{} }},
	{"reinforce", "policy gradient on the choices' probabilities (Zoph and Le 2017)", func() Strategy { return &Reinforce{} }},
	{"paths", "path sampling: pairs of networks that differ in one choice move its probabilities (Cai et al. 2019)", func() Strategy { return Paths{} }},
}

// Strategies returns the names of the strategies, with a line about each.
func Strategies() (names, about []string) {
	for _, s := range strategies {
		names, about = append(names, s.name), append(about, s.about)
	}
	return names, about
}

// NewStrategy returns the strategy of a name, with its usual settings.
func NewStrategy(name string) (Strategy, error) {
	for _, s := range strategies {
		if s.name == name {
			return s.make(), nil
		}
	}
	names, _ := Strategies()
	return nil, fmt.Errorf("no strategy %q: want one of %v", name, names)
}
