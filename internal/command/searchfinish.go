package command

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/internal/filelock"
	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
)

type searchFinishCmd struct {
	theSearch
	Top      int    `placeholder:"N" help:"How many of the best are trained again. Default: as the search was begun, or 5."`
	Seeds    int    `placeholder:"N" help:"Seeds of each. Default: as the search was begun, or 3."`
	Epochs   int    `placeholder:"N" help:"Epochs of each. Default: as the search was begun, or 15."`
	Random   string `placeholder:"SEARCH" help:"A search at random of the same cost, whose best are treated alike, in place of the one beside it."`
	Handmade string `placeholder:"NAME" help:"A network of the zoo to compare with, scaled to the same multiply-adds. Default: as the search was begun, or mixnet_tiny."`
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
	Search string         `json:"search"`
	At     string         `json:"judged_at"`
	Epochs int            `json:"epochs_per_trial"`
	Seeds  int            `json:"seeds"`
	Trials int            `json:"trials"` // that the best were taken of
	Images int            `json:"images"`
	Rows   []finishedRow  `json:"candidates"`
	Parts  []finishedPart `json:"parts"`
}

// drawnRivals is how many networks are drawn at random.
const drawnRivals = 5

// usualJudge is how searches are judged that were begun without saying so.
var usualJudge = search.Judge{Top: 5, Seeds: 3, Epochs: 15, Handmade: "mixnet_tiny"}

// errJudging says that another process does what is asked for.
var errJudging = errors.New("another process is judging it")

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
	if c.Top < 0 || c.Seeds < 0 || c.Epochs < 0 || c.Workers < 0 || c.Workers > 256 {
		return usagef("--top, --seeds and --epochs are at least 1, --workers is between 0 and 256")
	}
	f, err := c.finish(e)
	if err != nil {
		return err
	}
	return f.show(e, c.JSON)
}

// plan is how the search is judged.
func (c *searchFinishCmd) plan(s *search.Search) search.Judge {
	p := usualJudge
	if s.Settings.Judge != nil {
		p = *s.Settings.Judge
	}
	return search.Judge{
		Top: cmp.Or(c.Top, p.Top), Seeds: cmp.Or(c.Seeds, p.Seeds), Epochs: cmp.Or(c.Epochs, p.Epochs), Handmade: cmp.Or(c.Handmade, p.Handmade),
	}
}

// finish judges the search, or returns what is kept of that.
func (c *searchFinishCmd) finish(e *env) (*finished, error) {
	s, all, err := c.read(e)
	if err != nil {
		return nil, err
	}
	if f, err := readFinished(s); f != nil || err != nil {
		if f != nil {
			e.note("the test images were opened on %s; this is what was found\n", f.At)
		}
		return f, err
	}
	other, err := besides(e, s, c.Search, c.Random)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.Settings.Dir, 0o777); err != nil {
		return nil, err
	}
	lock, err := filelock.Try(filepath.Join(s.Settings.Dir, "judge.lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("%s: %w", shown(c.Search), errJudging)
	}
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	return c.judge(e, s, all, other)
}

// judge trains the best of a search and what it is compared with, opens the test
// images, and keeps the outcome.
func (c *searchFinishCmd) judge(e *env, s *search.Search, all []store.Trial, other *beside) (*finished, error) {
	roles, err := holdOut(e, &s.Settings, s.Seed)
	if err != nil {
		return nil, err
	}
	defer e.hold()()
	plan := c.plan(s)
	r := retraining{e: e, plan: plan, workers: c.Workers, roles: roles}
	if r.workers == 0 {
		r.workers = e.cores()
	}
	found, err := s.Leaders(search.Found, longest(all), plan.Top)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s: no trial has a score", shown(c.Search))
	}
	if err != nil {
		return nil, err
	}
	field := contenders(s, found)
	if err := r.all(field); err != nil {
		return nil, err
	}
	others, err := rivals(s, other, field[winnerOf(field)].Candidate, plan)
	if err != nil {
		return nil, err
	}
	if err := r.all(others); err != nil {
		return nil, err
	}
	field = append(field, others...)
	sum := summaryOf(c.Search, s, all)
	f := &finished{Search: sum.Search, Epochs: plan.Epochs, Seeds: plan.Seeds, Trials: len(all), Rows: judgeGroups(field), Parts: partsOf(s, &sum, other, field)}
	if err := f.open(e, field, roles.Judge); err != nil {
		return nil, err
	}
	f.At = time.Now().UTC().Format(time.RFC3339)
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	return f, atomicfile.WriteBytes(finishPath(s), text)
}
