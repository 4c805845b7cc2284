package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/nas/supernet"
)

// Supernet is how networks are scored before any is trained by itself: trials of
// fidelity 0 are. It is trained by the search's recipe, by the worker that needs
// it first, in the folder "supernet" of Settings.Dir.
type Supernet struct {
	Epochs  int              `json:"epochs"`
	Scored  int              `json:"scored"`             // trials of fidelity 0
	Paths   int              `json:"paths,omitempty"`    // of a step; 0: every option has its turn
	Fit     int              `json:"estimate,omitempty"` // images for batch norm's statistics; 0: 2000
	Images  int              `json:"images,omitempty"`   // images that score; 0: all that are held out
	Sharing supernet.Sharing `json:"sharing,omitzero"`
	// Learn is how probabilities of the options are learned from gradients, by
	// which networks to score are drawn, the likeliest first; "" means evolution.
	Learn Learned `json:"learn,omitzero"`
}

// Learned says how a policy is learned on the images that score.
type Learned struct {
	Method supernet.Method `json:"method,omitempty"`
	Steps  int             `json:"steps,omitempty"` // 0: supernet.LearnConfig's
	// Weight is what a network of the mean multiply-adds of the space loses for
	// them, in units of the loss: their expectation counts in proportion.
	Weight float64 `json:"cost_weight,omitempty"`
}

// oneShot makes the strategy that a supernet is for from the settings, with the
// policy that was learned if there is one.
func (s *Search) oneShot() error {
	one, ok := s.strategy.(nas.OneShot)
	sn := s.Settings.Supernet
	if !ok {
		return nil
	}
	if sn == nil {
		return errors.New("the settings say nothing of the strategy's supernet")
	}
	one.Scored = sn.Scored
	if sn.Learn.Method != "" {
		// Without one, evolution proposes: the worker that learns it sets it.
		one.Policy, _ = supernet.LoadPolicy(s.Settings.policyFile(), s.Space)
	}
	s.strategy = one
	return nil
}

// policyFile is where the policy is kept.
func (s *Settings) policyFile() string { return filepath.Join(s.supernetDir(), "policy.json") }

// learn learns the policy, or reads it.
func (w *Worker) learn(ctx context.Context, net *supernet.Net, memory *autodiff.Memory) error {
	s := w.Search
	l := s.Settings.Supernet.Learn
	macs := nas.Split(s.Costs, func(c nas.Cost) float64 { return float64(c.MACs) }, costSamples, s.Seed)
	p, err := supernet.Learn(ctx, supernet.LearnConfig{
		Net: net, Method: l.Method, Steps: l.Steps, Choose: w.Roles.Choose, Cost: macs, Weight: l.Weight / max(macs.Mean, 1), Seed: s.Seed,
		Memory: memory, File: s.Settings.policyFile(),
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := s.strategy.(nas.OneShot); ok {
		one.Policy = p
		s.strategy = one
	}
	return nil
}

// costSamples are those that what choices cost is a mean over.
const costSamples = 20

// supernetDir returns the folder of a search's supernet.
func (s *Settings) supernetDir() string { return filepath.Join(s.Dir, "supernet") }

// waitForSupernet is how long a worker waits for another to have trained it.
const waitForSupernet = 2 * time.Second

// supernet returns the scorer, once the supernet is trained: by this worker, or
// by another that it waits for.
func (w *Worker) supernet(ctx context.Context) (*supernet.Scorer, error) {
	if w.scorer != nil {
		return w.scorer, nil
	}
	set, sn := &w.Search.Settings, w.Search.Settings.Supernet
	net, err := supernet.New(w.Search.Space, sn.Sharing, w.Search.Seed)
	if err != nil {
		return nil, err
	}
	memory := autodiff.NewMemory(max(w.SupernetThreads, w.Threads, 1))
	defer memory.Close()
	rec := set.Recipe
	rec.Epochs, rec.Seed = sn.Epochs, w.Search.Seed
	for {
		_, err = supernet.Train(ctx, supernet.Config{
			Net: net, Recipe: rec, Data: w.Roles.Fit, Paths: sn.Paths, Memory: memory, Dir: set.supernetDir(), OnStep: w.OnSupernet,
			Then: func() error {
				if sn.Learn.Method == "" {
					return nil
				}
				return w.learn(ctx, net, memory)
			},
		})
		if !errors.Is(err, supernet.ErrBusy) {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(waitForSupernet):
		}
	}
	if err != nil {
		return nil, err
	}
	w.scorer, err = supernet.NewScorer(ctx, net, supernet.ScoreConfig{
		Fit: w.Roles.Fit, Estimate: sn.Fit, Choose: w.Roles.Choose, Images: sn.Images, Seed: w.Search.Seed, Threads: max(w.Threads, 1),
	})
	return w.scorer, err
}

// score scores the network of a trial by the supernet.
func (w *Worker) score(ctx context.Context, t store.Trial) (Outcome, error) {
	n, err := w.Search.Space.Network(t.Arch)
	if err != nil {
		return Outcome{}, fmt.Errorf("%w: %w", store.ErrFails, err)
	}
	o := Outcome{Network: n.Name}
	if o.Cost, err = w.Search.Costs.Of(t.Arch); err != nil {
		return o, fmt.Errorf("%w: %w", store.ErrFails, err)
	}
	scorer, err := w.supernet(ctx)
	if err != nil {
		return o, err
	}
	began := time.Now()
	s, err := scorer.Score(ctx, t.Arch)
	if err != nil {
		return o, err
	}
	o.Supernet, o.Seconds = &s, time.Since(began).Seconds()
	return o, nil
}

// Pair is a network that the supernet scored and that was trained by itself.
type Pair struct {
	Number        int // of the trial that trained it
	Shared, Alone float64
}

// Pairs returns the networks with both scores, in the order of their trials.
func Pairs(all []store.Trial) []Pair {
	var pairs []Pair
	for _, t := range all {
		if t.State != store.Done || t.Fidelity == 0 || t.Parent < 0 {
			continue
		}
		if p := all[t.Parent]; p.State == store.Done && p.Fidelity == 0 && OutcomeOf(p).Supernet != nil {
			pairs = append(pairs, Pair{t.Number, p.Score, t.Score})
		}
	}
	return pairs
}

// agreementSamples are those of the interval of Agreement.
const agreementSamples = 500

// Agreement compares the supernet's order of networks with that of their own
// trainings.
func Agreement(pairs []Pair, seed uint64) nas.Agreement {
	var shared, alone []float64
	for _, p := range pairs {
		shared, alone = append(shared, p.Shared), append(alone, p.Alone)
	}
	return nas.Agree(shared, alone, agreementSamples, seed)
}

// trainings is how many trials of some epochs the supernet's training takes the
// time of.
func (s *Supernet) trainings(space *nas.TableSpace, epochs int) int {
	paths := cmp.Or(s.Paths, nas.Fair{Space: space}.Paths())
	return (s.Epochs*paths + epochs - 1) / max(epochs, 1)
}
