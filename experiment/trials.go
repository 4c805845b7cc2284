package experiment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
)

// tried returns the indices of the arms that have trials.
func (p *Plan) tried() []int {
	var all []int
	for i, a := range p.Arms {
		if !a.Listed {
			all = append(all, i)
		}
	}
	return all
}

// Trials is how many there are: every arm that is not only listed, with every
// seed.
func (p *Plan) Trials() int { return len(p.tried()) * p.Seeds }

// Search is the plan as a store keeps it.
func (p *Plan) Search() (store.Search, error) {
	settings, err := json.Marshal(p)
	return store.Search{
		Name: p.Experiment, Space: "experiment " + p.Experiment, Strategy: "listed", Seed: p.Seed, Trials: p.Trials(), Fidelity: p.Recipe.Epochs, Settings: settings,
	}, err
}

// ErrOther is wrapped by the error of Load for a store of something else.
var ErrOther = errors.New("this is no experiment")

// Load returns the plan of a store.
func Load(s store.Search) (*Plan, error) {
	var p Plan
	if s.Strategy != "listed" {
		return nil, fmt.Errorf("%w, but the search %s", ErrOther, s.Name)
	}
	if err := json.Unmarshal(s.Settings, &p); err != nil {
		return nil, fmt.Errorf("experiment %s: %w", s.Name, err)
	}
	if p.Trials() != s.Trials || len(p.Arms) == 0 {
		return nil, fmt.Errorf("experiment %s: %d arms and %d seeds, but %d trials", s.Name, len(p.Arms), p.Seeds, s.Trials)
	}
	return &p, p.known()
}

// known sets what the experiment knows of the plan's arms.
func (p *Plan) known() error {
	e, err := Lookup(p.Experiment)
	if err != nil {
		return err
	}
	return e.know(p)
}

// digits of an architecture: those of an arm, and a seed.
const digit = 36

// Propose returns the trial after those of a history: all arms with the first
// seed, then with the next.
func (p *Plan) Propose(h *nas.History) (nas.Proposal, error) {
	n, tried := len(h.Trials), p.tried()
	if n >= len(tried)*p.Seeds {
		return nas.Proposal{}, nas.ErrExhausted
	}
	arm, seed := tried[n%len(tried)], n/len(tried)
	return nas.Proposal{Arch: p.arch(arm, seed), Fidelity: p.Recipe.Epochs, Parent: -1}, nil
}

// Trial returns the arm of a trial and its seed.
func (p *Plan) Trial(a nas.Arch) (Planned, uint64, error) {
	arm, seed, err := p.trial(a)
	if err != nil {
		return Planned{}, 0, err
	}
	return p.Arms[arm], p.Seed + uint64(seed), nil
}

// Differs names what another plan has otherwise; "" for nothing that matters to
// the trials.
func (p *Plan) Differs(other *Plan) string {
	for _, v := range []struct {
		what string
		a, b any
	}{
		{"experiment", p.Experiment, other.Experiment},
		{"preset", p.Preset, other.Preset},
		{"data", p.Data, other.Data},
		{"images", p.Images, other.Images},
		{"seeds", p.Seeds, other.Seeds},
		{"seed", p.Seed, other.Seed},
		{"recipe", p.Recipe, other.Recipe},
		{"networks", p.networks(), other.networks()},
		{"sets", p.Sets, other.Sets},
		{"weights", p.Weights, other.Weights},
	} {
		a, errA := json.Marshal(v.a)
		b, errB := json.Marshal(v.b)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			return v.what
		}
	}
	return ""
}

// Portable returns the plan without where it lies on a machine.
func (p *Plan) Portable() *Plan {
	portable := *p
	portable.Dir = ""
	if p.Data != "" {
		portable.Data = filepath.Base(p.Data)
	}
	portable.Sets, portable.Weights = slices.Clone(p.Sets), slices.Clone(p.Weights)
	for _, list := range [][]Named{portable.Sets, portable.Weights} {
		for i := range list {
			if list[i].Address != "" {
				list[i].Address = path.Base(filepath.ToSlash(list[i].Address))
			}
		}
	}
	return &portable
}

// Omitted are the networks of the experiment that the plan does without, and why.
func (p *Plan) Omitted() []LeftOut {
	e, err := Lookup(p.Experiment)
	if err != nil {
		return nil
	}
	preset, err := e.Preset(p.Preset)
	if err != nil {
		return nil
	}
	_, out, err := preset.of(e)
	if err != nil {
		return nil
	}
	return out
}

// networks are what is trained.
func (p *Plan) networks() []string {
	var all []string
	for _, a := range p.Arms {
		all = append(all, a.Panel, a.Series, a.Label, a.Network)
	}
	return all
}

// trial returns the indices of a trial's arm and seed.
func (p *Plan) trial(a nas.Arch) (arm, seed int, err error) {
	if len(a) == 4 {
		arm, seed = int(a[0])*digit+int(a[1]), int(a[2])*digit+int(a[3])
	}
	if len(a) != 4 || arm >= len(p.Arms) || seed >= p.Seeds {
		return 0, 0, fmt.Errorf("experiment %s has no trial %s", p.Experiment, a)
	}
	return arm, seed, nil
}
