package command

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
)

type searchLsCmd struct {
	Dir  string `arg:"" optional:"" default:"." help:"The folder, or the address of a PostgreSQL database. Default: this folder."`
	JSON bool   `name:"json" help:"Print JSON."`
}

func (c *searchLsCmd) Run(e *env) error {
	files := []string{c.Dir}
	if !strings.HasSuffix(c.Dir, ".db") && !strings.Contains(c.Dir, "://") {
		var err error
		if files, err = filepath.Glob(filepath.Join(c.Dir, "*.db")); err != nil {
			return err
		}
	}
	var all []searchSummary
	for _, file := range files {
		s, trials, err := (&searchName{file}).read(e)
		if err != nil {
			if !errors.Is(err, store.ErrNoSearch) {
				e.note("%v\n", err)
			}
			continue
		}
		all = append(all, summaryOf(strings.TrimSuffix(file, ".db"), s, trials))
	}
	if c.JSON {
		return e.json(all)
	}
	if len(all) == 0 {
		e.printf("no searches in %s: begin one with: %s\n", shown(c.Dir), e.command("search", "new", "--demo"))
		return nil
	}
	rows := [][]string{{"SEARCH", "SPACE", "STRATEGY", "DONE", "OF", "FAILED", "RUNNING", "BEST", "MACS", "LEFT"}}
	for _, s := range all {
		best, macs, left := "–", "", ""
		if s.Best != nil {
			best, macs = inPercent(s.Best.Score), millions(s.Best.MACs)
		}
		if s.LeftS > 0 {
			left = formatSeconds(s.LeftS)
		}
		rows = append(rows, []string{s.Search, s.Space, s.Strategy, strconv.Itoa(s.Done), strconv.Itoa(s.Trials), strconv.Itoa(s.Failed), strconv.Itoa(s.Running), best, macs, left})
	}
	return e.table(rows, "LEFT", "MACS", "FAILED")
}

type searchShowCmd struct {
	searchName
	Trial int  `arg:"" optional:"" default:"-1" help:"The number of a trial."`
	All   bool `help:"List all trials."`
	JSON  bool `name:"json" help:"Print JSON."`
}

// choiceView is a decision and what was chosen.
type choiceView struct {
	Decision string `json:"decision"`
	Option   string `json:"option"`
}

// trialDetail is a trial with all there is to say of it.
type trialDetail struct {
	searchTrial
	Choices []choiceView `json:"choices"`
}

func (c *searchShowCmd) Run(e *env) error {
	s, all, err := c.read(e)
	if err != nil {
		return err
	}
	if c.Trial >= 0 {
		t, err := trialOf(all, c.Trial)
		if err != nil {
			return err
		}
		d := trialDetail{searchTrial: viewOf(s, t)}
		for i, decision := range s.Space.Decisions() {
			d.Choices = append(d.Choices, choiceView{decision.Name, decision.Options[t.Arch[i]]})
		}
		if c.JSON {
			return e.json(d)
		}
		return d.print(e)
	}
	sum := summaryOf(c.Search, s, all)
	other, err := besides(e, s, c.Search, "")
	if err != nil {
		return err
	}
	sum.with(all, other)
	if c.JSON && c.All {
		views := make([]searchTrial, len(all))
		for i, t := range all {
			views[i] = viewOf(s, t)
		}
		return e.json(views)
	}
	if c.JSON {
		return e.json(sum)
	}
	sum.lines(e)
	if c.All && len(all) > 0 {
		e.printf("\n")
		return e.table(trialTable(s, all), "ARCHITECTURE", "TIME", "PARAMS")
	}
	return nil
}

func (d *trialDetail) print(e *env) error {
	e.printf("trial %d: %s, %s\n", d.Number, d.Network, d.State)
	if d.State == string(store.Done) {
		e.printf("score: %s after %s\n", inPercent(d.Score), plural(d.Epochs, "epoch"))
	}
	if d.Error != "" {
		e.printf("error: %s\n", d.Error)
	}
	e.printf("cost: %s multiply-adds, %s parameters, %s bytes of activations\n", thousands(d.MACs), thousands(d.Params), thousands(d.Activations))
	if d.Parent >= 0 {
		e.printf("from: trial %d\n", d.Parent)
	}
	if d.Run != "" {
		e.printf("run: %s\n", d.Run)
	}
	e.printf("\n")
	rows := [][]string{{"DECISION", "CHOICE"}}
	for _, c := range d.Choices {
		rows = append(rows, []string{c.Decision, c.Option})
	}
	return e.table(rows)
}

