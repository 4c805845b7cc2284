package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/nas/search"
)

type searchFinishCmd struct {
	searchName
	Top      int    `default:"5" placeholder:"N" help:"How many of the best are trained again."`
	Seeds    int    `default:"3" placeholder:"N" help:"Seeds of each."`
	Epochs   int    `default:"15" placeholder:"N" help:"Epochs of each."`
	Random   string `placeholder:"SEARCH" help:"A search at random of the same cost, whose best are treated alike."`
	Handmade string `default:"mixnet_tiny" placeholder:"NAME" help:"A network of the zoo to compare with, scaled to the same multiply-adds."`
	Workers  int    `short:"w" default:"0" placeholder:"N" help:"Networks to train at the same time, each in one thread; 0 means one for every core."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// Help explains the protocol.
func (c *searchFinishCmd) Help() string {
	return `Trains the best networks again from scratch, and beside them, at the same multiply-adds: networks drawn at random, the best one with a
single kernel size and with MixConv 3,5,7 everywhere, and one made by hand. The held-out training images choose the winner; then the test images
are opened, once: the result is kept beside the search, and a second call shows it. An interrupted call goes on where it was.`
}

// finishedRow is a candidate, judged.
type finishedRow struct {
	Group   string   `json:"group"`
	Network string   `json:"network"`
	MACs    int64    `json:"macs"`
	Params  int64    `json:"params"`
	HeldOut float64  `json:"held_out_top1"` // mean over the seeds
	Test    *float64 `json:"test_top1,omitempty"`
	SD      float64  `json:"test_top1_sd,omitempty"` // between seeds
	// Difference is the winner's test accuracy less this one's, paired by seed.
	Difference *stats.Interval `json:"difference,omitempty"`
	Winner     bool            `json:"winner,omitempty"`

	tests []float64
}

// finished is the outcome of the protocol.
type finished struct {
	Search  string        `json:"search"`
	At      string        `json:"judged_at"`
	Epochs  int           `json:"epochs_per_trial"`
	Seeds   int           `json:"seeds"`
	Seconds float64       `json:"seconds"`
	Images  int           `json:"images"`
	Rows    []finishedRow `json:"candidates"`
}

// How many networks are drawn at random, and within what part of the winner's
// multiply-adds.
const (
	drawnRivals = 5
	sameCost    = 0.03
)

// finishPath is where the outcome is kept.
func finishPath(s *search.Search) string { return filepath.Join(s.Settings.Dir, "judged.json") }

// readFinished returns the outcome that was kept, nil for none.
func readFinished(s *search.Search) (*finished, error) {
	text, err := os.ReadFile(finishPath(s))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var f finished
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", finishPath(s), err)
	}
	return &f, nil
}

// heldOut is what the winner is compared with, by held-out score over
// multiply-adds.
func (f *finished) heldOut() chart.Series {
	s := chart.Series{Name: "trained again in full", Scatter: true}
	for _, r := range f.Rows {
		s.Points = append(s.Points, chart.Point{X: float64(r.MACs) / 1e6, Y: 100 * r.HeldOut, Label: fmt.Sprintf("%s: %s, %s", r.Group, r.Network, inPercent(r.HeldOut))})
	}
	return s
}

func (c *searchFinishCmd) Run(e *env) error {
	if c.Top < 1 || c.Seeds < 1 || c.Epochs < 1 {
		return usagef("--top, --seeds and --epochs are at least 1")
	}
	s, all, err := c.read(e)
	if err != nil {
		return err
	}
	if f, err := readFinished(s); err != nil {
		return err
	} else if f != nil {
		e.note("the test images were opened on %s; this is what was found\n", f.At)
		return f.show(e, c.JSON)
	}
	roles, err := holdOut(e, &s.Settings, s.Seed)
	if err != nil {
		return err
	}
	started := time.Now()
	defer e.hold()()
	candidates, err := s.Leaders(search.Found, longest(all), c.Top)
	if err == nil && len(candidates) == 0 {
		err = fmt.Errorf("%s: no trial has a score", c.Search)
	}
	if err != nil {
		return err
	}
	trained, err := c.retrain(e, s, candidates, roles)
	if err != nil {
		return err
	}
	rivals, err := c.rivals(e, s, candidates[winnerOf(candidates, trained)])
	if err != nil {
		return err
	}
	theirs, err := c.retrain(e, s, rivals, roles)
	if err != nil {
		return err
	}
	candidates, trained = append(candidates, rivals...), append(trained, theirs...)
	f := finished{Search: c.Search, Epochs: c.Epochs, Seeds: c.Seeds, Rows: judgeGroups(candidates, trained)}
	if err := f.open(e, candidates, trained, roles.Judge); err != nil {
		return err
	}
	f.Seconds, f.At = time.Since(started).Seconds(), time.Now().UTC().Format(time.RFC3339)
	if err := os.MkdirAll(s.Settings.Dir, 0o777); err != nil {
		return err
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err == nil {
		err = atomicfile.WriteBytes(finishPath(s), text)
	}
	return errors.Join(err, f.show(e, c.JSON))
}

// rivals are what the winner is compared with.
func (c *searchFinishCmd) rivals(e *env, s *search.Search, winner search.Candidate) ([]search.Candidate, error) {
	rivals, err := s.Rivals(winner, drawnRivals, c.Handmade, sameCost)
	if err != nil {
		return nil, err
	}
	other, err := besides(e, c.Random)
	if err != nil || other == nil {
		return rivals, err
	}
	more, err := other.search.Leaders(search.RandomSearch, longest(other.trials), c.Top)
	return append(rivals, more...), err
}

// retrained is a candidate's model of a seed.
type retrained struct {
	model *model.Model
	score float64
}

// retrain trains all candidates with all seeds.
func (c *searchFinishCmd) retrain(e *env, s *search.Search, candidates []search.Candidate, roles data.Roles) ([][]retrained, error) {
	out := make([][]retrained, len(candidates))
	jobs := make(chan [2]int)
	ctx, stop := context.WithCancelCause(e.ctx)
	defer stop(nil)
	var mu sync.Mutex
	var failed error
	done := 0
	workers := c.Workers
	if workers <= 0 {
		workers = e.cores()
	}
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for job := range jobs {
				m, score, err := s.Retrain(ctx, candidates[job[0]], roles, c.Epochs, s.Seed+1+uint64(job[1]))
				mu.Lock()
				if err != nil && failed == nil {
					failed = err
					stop(err)
				}
				out[job[0]][job[1]] = retrained{m, score}
				done++
				if err == nil {
					e.note("%d of %d: %s, seed %d: %s held out\n", done, len(candidates)*c.Seeds, candidates[job[0]].Name, s.Seed+1+uint64(job[1]), inPercent(score))
				}
				mu.Unlock()
			}
		})
	}
	for i := range candidates {
		out[i] = make([]retrained, c.Seeds)
	}
feed:
	for seed := range c.Seeds {
		for i := range candidates {
			select {
			case jobs <- [2]int{i, seed}:
			case <-ctx.Done():
				break feed
			}
		}
	}
	close(jobs)
	group.Wait()
	if err := e.ctx.Err(); err != nil {
		e.note("what was trained is kept; continue with: %s\n", e.command(e.args...))
		return nil, err
	}
	return out, failed
}
