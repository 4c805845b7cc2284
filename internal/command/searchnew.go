package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/near"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/spacefile"
	"github.com/mixnet-go/mixnet/nas/store"
)

type searchNewCmd struct {
	Name     string `arg:"" optional:"" help:"A name for the search, whose file is NAME.db, or an address that begins with postgres://."`
	Demo     bool   `help:"A small search on the built-in Fashion-MNIST subset, with all that belongs to it in 15 minutes of two cores: 16 networks of at most 6M multiply-adds, 4 epochs of 2,000 images each; 8 epochs where they are judged."`
	Space    string `default:"mixnet-small" placeholder:"NAME|FILE" help:"What to choose from: a space of \"mixnet search spaces\", or a TOML file."`
	Strategy string `default:"predictor" placeholder:"NAME" help:"What proposes networks: random, evolution, local, predictor, tpe, supernet, reinforce or paths."`
	Trials   int    `default:"50" placeholder:"N" help:"Networks to train."`
	Epochs   int    `default:"8" placeholder:"N" help:"Epochs of a trial."`
	Rungs    []int  `placeholder:"N,..." help:"Successive halving: train for the first number of epochs, and the best third on to the next, such as 2,6,18. In place of --epochs."`
	supernetFlags
	latencyFlags
	judgeFlags
	Data      string   `short:"d" placeholder:"DIR" help:"The images, as for train. Default: the built-in Fashion-MNIST subset."`
	Images    int      `placeholder:"N" help:"Train on so many of the training images only."`
	Size      int      `placeholder:"PX" help:"Size of the networks' input. Default: the images', or the space's where they are larger."`
	MaxMacs   amount   `placeholder:"N" help:"Most multiply-adds of a network, such as 30M."`
	MinMacs   amount   `placeholder:"N" help:"Least multiply-adds of a network."`
	MaxParams amount   `placeholder:"N" help:"Most parameters."`
	MaxMemory amount   `placeholder:"BYTES" help:"Most memory for activations of one image, such as 2M."`
	Keep      int      `default:"5" placeholder:"N" help:"Keep the weights of the N best."`
	Dir       string   `placeholder:"DIR" help:"Folder for the runs. Default: NAME.runs."`
	Seed      uint64   `default:"0" placeholder:"N" help:"Seed of proposals, of the images held out, and of weights."`
	Recipe    string   `default:"small" placeholder:"NAME|FILE" help:"How networks are trained, as for train."`
	Set       []string `placeholder:"KEY=VALUE" sep:"none" help:"Change a setting of the recipe, such as batch=128. May be repeated."`
	JSON      bool     `name:"json" help:"Print JSON."`
}

// searchWord is what a search may be called.
var searchWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

func (c *searchNewCmd) Run(e *env) error {
	if c.Demo {
		c.demo(e)
	}
	if err := c.check(); err != nil {
		return err
	}
	s, settings, err := c.plan(e)
	if err != nil {
		return err
	}
	if s.Settings, err = json.Marshal(settings); err != nil {
		return err
	}
	loaded, err := search.Load(s)
	if err != nil {
		return err
	}
	if err := c.judgeFlags.comparable(e, loaded); err != nil {
		return err
	}
	if c.Learn != "" {
		if _, _, err := loaded.Space.Choices(); err != nil {
			return usagef("--learn: %v", err)
		}
	}
	if _, err := loaded.Propose(&nas.History{}); errors.Is(err, nas.ErrExhausted) {
		return usagef("no network of the space %s was found within the limits: allow more", loaded.Space.Name())
	} else if err != nil {
		return err
	}
	db, err := store.Open(e.ctx, searchPath(c.Name), false)
	if err != nil {
		return err
	}
	err = db.Create(e.ctx, s)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("%s: %w", shown(searchPath(c.Name)), err)
	}
	if c.JSON {
		return e.json(summaryOf(c.Name, loaded, nil))
	}
	e.printf("%s: %s of the space %s (%d decisions), %s\n", shown(searchPath(c.Name)), plural(s.Trials, "network"), loaded.Space.Name(), len(loaded.Space.Decisions()), limitsText(settings.Limits))
	if text := protocolText(&settings); text != "" {
		e.printf("%s\n", text)
	}
	e.printf("Next:\n  %s\n", e.command("search", "run", c.Name))
	return nil
}