type searchTopCmd struct {
	theSearch
	N     int    `short:"n" default:"10" placeholder:"N" help:"How many."`
	Under amount `placeholder:"MACS" help:"Of networks of at most so many multiply-adds, such as 30M."`
	Front bool   `help:"Only those that no cheaper network is as good as."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

func (c *searchTopCmd) Run(e *env) error {
	s, all, err := c.read(e)
	if err != nil {
		return err
	}
	best := bestOf(all)
	best = slices.DeleteFunc(best, func(t store.Trial) bool { return c.Under > 0 && viewOf(s, t).MACs > int64(c.Under) })
	if c.Front {
		front := paretoFront(s, best)
		best = slices.DeleteFunc(best, func(t store.Trial) bool { return !front[t.Number] })
	}
	best = best[:min(max(c.N, 0), len(best))]
	if c.JSON {
		views := make([]searchTrial, len(best))
		for i, t := range best {
			views[i] = viewOf(s, t)
		}
		return e.json(views)
	}
	if len(best) == 0 {
		e.printf("no trial of that kind has a score\n")
		return nil
	}
	return e.table(trialTable(s, best), "ARCHITECTURE", "TIME", "PARAMS")
}

type searchWatchCmd struct {
	theSearch
	Every time.Duration `default:"2s" help:"How often to look."`
	Once  bool          `help:"Look once, and stop."`
	JSON  bool          `name:"json" help:"Print one JSON object a look."`
}

func (c *searchWatchCmd) Run(e *env) error {
	if c.Every < 100*time.Millisecond {
		return usagef("--every %s: at least 100ms", c.Every)
	}
	_, tty := terminal(e.stdout)
	for {
		s, all, err := c.read(e)
		if err != nil {
			return err
		}
		other, err := besides(e, s, c.Search, "")
		if err != nil {
			return err
		}
		sum := summaryOf(c.Search, s, all)
		sum.with(all, other)
		if c.JSON {
			err = e.jsonLine(sum)
		} else {
			if tty && !c.Once {
				e.printf("%s", styled("\x1b[H\x1b[2J"))
			}
			err = c.look(e, s, &sum, all, other)
		}
		if err != nil || c.Once || sum.over() {
			return err
		}
		select {
		case <-e.ctx.Done():
			return e.ctx.Err()
		case <-time.After(c.Every):
		}
	}
}

// look prints where the search stands: the front, and the last trials.
func (c *searchWatchCmd) look(e *env, s *search.Search, sum *searchSummary, all []store.Trial, other *beside) error {
	sum.lines(e)
	best := bestOf(all)
	front := paretoFront(s, best)
	best = slices.DeleteFunc(best, func(t store.Trial) bool { return !front[t.Number] })
	if len(best) > 0 {
		e.printf("\nfront:\n")
		if err := e.table(trialTable(s, best[:min(len(best), 8)]), "ARCHITECTURE", "TIME", "PARAMS"); err != nil {
			return err
		}
	}
	last, running := recent(s, all, false)
	if other != nil {
		more, run := recent(other.search, other.trials, true)
		last, running = append(last, more...), append(running, run...)
	}
	slices.SortStableFunc(last, func(a, b event) int { return b.at.Compare(a.at) })
	if len(last) > 0 {
		e.printf("\nlast:\n")
	}
	for _, ev := range append(last[:min(len(last), 5)], running...) {
		e.printf("  %s\n", ev.text)
	}
	e.printf("seen at %s\n", time.Now().Format("15:04:05"))
	return nil
}

// event is what is told of a trial, and when that was.
type event struct {
	at   time.Time
	text string
}

// recent tells of trials that have ended, and of those that run.
func recent(s *search.Search, all []store.Trial, random bool) (ended, running []event) {
	for _, t := range all {
		v := viewOf(s, t)
		v.Random = random
		switch {
		case t.State == store.Running:
			running = append(running, event{t.Started, fmt.Sprintf("%s runs for %s on %s", v.whose(), formatDuration(time.Since(t.Started)), t.Worker)})
		case !t.Finished.IsZero():
			ended = append(ended, event{t.Finished, v.short()})
		}
	}
	return ended, running
}
