package experiment

import (
	"encoding/json"

	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/nas/store"
)

// Result is what is known of an arm.
type Result struct {
	Planned
	Top1 []float64 `json:"top1"` // by seed, as fractions; of those that are done
	Mean float64   `json:"mean"`
	SD   float64   `json:"sd"`
	// Difference is to the base, as a rule the panel's first arm: paired by seed, with the
	// interval of Student's distribution. Images is the same with the interval of
	// samples of seeds and images. Nil for the base and before there are two seeds.
	Difference *stats.Interval `json:"difference,omitempty"`
	Images     *stats.Interval `json:"difference_by_images,omitempty"`

	seeds    []int
	outcomes []Outcome
}

// Resolved reports whether both intervals hold no zero.
func (r *Result) Resolved() bool {
	return r.Difference != nil && r.Difference.Resolved() && (r.Images == nil || r.Images.Resolved())
}

// Judged is how many images the trials were judged by.
func Judged(all []Result) int {
	for _, r := range all {
		if len(r.outcomes) == 0 {
			continue
		}
		o := r.outcomes[0]
		var details struct {
			Images int `json:"images"`
		}
		if o.Images == 0 && json.Unmarshal(o.Details, &details) == nil {
			return details.Images
		}
		return o.Images
	}
	return 0
}

// samples are those of bootstrap intervals.
const samples = 1000

// Results sums up the trials of a plan, arm by arm.
func Results(p *Plan, trials []store.Trial) ([]Result, error) {
	all := make([]Result, len(p.Arms))
	for i, a := range p.Arms {
		all[i].Planned = a
	}
	for _, t := range trials {
		if t.State != store.Done {
			continue
		}
		arm, seed, err := p.trial(t.Arch)
		if err != nil {
			return nil, err
		}
		o, err := OutcomeOf(t)
		if err != nil {
			return nil, err
		}
		r := &all[arm]
		r.Top1, r.seeds, r.outcomes = append(r.Top1, t.Score), append(r.seeds, seed), append(r.outcomes, o)
	}
	e, err := Lookup(p.Experiment)
	if err != nil {
		return nil, err
	}
	same := e.kind.base
	if same == nil {
		same = func(of, arm *Planned) bool { return of.Panel == arm.Panel }
	}
	for i := range all {
		r := &all[i]
		if len(r.Top1) > 0 {
			r.Mean, r.SD = stats.MeanAndSD(r.Top1)
		}
		for j := range i {
			if same(&r.Planned, &all[j].Planned) {
				r.Difference, r.Images = difference(r, &all[j], p.Seed)
				break
			}
		}
	}
	return all, nil
}