// demo sets what --demo means, but for what is given.
func (c *searchNewCmd) demo(e *env) {
	if c.Name == "" {
		c.Name = "demo"
	}
	if !slices.Contains(e.given, "trials") {
		c.Trials = 16
	}
	if c.MaxMacs == 0 {
		c.MaxMacs = 6e6
	}
	if !slices.Contains(e.given, "epochs") {
		c.Epochs = 4
	}
	if !slices.Contains(e.given, "images") {
		c.Images = 2000
	}
	if !slices.Contains(e.given, "judge-epochs") {
		c.JudgeEpochs = 8
	}
}

func (c *searchNewCmd) check() error {
	names, _ := nas.Strategies()
	switch {
	case c.Name == "":
		return usagef("a name for the search is missing")
	case !strings.Contains(c.Name, "://") && !searchWord.MatchString(strings.TrimSuffix(filepath.Base(c.Name), ".db")):
		return usagef("%q: a search is named by letters, digits, _ . and -", c.Name)
	case !strings.Contains(c.Name, "://") && isFile(searchPath(c.Name)):
		return fmt.Errorf("%w: %s: continue it with %q, or choose another name", store.ErrExists, searchPath(c.Name), "search run "+c.Name)
	case !slices.Contains(names, c.Strategy):
		advice := "want " + words(names)
		if close := near.Words(c.Strategy, names); len(close) > 0 {
			advice = "did you mean " + close[0] + "?"
		}
		return usagef("no strategy %q: %s", c.Strategy, advice)
	case c.Trials < 1 || c.Trials > 1e6:
		return usagef("--trials %d: between 1 and 1,000,000", c.Trials)
	case c.Epochs < 1:
		return usagef("--epochs %d: at least 1", c.Epochs)
	case c.Keep < 1:
		return usagef("--keep %d: at least 1", c.Keep)
	case c.Images < 0 || c.Size < 0:
		return usagef("--images and --size are at least 1")
	}
	for i, n := range c.Rungs {
		if n < 1 || i > 0 && n <= c.Rungs[i-1] {
			return usagef("--rungs: want numbers of epochs that grow, such as 2,6,18")
		}
	}
	return errors.Join(c.supernetFlags.check(c.Strategy, c.Rungs), c.judgeFlags.check())
}

// plan settles the search: its space is made for the classes and the size of the
// images.
func (c *searchNewCmd) plan(e *env) (store.Search, search.Settings, error) {
	flags := recipeFlags{Recipe: c.Recipe, Set: c.Set}
	settings := search.Settings{
		Data: c.Data, Images: c.Images, Rungs: c.Rungs, Keep: c.Keep, Dir: c.Dir,
		Limits: nas.Limits{MACs: int64(c.MaxMacs), MinMACs: int64(c.MinMacs), Params: int64(c.MaxParams), Activations: int64(c.MaxMemory), Latency: c.MaxLatency.Seconds()},
	}
	name := strings.TrimSuffix(filepath.Base(c.Name), ".db")
	s := store.Search{Name: name, Strategy: c.Strategy, Seed: c.Seed, Trials: c.Trials, Fidelity: c.Epochs}
	if settings.Supernet = c.supernetFlags.settings(c.Strategy, c.Epochs); settings.Supernet != nil {
		s.Trials += settings.Supernet.Scored
	}
	var err error
	if settings.Recipe, err = flags.recipe(0); err != nil {
		return s, settings, err
	}
	if settings.Recipe.Pretrained {
		return s, settings, usagef("the recipe %s is for pretrained weights", c.Recipe)
	}
	settings.Recipe.Patience, settings.Recipe.Fit.Steps = 0, 0 // trials are all as long
	if err := c.judgeFlags.settings(e, c.Strategy, &settings); err != nil {
		return s, settings, err
	}
	roles, err := holdOut(e, &settings, c.Seed)
	if err != nil {
		return s, settings, err
	}
	if batch := settings.Recipe.Batch; batch > roles.Fit.Len() {
		return s, settings, usagef("the recipe's batch of %d is larger than the %s: --set batch=N", batch, plural(roles.Fit.Len(), "training image"))
	}
	space, err := spacefile.Lookup(c.Space)
	if err != nil {
		return s, settings, usageError{err}
	}
	table, err := search.Adapt(space.Table, roles.Fit, inputSize(c.Size, space, roles.Fit))
	if err != nil {
		return s, settings, err
	}
	s.Space = string(spacefile.Encode(table))
	if settings.Latency, err = c.latencyFlags.table(table); err != nil {
		return s, settings, err
	}
	if settings.Dir == "" {
		settings.Dir = strings.TrimSuffix(c.Name, ".db") + ".runs"
		if strings.Contains(c.Name, "://") {
			settings.Dir = "search.runs"
		}
	}
	if settings.Data != "" {
		settings.Data, err = filepath.Abs(settings.Data)
	}
	if err == nil {
		settings.Dir, err = filepath.Abs(settings.Dir)
	}
	return s, settings, err
}

