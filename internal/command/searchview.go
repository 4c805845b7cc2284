package command

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
)

// searchSummary is a search in JSON.
type searchSummary struct {
	Search   string       `json:"search"`
	Space    string       `json:"space"`
	Strategy string       `json:"strategy"`
	Seed     uint64       `json:"seed"`
	Trials   int          `json:"trials"`
	EpochsOf int          `json:"epochs_per_trial"`
	Rungs    []int        `json:"rungs,omitempty"`
	Data     string       `json:"data"`
	Limits   nas.Limits   `json:"limits"`
	Done     int          `json:"done"`
	Failed   int          `json:"failed"`
	Running  int          `json:"running"`
	Waiting  int          `json:"waiting"`
	Hours    float64      `json:"trained_hours"`
	PerHour  float64      `json:"trials_per_hour"`
	LeftS    float64      `json:"left_s"`
	Best     *searchTrial `json:"best,omitempty"`
	// Random is the random search beside it.
	Random *besideView `json:"random,omitempty"`
	// Agreement is the supernet's with trainings of their own.
	Agreement *nas.Agreement `json:"supernet_agreement,omitempty"`
}

// searchTrial is a trial in JSON.
type searchTrial struct {
	Number int     `json:"number"`
	State  string  `json:"state"`
	Score  float64 `json:"score"`
	Epochs int     `json:"trial_epochs"`
	Arch   string  `json:"arch"`
	Parent int     `json:"parent"`
	Worker string  `json:"worker,omitempty"`
	search.Outcome
	Error string `json:"error,omitempty"`
	// Random says that it is of the random search beside the search.
	Random bool `json:"at_random,omitempty"`
}

func viewOf(s *search.Search, t store.Trial) searchTrial {
	v := searchTrial{
		Number: t.Number, State: string(t.State), Score: t.Score, Epochs: t.Fidelity, Arch: t.Key, Parent: t.Parent, Worker: t.Worker,
		Outcome: search.OutcomeOf(t), Error: t.Error,
	}
	v.Network = cmp.Or(v.Network, s.Space.Name()+"_"+nas.Hash(s.Space, t.Arch)[:8])
	if v.MACs == 0 {
		if cost, err := s.Costs.Of(t.Arch); err == nil {
			v.Cost = cost
		}
	}
	return v
}

// bestOf returns the trials with a score, the best of the most epochs first.
func bestOf(all []store.Trial) []store.Trial {
	var done []store.Trial
	for _, t := range all {
		if t.State == store.Done {
			done = append(done, t)
		}
	}
	slices.SortStableFunc(done, func(a, b store.Trial) int {
		return cmp.Or(cmp.Compare(b.Fidelity, a.Fidelity), cmp.Compare(b.Score, a.Score))
	})
	return done
}

func summaryOf(name string, s *search.Search, all []store.Trial) searchSummary {
	v := searchSummary{
		Search: shown(name), Space: s.Space.Name(), Strategy: s.Strategy, Seed: s.Seed, Trials: s.Trials, EpochsOf: s.Fidelity, Rungs: s.Settings.Rungs,
		Data: source(s.Settings.Data), Limits: s.Settings.Limits,
	}
	for _, t := range all {
		switch t.State {
		case store.Done:
			v.Done++
			v.Hours += search.OutcomeOf(t).Seconds / 3600
		case store.Failed:
			v.Failed++
		case store.Running:
			v.Running++
		case store.Waiting:
			v.Waiting++
		}
	}
	v.PerHour = rateOf(endsOf(all))
	v.left(v.Trials - v.Done - v.Failed)
	if best := bestOf(all); len(best) > 0 {
		b := viewOf(s, best[0])
		v.Best = &b
	}
	v.Agreement = agreementOf(s, all)
	return v
}

// left says how long so many trials take.
func (v *searchSummary) left(trials int) {
	if v.PerHour > 0 && trials > 0 {
		v.LeftS = float64(trials) / v.PerHour * 3600
	}
}

