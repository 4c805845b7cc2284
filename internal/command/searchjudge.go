package command

import (
	"context"
	"slices"
	"sync"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/nas/search"
)

// contender is a candidate with the search by which it is trained: the one that
// is judged, or the random search beside it, which others may share.
type contender struct {
	search.Candidate
	by      *search.Search
	trained []search.Retrained // by seed
}

// heldOut is the mean over the seeds on the images that choose.
func (c *contender) heldOut() float64 {
	sum := 0.0
	for _, t := range c.trained {
		sum += t.Score
	}
	return sum / float64(len(c.trained))
}

// hours of one thread that its trainings took.
func (c *contender) hours() float64 {
	sum := 0.0
	for _, t := range c.trained {
		sum += t.Seconds
	}
	return sum / 3600
}

// contenders are candidates of one search.
func contenders(by *search.Search, all []search.Candidate) []contender {
	out := make([]contender, len(all))
	for i, c := range all {
		out[i] = contender{Candidate: c, by: by}
	}
	return out
}

// rivals are what the winner is compared with.
func rivals(s *search.Search, other *beside, winner search.Candidate, plan search.Judge) ([]contender, error) {
	macs := s.Cost(winner)
	variants, err := s.Variants(winner, macs)
	if err != nil {
		return nil, err
	}
	all := contenders(s, variants)
	by := s
	if other != nil && s.Alike(other.search) {
		by = other.search
	}
	drawn, err := by.Rivals(drawnRivals, plan.Handmade, macs)
	if err != nil || other == nil {
		return append(all, contenders(by, drawn)...), err
	}
	best, err := other.search.Leaders(search.RandomSearch, longest(other.trials), plan.Top)
	return append(append(all, contenders(by, drawn)...), contenders(by, best)...), err
}

// retraining trains contenders again from scratch.
type retraining struct {
	e       *env
	plan    search.Judge
	workers int
	roles   data.Roles

	mu   sync.Mutex
	done int
}

// all trains contenders with all seeds.
func (r *retraining) all(field []contender) error {
	type job struct{ contender, seed int }
	jobs := make(chan job, len(field)*r.plan.Seeds)
	for i := range field {
		field[i].trained = make([]search.Retrained, r.plan.Seeds)
	}
	for seed := range r.plan.Seeds {
		for i := range field {
			jobs <- job{i, seed}
		}
	}
	close(jobs)
	r.done = 0
	bar := r.e.newProgress("trained again", "trainings", int64(cap(jobs)))
	defer bar.done()
	err := r.e.together(r.workers, func(ctx context.Context, _ string) error {
		for j := range jobs {
			if err := ctx.Err(); err != nil {
				return err
			}
			c := &field[j.contender]
			t, err := c.by.Retrain(ctx, c.Candidate, r.roles, r.plan.Epochs, c.by.RetrainSeed(j.seed))
			if err != nil {
				return err
			}
			c.trained[j.seed] = t
			r.tell(bar, cap(jobs), c, j.seed)
		}
		return nil
	})
	if r.e.ctx.Err() != nil {
		r.e.note("what was trained is kept; continue with: %s\n", r.e.command(r.e.args...))
	}
	return err
}

func (r *retraining) tell(bar *progress, of int, c *contender, seed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	bar.done()
	name := c.Group
	if c.Name != name {
		name += ", " + c.Name
	}
	r.e.note("%d of %d: %s, seed %d: %s held out\n", r.done, of, name, c.by.RetrainSeed(seed), inPercent(c.trained[seed].Score))
	bar.update(int64(r.done), c.Group)
}

// winnerOf returns the best of what was found by its mean on held-out images.
func winnerOf(field []contender) int {
	winner := slices.IndexFunc(field, func(c contender) bool { return c.Group == search.Found })
	for i := range field {
		if field[i].Group == search.Found && field[i].heldOut() > field[winner].heldOut() {
			winner = i
		}
	}
	return winner
}

// finishedPart is a part of what the protocol took.
type finishedPart struct {
	Part      string  `json:"part"`
	Networks  int     `json:"networks"`
	Trainings int     `json:"trainings"`
	Hours     float64 `json:"trained_hours"` // of one thread
	// Shared says that another search's judgement made these trainings too.
	Shared bool `json:"shared"`
}

// partsOf lists what a judgement and the searches before it took.
func partsOf(s *search.Search, sum *searchSummary, other *beside, field []contender) []finishedPart {
	shared := other != nil && s.Settings.Random != search.Own
	all := []finishedPart{{"the search", sum.Done, sum.Done, sum.Hours, false}}
	if h := s.SupernetHours(); h > 0 {
		all = append(all, finishedPart{"its supernet, of all threads together", 1, 1, h, false})
	}
	if other != nil {
		r := summaryOf(other.name, other.search, other.trials)
		all = append(all, finishedPart{"the random search beside it", r.Done, r.Done, r.Hours, shared})
	}
	at := map[string]int{}
	for i := range field {
		c := &field[i]
		name := "again: " + c.Group
		if _, ok := at[name]; !ok {
			at[name] = len(all)
			all = append(all, finishedPart{Part: name, Shared: shared && c.by != s})
		}
		p := &all[at[name]]
		p.Networks++
		p.Trainings += len(c.trained)
		p.Hours += c.hours()
	}
	return all
}
