package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
)

// searchCmd finds networks.
type searchCmd struct {
	New     searchNewCmd     `cmd:"" help:"Begin a search: what to choose from, how, and on which images."`
	Run     searchRunCmd     `cmd:"" help:"Run the trials of a search, or what is left of them."`
	Worker  searchWorkerCmd  `cmd:"" help:"Join a search that others run, here or on other machines."`
	Finish  searchFinishCmd  `cmd:"" help:"Train the best again, beside others of the same cost, and judge them on the test images."`
	Ls      searchLsCmd      `cmd:"" help:"List the searches of a folder."`
	Show    searchShowCmd    `cmd:"" help:"Show a search, or one of its trials."`
	Top     searchTopCmd     `cmd:"" help:"List the best networks found."`
	Watch   searchWatchCmd   `cmd:"" help:"Follow a search that runs."`
	Plot    searchPlotCmd    `cmd:"" help:"Draw score over multiply-adds, or the best score over the trials."`
	Report  searchReportCmd  `cmd:"" help:"Write a report as one HTML file, also of a search that runs."`
	Export  searchExportCmd  `cmd:"" help:"Write a network's file, or all trials as CSV, JSON or Optuna's journal."`
	Retry   searchRetryCmd   `cmd:"" help:"Let trials that failed run again."`
	Ask     searchAskCmd     `cmd:"" help:"Take a trial for another program to train, as JSON."`
	Tell    searchTellCmd    `cmd:"" help:"Record what came of a trial that was asked for."`
	Latency searchLatencyCmd `cmd:"" help:"Time the blocks of a space on this machine, to predict and limit how long networks take."`
	Spaces  searchSpacesCmd  `cmd:"" help:"List the spaces that can be searched, or write one as TOML."`
	Bench   searchBenchCmd   `cmd:"" help:"Try the strategies on a table of networks and their scores."`
}

// Help explains what a search is named by.
func (c *searchCmd) Help() string {
	return `A search is a file, NAME.db, or a PostgreSQL database for many machines (postgres://USER:PASSWORD@HOST/DATABASE). It sees
training images only: nine in ten train the networks, one in ten scores them.

  mixnet search new --demo && mixnet search run`
}

// searchName is the search that a command works on.
type searchName struct {
	Search string `arg:"" help:"The search: a name, its .db file, or an address that begins with postgres://. NAME:random is the random search beside it."`
}

// theSearch is the search that a command works on, by default the only one here.
type theSearch struct {
	Search string `arg:"" optional:"" help:"The search: a name, its .db file, or an address that begins with postgres://. NAME:random is the random search beside it. Default: the only one of this folder."`
}

// AfterApply settles which search that is.
func (c *theSearch) AfterApply() error {
	if c.Search != "" {
		return nil
	}
	files, err := filepath.Glob("*.db")
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".db")
	}
	switch {
	case err != nil:
		return err
	case len(files) == 0:
		return usagef("which search? There is none in this folder; \"search new\" begins one")
	case len(files) > 1:
		return usagef("which search? There are %s", words(files))
	}
	c.Search = files[0]
	return nil
}

func (c *theSearch) open(e *env, readOnly bool) (*store.Store, *search.Search, error) {
	return (&searchName{c.Search}).open(e, readOnly)
}

func (c *theSearch) read(e *env) (*search.Search, []store.Trial, error) {
	return (&searchName{c.Search}).read(e)
}

// searchPath returns the file or the address of a search, and of the random
// search beside it.
func searchPath(name string) string {
	name = strings.TrimSuffix(name, randomSuffix)
	if strings.Contains(name, "://") || strings.HasSuffix(name, ".db") {
		return name
	}
	return name + ".db"
}

// shown is a search's name as it may be told: without a password.
func shown(name string) string {
	if u, err := url.Parse(name); err == nil && strings.Contains(name, "://") {
		return u.Redacted()
	}
	return name
}

// open opens the search, which is there.
func (c *searchName) open(e *env, readOnly bool) (*store.Store, *search.Search, error) {
	return openSearch(e.ctx, e, c.Search, readOnly)
}

func openSearch(ctx context.Context, e *env, name string, readOnly bool) (*store.Store, *search.Search, error) {
	path := searchPath(name)
	if !strings.Contains(path, "://") && !exists(path) {
		return nil, nil, fmt.Errorf("%w: %s: begin one with %q", store.ErrNoSearch, path, e.command("search", "new", strings.TrimSuffix(filepath.Base(path), ".db")))
	}
	db, err := store.Open(ctx, path, readOnly)
	if err != nil {
		return nil, nil, err
	}
	if strings.HasSuffix(name, randomSuffix) {
		db = db.Beside()
	}
	s, err := db.Search(ctx)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", shown(name), err), db.Close())
	}
	loaded, err := search.Load(s)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, loaded, nil
}

// read returns a search and its trials, without holding up who works on it.
func (c *searchName) read(e *env) (*search.Search, []store.Trial, error) {
	db, s, err := c.open(e, true)
	if err != nil {
		return nil, nil, err
	}
	all, err := db.Trials(e.ctx)
	return s, all, errors.Join(err, db.Close())
}

// amount is a number that may end in K, M or G.
type amount int64

// UnmarshalText reads such as 30M.
func (c *amount) UnmarshalText(text []byte) error {
	s, unit := strings.ToUpper(string(text)), 1.0
	for suffix, factor := range map[string]float64{"K": 1e3, "M": 1e6, "G": 1e9} {
		if cut, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = cut, factor
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v*unit < math.MaxInt64/2) {
		return fmt.Errorf("%q: want a number such as 30M", text)
	}
	*c = amount(math.Round(v * unit))
	return nil
}

// number finds a trial.
func trialOf(all []store.Trial, number int) (store.Trial, error) {
	if number < 0 || number >= len(all) {
		return store.Trial{}, fmt.Errorf("%w: %d: there are %s, from 0", store.ErrTrial, number, plural(len(all), "trial"))
	}
	return all[number], nil
}

// isFile reports whether something is there that a new file would replace.
func isFile(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
