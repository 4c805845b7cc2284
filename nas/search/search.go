// Package search runs architecture searches: workers claim trials of a store,
// train the networks on a part of the training images, and score them on the
// rest of those. Test images are never opened.
package search

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/latency"
	"github.com/mixnet-go/mixnet/nas/spacefile"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/nas/supernet"
	"github.com/mixnet-go/mixnet/recipe"
)

// Settings are how trials are trained. They are the store's Search.Settings.
type Settings struct {
	Data   string        `json:"data"`             // as the command opens it; "" means the built-in set
	Images int           `json:"images,omitempty"` // of the training images that weights are trained on; 0 means all
	Recipe recipe.Recipe `json:"recipe"`           // its epochs are each trial's
	Limits nas.Limits    `json:"limits,omitzero"`
	// Latency predicts how long networks take, on the machine that it was
	// measured on; nil leaves latencies out.
	Latency *latency.Table `json:"latency,omitempty"`
	// Rungs are the epochs of successive halving, from short to long; nil for
	// none. Of Eta trials one goes on; 0 means 3.
	Rungs []int `json:"rungs,omitempty"`
	Eta   int   `json:"eta,omitempty"`
	// Dir holds the run folders.
	Dir string `json:"dir"`
	// Keep is of how many trials the weights are kept, the best of each
	// fidelity; 0 means 5.
	Keep int `json:"keep,omitempty"`
	// Supernet is how the strategy nas.OneShot scores networks; nil for others.
	Supernet *Supernet `json:"supernet,omitempty"`
	// Split is the seed by which images are held out; nil means the search's.
	Split *uint64 `json:"split,omitempty"`
	// Random is the search at random that this one is compared with: Own for one
	// of its own, as the command names one, or "" for none.
	Random string `json:"random,omitempty"`
	// Judge is how what is found is judged when the trials are done; nil for not
	// at all.
	Judge *Judge `json:"judge,omitempty"`
}

// Judge says how much the best networks, and those that they are compared with,
// are trained when a search is judged.
type Judge struct {
	Top      int    `json:"top"`      // how many of the best
	Seeds    int    `json:"seeds"`    // trainings of each
	Epochs   int    `json:"epochs"`   // of a training
	Handmade string `json:"handmade"` // network of the zoo that they are compared with
}

// Shares of the training images that are held out: to score trials, and to judge
// the result where the set has no test part.
const (
	scored = 0.1
	judged = 0.1
)

// Hold gives the images of a set their roles in a search with a seed: Fit trains
// the weights of a trial, Choose scores it, and Judge is for what the search has
// found.
func (s *Settings) Hold(splits *data.Splits, seed uint64) (data.Roles, error) {
	seed = s.splitSeed(seed)
	policy := data.Policy{Val: scored, Seed: seed}
	if splits.Test == nil {
		policy.Test = judged
	}
	r, err := splits.Plan(policy)
	if err != nil {
		return r, err
	}
	if n := r.Fit.Len(); s.Images > 0 && s.Images < n {
		_, r.Fit, err = data.Split(r.Fit, float64(s.Images)/float64(n), seed)
	}
	return r, err
}

// splitSeed is that of the images held out in a search with a seed.
func (s *Settings) splitSeed(seed uint64) uint64 {
	if s.Split != nil {
		return *s.Split
	}
	return seed
}

// SplitSeed returns the seed of the images that are held out.
func (s *Search) SplitSeed() uint64 { return s.Settings.splitSeed(s.Seed) }

// Search is a search of a store, ready to propose.
type Search struct {
	store.Search
	Settings Settings
	Space    *nas.TableSpace
	Costs    *nas.Costs

	mu       sync.Mutex
	strategy nas.Strategy
	problem  nas.Problem
}

// Load returns the search that a store holds.
func Load(s store.Search) (*Search, error) {
	out := &Search{Search: s}
	if err := json.Unmarshal(s.Settings, &out.Settings); err != nil {
		return nil, fmt.Errorf("search %s: settings: %w", s.Name, err)
	}
	var err error
	if out.Space, err = spacefile.Parse(s.Name+".toml", []byte(s.Space)); err != nil {
		return nil, fmt.Errorf("search %s: %w", s.Name, err)
	}
	if out.strategy, err = nas.NewStrategy(s.Strategy); err != nil {
		return nil, fmt.Errorf("search %s: %w", s.Name, err)
	}
	if err := out.oneShot(); err != nil {
		return nil, fmt.Errorf("search %s: %w", s.Name, err)
	}
	if rungs := out.Settings.Rungs; len(rungs) > 0 {
		out.strategy = nas.Halving{Of: out.strategy, Rungs: rungs, Eta: out.Settings.Eta}
	}
	out.Costs = nas.NewCosts(out.Space)
	if t := out.Settings.Latency; t != nil {
		if err := t.Check(out.Space); err != nil {
			return nil, fmt.Errorf("search %s: %w", s.Name, err)
		}
		out.Costs.Latency = t.Of
	}
	out.problem = nas.Problem{Space: out.Space, Feasible: out.Costs.Within(out.Settings.Limits), Seed: s.Seed, Fidelity: s.Fidelity}
	return out, nil
}

// Propose returns the trial after those of a history, for store.Claim.
func (s *Search) Propose(h *nas.History) (nas.Proposal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.strategy.Propose(&s.problem, h)
}

// Outcome is what is known of a trial besides its score: the store's Trial.Info.
type Outcome struct {
	Network string `json:"network,omitempty"`
	nas.Cost
	Curve   []float64 `json:"curve,omitempty"`   // the score after every epoch
	Run     string    `json:"run,omitempty"`     // the run folder
	Seconds float64   `json:"seconds,omitempty"` // of training and scoring
	// Continued says that the network went on from the parent's weights.
	Continued bool `json:"continued,omitempty"`
	// Supernet is how the network does with a supernet's parameters, of trials of
	// fidelity 0.
	Supernet *supernet.Score `json:"supernet,omitempty"`
}

// score returns what the trial is judged by.
func (o *Outcome) score() float64 {
	if o.Supernet != nil {
		return o.Supernet.Likelihood()
	}
	return o.Curve[len(o.Curve)-1]
}

// OutcomeOf reads a trial's outcome; the zero value if it has none.
func OutcomeOf(t store.Trial) Outcome {
	var o Outcome
	if len(t.Info) > 0 {
		// Info of another program's trials may be anything.
		_ = json.Unmarshal(t.Info, &o)
	}
	return o
}