// inputSize returns the size of the networks' input: what is asked for, or the
// images', which are to be no larger than the space's.
func inputSize(asked int, space *nas.TableSpace, d data.Dataset) int {
	if asked > 0 {
		return asked
	}
	h, w := pictureSize(d)
	if side := min(h, w) / 4 * 4; side > 0 && side < space.Base.Input.WithDefaults().Size[0] {
		return side
	}
	return 0
}

// holdOut opens the images of a search.
func holdOut(e *env, s *search.Settings, seed uint64) (data.Roles, error) {
	splits, err := e.openData(s.Data)
	if err != nil {
		return data.Roles{}, err
	}
	e.tell(splits)
	roles, err := s.Hold(splits, seed)
	if err != nil {
		return roles, fmt.Errorf("%s: %w", source(s.Data), err)
	}
	return roles, nil
}

// limitsText says what networks may take.
func limitsText(l nas.Limits) string {
	var parts []string
	for _, limit := range []struct {
		n    int64
		text string
	}{{l.MACs, "at most %s multiply-adds"}, {l.MinMACs, "at least %s multiply-adds"}, {l.Params, "at most %s parameters"}, {l.Activations, "at most %s bytes of activations"}} {
		if limit.n > 0 {
			parts = append(parts, fmt.Sprintf(limit.text, millions(limit.n)))
		}
	}
	if l.Latency > 0 {
		parts = append(parts, "at most "+seconds(l.Latency)+" an image")
	}
	if len(parts) == 0 {
		return "without limits"
	}
	return strings.Join(parts, ", ")
}

type searchSpacesCmd struct {
	Toml string `name:"toml" placeholder:"NAME" help:"Write the space of that name as a file, to change and give to --space."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// spaceView is a space in JSON.
type spaceView struct {
	Name      string  `json:"name"`
	Title     string  `json:"title"`
	Decisions int     `json:"decisions"`
	Log10     float64 `json:"log10_networks"` // of the number of combinations
	Input     [2]int  `json:"input"`
	Note      string  `json:"note"`
}

func (c *searchSpacesCmd) Run(e *env) error {
	if c.Toml != "" {
		s, err := spacefile.Lookup(c.Toml)
		if err != nil {
			return usageError{err}
		}
		e.printf("%s", string(spacefile.Encode(s.Table)))
		return nil
	}
	var all []spaceView
	for _, name := range nas.Spaces() {
		s, err := nas.Lookup(name)
		if err != nil {
			return err
		}
		all = append(all, spaceView{
			Name: name, Title: s.Base.Title, Decisions: len(s.Decisions()), Log10: logSize(s), Input: s.Base.Input.WithDefaults().Size, Note: s.Base.Note,
		})
	}
	if c.JSON {
		return e.json(all)
	}
	rows := [][]string{{"SPACE", "DECISIONS", "COMBINATIONS", "INPUT", "NOTE"}}
	for _, s := range all {
		rows = append(rows, []string{s.Name, fmt.Sprint(s.Decisions), fmt.Sprintf("10^%.1f", s.Log10), fmt.Sprintf("%d×%d", s.Input[0], s.Input[1]), s.Note})
	}
	return e.table(rows, "NOTE")
}