// endsOf returns when trials ended.
func endsOf(all []store.Trial) []time.Time {
	var ends []time.Time
	for _, t := range all {
		if !t.Finished.IsZero() {
			ends = append(ends, t.Finished)
		}
	}
	return ends
}

// rateOf returns how many trials end in an hour, by the last ten: 0 where there
// are too few.
func rateOf(ended []time.Time) float64 {
	slices.SortFunc(ended, time.Time.Compare)
	ended = ended[max(len(ended)-10, 0):]
	if len(ended) < 3 {
		return 0
	}
	hours := ended[len(ended)-1].Sub(ended[0]).Hours()
	if hours <= 0 {
		return 0
	}
	return float64(len(ended)-1) / hours
}

// logSize is the logarithm, to the base of 10, of the number of combinations.
func logSize(s nas.Space) float64 {
	v := 0.0
	for _, d := range s.Decisions() {
		v += math.Log10(float64(len(d.Options)))
	}
	return math.Round(10*v) / 10
}

// trialTable lists trials.
func trialTable(s *search.Search, all []store.Trial) [][]string {
	rows := [][]string{{"TRIAL", "SCORE", "EPOCHS", "MACS", "PARAMS", "ARCHITECTURE", "TIME", "STATE"}}
	for _, t := range all {
		v := viewOf(s, t)
		score, took := "–", ""
		if t.State == store.Done {
			score = inPercent(t.Score)
		}
		if v.Seconds > 0 {
			took = formatSeconds(v.Seconds)
		}
		rows = append(rows, []string{
			strconv.Itoa(t.Number), score, strconv.Itoa(t.Fidelity), millions(v.MACs), millions(v.Params), v.Arch, took, cmp.Or(v.Error, v.State),
		})
	}
	return rows
}

// lines tells of a search.
func (v *searchSummary) lines(e *env) {
	e.printf("%s: %s on the space %s, seed %d, %s\n", v.Search, v.Strategy, v.Space, v.Seed, limitsText(v.Limits))
	e.printf("images: %s; nine in ten of the training images train, one in ten scores\n", v.Data)
	e.printf("trials: %d of %d done, %d failed, %d running, %d waiting\n", v.Done, v.Trials, v.Failed, v.Running, v.Waiting)
	if v.PerHour > 0 {
		e.printf("speed: %s an hour, %s left\n", plural(int(v.PerHour+0.5), "trial"), formatSeconds(v.LeftS))
	}
	if v.Best != nil {
		e.printf("best: trial %d, %s, %s, %s multiply-adds\n", v.Best.Number, v.Best.Network, inPercent(v.Best.Score), millions(v.Best.MACs))
	}
	if r := v.Random; r != nil {
		e.printf("random search beside it: %d of %d done, %d failed", r.Done, r.Trials, r.Failed)
		if r.Best != nil {
			e.printf(", best: %s, %s multiply-adds", inPercent(r.Best.Score), millions(r.Best.MACs))
		}
		e.printf("\n")
	}
	if v.Agreement != nil {
		e.printf("supernet: %s\n", agreementText(v.Agreement))
	}
}

// short is a line about a trial that has ended.
func (v *searchTrial) short() string {
	if v.Error != "" {
		return fmt.Sprintf("%s failed: %s", v.whose(), v.Error)
	}
	if v.Supernet != nil {
		return fmt.Sprintf("%s: %s by the supernet, %s multiply-adds, %s", v.whose(), inPercent(v.Score), millions(v.MACs), formatSeconds(v.Seconds))
	}
	return fmt.Sprintf("%s: %s after %s, %s multiply-adds, %s", v.whose(), inPercent(v.Score), plural(v.Epochs, "epoch"), millions(v.MACs), formatSeconds(v.Seconds))
}

// whose names the trial.
func (v *searchTrial) whose() string {
	if v.Random {
		return fmt.Sprintf("random search's trial %d", v.Number)
	}
	return fmt.Sprintf("trial %d", v.Number)
}
