package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/experiment"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// experimentCmd repeats the paper's figures.
type experimentCmd struct {
	Ls   experimentLsCmd   `cmd:"" help:"List the experiments."`
	Run  experimentRunCmd  `cmd:"" help:"Run an experiment, or what is left of it, and write its page."`
	Page experimentPageCmd `cmd:"" help:"Write the page of an experiment again, also of one that runs."`
}

// Help explains what a run leaves behind.
func (c *experimentCmd) Help() string {
	return `Each repeats a figure of the MixConv paper: at the paper's scale on ImageNet (--preset paper --data DIR), in at most an hour on small
images (quick), or in seconds to see that it runs (smoke). Trials are kept in a database that several processes may share: the same command
again goes on where it stopped. It leaves a CSV file with a row a trial, the figure beside the paper's, and a page of text.

  mixnet experiment run kernels
  mixnet experiment run kernels --network mine.toml        your own network in the same figure
  mixnet experiment run architectures --network found.db   the best network of a search beside MixNet's
  mixnet experiment page experiments/kernels-quick -o pages  the page again, and a list of all pages in the folder`
}

type experimentLsCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// experimentView is an experiment in JSON.
type experimentView struct {
	Experiment string       `json:"experiment"`
	Title      string       `json:"title"`
	Source     string       `json:"source"`
	About      string       `json:"about"`
	Presets    []presetView `json:"presets"`
}

type presetView struct {
	Preset string `json:"preset"`
	Trials int    `json:"trials"`
}

func (c *experimentLsCmd) Run(e *env) error {
	var all []experimentView
	for _, x := range experiment.List() {
		in, err := (&experimentRunCmd{}).open(e, x, experiment.Preset{})
		if err != nil {
			return err
		}
		v := experimentView{x.Name, x.Title, x.Source, x.About, nil}
		for _, p := range x.Presets() {
			plan, err := experiment.New(x, p, in.fit(), experiment.Options{Targets: in.targets, Sources: in.sources, Classes: max(in.classes(), 1)})
			if err != nil {
				return err
			}
			v.Presets = append(v.Presets, presetView{p.Name, plan.Trials()})
		}
		all = append(all, v)
	}
	if c.JSON {
		return e.json(all)
	}
	rows := [][]string{{"EXPERIMENT", "PAPER", "PRESET", "TRIALS", "ABOUT"}}
	for _, v := range all {
		for _, p := range v.Presets {
			rows = append(rows, []string{v.Experiment, v.Source, p.Preset, strconv.Itoa(p.Trials), v.About})
		}
	}
	return e.table(rows, "ABOUT")
}

type experimentRunCmd struct {
	Name    string        `arg:"" help:"The experiment, of \"mixnet experiment ls\"."`
	Preset  string        `short:"p" default:"quick" enum:"paper,quick,smoke" help:"Its size: paper, quick or smoke."`
	Data    []string      `short:"d" placeholder:"[NAME=]DIR" sep:"none" help:"The images, as for train. Default: the built-in Fashion-MNIST subset; the preset paper needs ImageNet. For transfer, a set to transfer to besides that, by a name or its folder's; of labels with boxes, what the boxes hold. May be repeated there."`
	Weights []string      `placeholder:"[NAME=]FILE" sep:"none" help:"For transfer: trained networks to start from, as --model of other commands, in place of the preset's. May be repeated."`
	Offline bool          `env:"MIXNET_OFFLINE" help:"Never use the internet: weights must be in the cache."`
	Output  string        `short:"o" placeholder:"DIR" help:"Folder for the page, the figures, the CSV file, the database and the runs. Default: experiments/NAME-PRESET."`
	DB      string        `name:"db" placeholder:"ADDRESS" help:"A PostgreSQL database for several machines (postgres://…). Default: a file in the folder."`
	Network []string      `placeholder:"FILE" help:"A network file of your own, or the .db file or address of a search for its best network, as a further row of the figure. May be repeated."`
	Seeds   int           `placeholder:"N" help:"Seeds of every network. Default: the preset's."`
	Epochs  int           `placeholder:"N" help:"Epochs of every trial. Default: the preset's."`
	Seed    uint64        `default:"0" placeholder:"N" help:"The first seed."`
	Set     []string      `placeholder:"KEY=VALUE" sep:"none" help:"Change a setting of the recipe, such as batch=128. May be repeated."`
	Workers int           `short:"w" default:"0" placeholder:"N" help:"Networks to train at the same time, each in one thread; 0 means one for every core."`
	Lease   time.Duration `default:"2m" help:"For how long a trial is left to a process that does not answer, before another does it. Default: ${default}."`
	JSON    bool          `name:"json" help:"Print JSON."`
}

// folder is where an experiment is kept.
func (c *experimentRunCmd) folder() string {
	if c.Output != "" {
		return c.Output
	}
	return filepath.Join("experiments", c.Name+"-"+c.Preset)
}

// target is the database of a folder.
func target(db, folder string) string {
	if db != "" {
		return db
	}
	return filepath.Join(folder, "trials.db")
}

