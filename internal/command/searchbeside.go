package command

import (
	"errors"

	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
)

// randomSuffix makes of the name of a search that of the random search beside
// it.
const randomSuffix = ":random"

// beside is a search that another is compared with.
type beside struct {
	name   string
	search *search.Search
	trials []store.Trial
}

// besides opens what a search is compared with: the one that is asked for, or
// else the random search that it has; nil for none.
func besides(e *env, s *search.Search, name, asked string) (*beside, error) {
	other := asked
	if other == "" {
		if other = s.Settings.Random; other == search.Own {
			other = name + randomSuffix
		}
	}
	if other == "" {
		return nil, nil
	}
	r, all, err := (&searchName{other}).read(e)
	if asked == "" && errors.Is(err, store.ErrNoSearch) {
		return nil, nil // its workers begin it
	}
	if err != nil {
		return nil, err
	}
	return &beside{other, r, all}, nil
}

// besideView is a random search beside another, in JSON.
type besideView struct {
	Search string       `json:"search"`
	Trials int          `json:"trials"`
	Done   int          `json:"done"`
	Failed int          `json:"failed"`
	Hours  float64      `json:"trained_hours"`
	Best   *searchTrial `json:"best,omitempty"`
}

// with adds the random search to a summary, whose time left is then that of
// both.
func (v *searchSummary) with(all []store.Trial, other *beside) {
	if other == nil {
		return
	}
	r := summaryOf(other.name, other.search, other.trials)
	v.Random = &besideView{r.Search, r.Trials, r.Done, r.Failed, r.Hours, r.Best}
	v.PerHour = rateOf(append(endsOf(all), endsOf(other.trials)...))
	v.left(v.Trials - v.Done - v.Failed + r.Trials - r.Done - r.Failed)
}

// over reports whether all trials have ended, those of the random search
// included.
func (v *searchSummary) over() bool {
	return v.Done+v.Failed >= v.Trials && (v.Random == nil || v.Random.Done+v.Random.Failed >= v.Random.Trials)
}
