package command

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/train"
)

type searchRunCmd struct {
	searchName
	Workers int    `short:"w" default:"0" placeholder:"N" help:"Networks to train at the same time, each in one thread; 0 means one for every core."`
	Trials  int    `placeholder:"N" help:"Change how many networks the search is to have in all."`
	Report  string `placeholder:"FILE" help:"Write the report there in the end. Default: NAME.html beside the search's file; none for PostgreSQL."`
	JSON    bool   `name:"json" help:"Print one JSON object a line: every trial that ended, then the search."`
}

type searchWorkerCmd struct {
	searchName
	Workers int  `short:"w" default:"1" placeholder:"N" help:"Networks to train at the same time, each in one thread."`
	JSON    bool `name:"json" help:"Print one JSON object a line: every trial that ended here, then the search."`
}

func (c *searchRunCmd) Run(e *env) error {
	if c.Workers < 0 || c.Workers > 256 {
		return usagef("--workers %d: between 0 and 256", c.Workers)
	}
	workers := c.Workers
	if workers == 0 {
		workers = e.cores()
	}
	if c.Trials < 0 {
		return usagef("--trials %d: at least 1", c.Trials)
	}
	if c.Trials > 0 {
		db, _, err := c.open(e, false)
		if err != nil {
			return err
		}
		if err := errors.Join(db.Extend(e.ctx, c.Trials), db.Close()); err != nil {
			return err
		}
	}
	if err := work(e, &c.searchName, workers, c.JSON); err != nil {
		return err
	}
	return c.conclude(e)
}

// conclude writes the report and says what can be done with the best network.
func (c *searchRunCmd) conclude(e *env) error {
	s, all, err := c.read(e)
	if err != nil {
		return err
	}
	best := bestOf(all)
	path := c.Report
	if path == "" && len(best) > 0 {
		path = reportPath(c.Search)
	}
	if path != "" {
		if err := writeSearchReport(s, c.Search, all, nil, path); err != nil {
			return err
		}
	}
	if c.JSON || len(best) == 0 {
		return nil
	}
	if path != "" {
		e.printf("report: %s\n", path)
	}
	e.printf("Next:\n  %s\n  %s\n", e.command("search", "top", c.Search), e.command("search", "export", c.Search, fmt.Sprint(best[0].Number)))
	return nil
}

func (c *searchWorkerCmd) Run(e *env) error {
	if c.Workers < 1 || c.Workers > 256 {
		return usagef("--workers %d: between 1 and 256", c.Workers)
	}
	return work(e, &c.searchName, c.Workers, c.JSON)
}

// work runs workers until the search has its trials.
func work(e *env, name *searchName, workers int, lines bool) error {
	db, s, err := name.open(e, false)
	if err != nil {
		return err
	}
	defer db.Close()
	roles, err := holdOut(e, &s.Settings, s.Seed)
	if err != nil {
		return err
	}
	if !lines {
		e.note("%s train, %s score; test images are not opened\n", plural(roles.Fit.Len(), "image"), plural(roles.Choose.Len(), "image"))
	}
	defer e.hold()()
	v := &searchProgress{e: e, search: s, store: db, lines: lines, bar: e.newProgress("search", "trials", int64(s.Trials)), epochs: map[int]int{}}
	err = e.together(workers, func(ctx context.Context, worker string) error {
		w := search.Worker{
			Store: db, Search: s, Name: worker, Roles: roles, Threads: 1,
			OnEpoch: v.epoch, OnEnd: v.end, OnSupernet: v.supernet, SupernetThreads: workers,
		}
		return w.Run(ctx)
	})
	v.bar.done()
	if e.ctx.Err() != nil {
		e.note("what was begun is saved; continue with: %s\n", e.command("search", "run", name.Search))
	}
	if err != nil {
		return err
	}
	return v.conclude(name.Search)
}

// searchProgress tells of trials as they end.
type searchProgress struct {
	e      *env
	search *search.Search
	store  *store.Store
	lines  bool // of JSON

	mu     sync.Mutex
	bar    *progress
	epochs map[int]int // done of the trials that run here
	ended  []time.Time
	best   float64
}

func (v *searchProgress) epoch(t store.Trial, ep train.Epoch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.epochs[t.Number] = ep.Epoch
	v.bar.update(int64(len(v.ended)), fmt.Sprintf("trial %d, epoch %d of %d: %s", t.Number, ep.Epoch, t.Fidelity, inPercent(ep.Get("top1"))))
}

func (v *searchProgress) end(t store.Trial, o search.Outcome, why error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if why != nil {
		t.State, t.Error = store.Failed, why.Error()
	}
	v.ended = append(v.ended, time.Now())
	row := viewOf(v.search, t)
	row.Outcome = o
	if v.lines {
		// Errors of writing are told in the end.
		_ = v.e.jsonLine(row)
		return
	}
	v.bar.done()
	text := row.short()
	if why == nil && t.Score > v.best {
		v.best = t.Score
		text += "  best so far here"
	}
	if rate := rateOf(append([]time.Time(nil), v.ended...)); rate > 0 {
		text += fmt.Sprintf("  (%.0f an hour)", rate)
	}
	v.e.printf("%s\n", text)
}

// conclude tells where the search stands.
func (v *searchProgress) conclude(name string) error {
	all, err := v.store.Trials(v.e.ctx)
	if err != nil {
		return err
	}
	s, err := v.store.Search(v.e.ctx)
	if err != nil {
		return err
	}
	v.search.Trials = s.Trials
	sum := summaryOf(name, v.search, all)
	if v.lines {
		return v.e.jsonLine(sum)
	}
	sum.lines(v.e)
	return nil
}