func (c *experimentRunCmd) Run(e *env) error {
	if c.Workers < 0 || c.Workers > 256 || c.Seeds < 0 || c.Epochs < 0 {
		return usagef("--workers, --seeds and --epochs: want 0 or more, and at most 256 workers")
	}
	if c.Lease < time.Second || c.Lease > 24*time.Hour {
		return usagef("--lease %s: a second to a day", c.Lease)
	}
	x, err := experiment.Lookup(c.Name)
	if err != nil {
		return usageError{err}
	}
	preset, err := x.Preset(c.Preset)
	if err != nil {
		return usageError{err}
	}
	in, err := c.open(e, x, preset)
	if err != nil {
		return err
	}
	plan, db, err := c.begin(e, x, preset, in)
	if err != nil {
		return err
	}
	defer db.Close()
	trainer, err := in.trainer(plan)
	if err != nil {
		return err
	}
	if trainer.Load = c.loadWeights(e); in.judges {
		err = retryFailed(e, db)
	}
	if err != nil {
		return err
	}
	if err := c.work(e, plan, db, trainer); err != nil {
		return err
	}
	trials, err := db.Trials(e.ctx)
	if err != nil {
		return err
	}
	page, err := writeExperiment(recordOf(plan, trials, ""), trials, c.folder())
	if err != nil {
		return err
	}
	return page.show(e, c.JSON)
}

// given is what was asked for beside the preset and shapes the result.
func (c *experimentRunCmd) given() []string {
	var words []string
	add := func(flag, value string) { words = append(words, flag, value) }
	for _, v := range []struct {
		flag   string
		values []string
	}{{"--data", c.Data}, {"--weights", c.Weights}, {"--network", c.Network}} {
		for _, value := range v.values {
			add(v.flag, portable(value))
		}
	}
	if c.Seeds > 0 {
		add("--seeds", strconv.Itoa(c.Seeds))
	}
	if c.Epochs > 0 {
		add("--epochs", strconv.Itoa(c.Epochs))
	}
	if c.Seed > 0 {
		add("--seed", strconv.FormatUint(c.Seed, 10))
	}
	for _, set := range c.Set {
		add("--set", set)
	}
	return words
}

// portable is [NAME=]PATH for whoever has the file elsewhere: of a path from the
// root its last part.
func portable(arg string) string {
	name, path := splitNamed(arg)
	if filepath.IsAbs(path) {
		path = filepath.Base(path)
	}
	if name != "" {
		return name + "=" + path
	}
	return path
}

// ownNetwork reads a network file, or takes the best of a search.
func ownNetwork(e *env, name string) (zoo.Network, error) {
	if strings.HasSuffix(name, ".db") || strings.Contains(name, "://") {
		return bestFound(e, name)
	}
	spec, err := netfile.Lookup(name)
	if err != nil {
		return zoo.Network{}, err
	}
	n, ok := spec.(zoo.Network)
	if !ok {
		return n, usagef("%s is no table of inverted residuals", name)
	}
	return n, nil
}

// bestFound is the best network of a search so far.
func bestFound(e *env, name string) (zoo.Network, error) {
	s, all, err := (&searchName{Search: name}).read(e)
	if err != nil {
		return zoo.Network{}, err
	}
	best := bestOf(all)
	if len(best) == 0 {
		return zoo.Network{}, fmt.Errorf("%s: no trial of the search is done yet", name)
	}
	n, err := s.Space.Network(best[0].Arch)
	n.Name = fmt.Sprintf("%s_%d", s.Name, best[0].Number)
	n.Title = fmt.Sprintf("Search %s, trial %d", s.Name, best[0].Number)
	return n, err
}

// begin makes the plan and its database, or reads those that are there.
func (c *experimentRunCmd) begin(e *env, x experiment.Experiment, preset experiment.Preset, in *experimentInput) (*experiment.Plan, *store.Store, error) {
	o := experiment.Options{Data: in.data, Seed: c.Seed, Seeds: c.Seeds, Epochs: c.Epochs, Set: c.Set, Targets: in.targets, Sources: in.sources, Classes: in.classes(), Given: c.given(), Version: version()}
	for _, file := range c.Network {
		n, err := ownNetwork(e, file)
		if err != nil {
			return nil, nil, err
		}
		o.Own = append(o.Own, n)
	}
	var err error
	if o.Dir, err = filepath.Abs(filepath.Join(c.folder(), "runs")); err != nil {
		return nil, nil, err
	}
	plan, err := experiment.New(x, preset, in.fit(), o)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range plan.Omitted() {
		e.note("left out: %s\n", l.String())
	}
	s, err := plan.Search()
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(c.folder(), 0o777); err != nil {
		return nil, nil, err
	}
	db, err := store.Open(e.ctx, target(c.DB, c.folder()), false)
	if err != nil {
		return nil, nil, err
	}
	if err = db.Create(e.ctx, s); errors.Is(err, store.ErrExists) {
		plan, err = c.resume(e, db, plan)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", target(c.DB, c.folder()), err), db.Close())
	}
	return plan, db, nil
}

// resume reads the plan that is there, which must be the one asked for.
func (c *experimentRunCmd) resume(e *env, db *store.Store, asked *experiment.Plan) (*experiment.Plan, error) {
	s, err := db.Search(e.ctx)
	if err != nil {
		return nil, err
	}
	plan, err := experiment.Load(s)
	if err != nil {
		return nil, err
	}
	if what := plan.Differs(asked); what != "" {
		return nil, fmt.Errorf("it was begun with other settings (%s): give the same, or another --output", what)
	}
	return plan, nil
}
