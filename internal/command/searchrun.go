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
	theSearch
	Workers int    `short:"w" default:"0" placeholder:"N" help:"Networks to train at the same time, each in one thread; 0 means one for every core."`
	Trials  int    `placeholder:"N" help:"Change how many networks the search is to have in all."`
	Judge   bool   `default:"true" negatable:"" help:"Judge the best networks when all trials are done, as \"search finish\" does, if the search was begun so."`
	Report  string `placeholder:"FILE" help:"Write the report there in the end. Default: NAME.html beside the search's file; none for PostgreSQL."`
	leaseFlag
	JSON bool `name:"json" help:"Print one JSON object a line: every trial that ended, then the search, then what judged it."`
}

// leaseFlag says how long a dead worker keeps others waiting.
type leaseFlag struct {
	Lease time.Duration `default:"2m" help:"When another worker takes over the trial of one that died."`
}

type searchWorkerCmd struct {
	theSearch
	Workers int `short:"w" default:"1" placeholder:"N" help:"Networks to train at the same time, each in one thread."`
	leaseFlag
	JSON bool `name:"json" help:"Print one JSON object a line: every trial that ended here, then the search."`
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
	if err := work(e, &c.theSearch, workers, c.Lease, c.JSON); err != nil {
		return err
	}
	if err := c.judge(e, workers); err != nil {
		return err
	}
	return c.conclude(e)
}

// judge judges the search when its trials are done, if it was begun so.
func (c *searchRunCmd) judge(e *env, workers int) error {
	s, all, err := c.read(e)
	if err != nil || !c.Judge || s.Settings.Judge == nil || len(bestOf(all)) == 0 {
		return err
	}
	other, err := besides(e, s, c.Search, "")
	if err != nil {
		return err
	}
	sum := summaryOf(c.Search, s, all)
	if sum.with(all, other); !sum.over() {
		e.note("not judged yet: trials of other programs, or of the random search, have not ended\n")
		return nil
	}
	f, err := (&searchFinishCmd{theSearch: c.theSearch, Workers: workers}).finish(e)
	if errors.Is(err, errJudging) {
		e.note("%v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return e.jsonLine(f)
	}
	e.printf("\n")
	if err := f.show(e, false); err != nil {
		return err
	}
	if n := len(all) - f.Trials; n > 0 {
		e.printf("%s ended after that and are not in it\n", plural(n, "trial"))
	}
	e.printf("\n")
	return nil
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
		other, err := besides(e, s, c.Search, "")
		if err != nil {
			return err
		}
		if err := writeSearchReport(s, c.Search, all, other, path); err != nil {
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
	return work(e, &c.theSearch, c.Workers, c.Lease, c.JSON)
}

// work runs workers until the search has its trials, and the random search beside
// it too.
func work(e *env, name *theSearch, workers int, lease time.Duration, lines bool) error {
	if lease < time.Second {
		return usagef("--lease %s: at least a second", lease)
	}
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
	sides := []side{{store: db, search: s}}
	beside, random, err := s.Beside(e.ctx, db)
	if err != nil {
		return err
	}
	total := s.Trials
	if random != nil {
		sides = append(sides, side{store: beside, search: random, random: true})
		total += random.Trials
	}
	defer e.hold()()
	v := &searchProgress{e: e, lines: lines, bar: e.newProgress("search", "trials", int64(total)), best: map[bool]float64{}}
	err = e.together(workers, func(ctx context.Context, worker string) error {
		for _, side := range sides {
			w := search.Worker{
				Store: side.store, Search: side.search, Name: worker, Roles: roles, Threads: 1, Lease: lease, Train: e.of.trial,
				OnEpoch: v.epoch, OnEnd: side.ends(v), OnSupernet: v.supernet, SupernetThreads: workers,
			}
			if err := w.Run(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	v.bar.done()
	if e.ctx.Err() != nil {
		e.note("what was begun is saved; continue with: %s\n", e.command("search", "run", name.Search))
	}
	if err != nil {
		return err
	}
	return v.conclude(name)
}

// side is a search, or the random search beside it.
type side struct {
	store  *store.Store
	search *search.Search
	random bool
}

// ends tells of its trials.
func (s side) ends(v *searchProgress) func(store.Trial, search.Outcome, error) {
	return func(t store.Trial, o search.Outcome, why error) { v.end(s, t, o, why) }
}

// searchProgress tells of trials as they end.
type searchProgress struct {
	e     *env
	lines bool // of JSON

	mu    sync.Mutex
	bar   *progress
	ended []time.Time
	best  map[bool]float64 // of trials that ended here, those of the random search apart
}

func (v *searchProgress) epoch(t store.Trial, ep train.Epoch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bar.update(int64(len(v.ended)), fmt.Sprintf("trial %d, epoch %d of %d: %s", t.Number, ep.Epoch, t.Fidelity, inPercent(ep.Get("top1"))))
}

func (v *searchProgress) end(s side, t store.Trial, o search.Outcome, why error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if why != nil {
		t.State, t.Error = store.Failed, why.Error()
	}
	v.ended = append(v.ended, time.Now())
	row := viewOf(s.search, t)
	row.Outcome, row.Random = o, s.random
	if v.lines {
		// Errors of writing are told in the end.
		_ = v.e.jsonLine(row)
		return
	}
	v.bar.done()
	text := row.short()
	if why == nil && t.Score > v.best[s.random] {
		v.best[s.random] = t.Score
		text += "  best so far here"
	}
	if rate := rateOf(append([]time.Time(nil), v.ended...)); rate > 0 {
		text += fmt.Sprintf("  (%.0f an hour)", rate)
	}
	v.e.printf("%s\n", text)
}

// conclude tells where the search stands.
func (v *searchProgress) conclude(name *theSearch) error {
	s, all, err := name.read(v.e)
	if err != nil {
		return err
	}
	other, err := besides(v.e, s, name.Search, "")
	if err != nil {
		return err
	}
	sum := summaryOf(name.Search, s, all)
	sum.with(all, other)
	if v.lines {
		return v.e.jsonLine(sum)
	}
	sum.lines(v.e)
	return nil
}
