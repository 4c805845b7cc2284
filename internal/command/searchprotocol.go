package command

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/zoo"
)

// judgeFlags say what a search is compared with, and how that is judged.
type judgeFlags struct {
	Random      string `default:"own" placeholder:"own|none|SEARCH" help:"The random search of equal cost beside it: one of its own, none, or that of another search of the same images and recipe, which holds the same images out."`
	Judge       bool   `default:"true" negatable:"" help:"When the trials are done, let \"search run\" train the best again from scratch beside networks of the same cost, and judge them on the test images."`
	Top         int    `default:"5" placeholder:"N" help:"How many of the best are trained again."`
	Seeds       int    `default:"3" placeholder:"N" help:"Trainings of each, with seeds of their own."`
	JudgeEpochs int    `default:"15" placeholder:"N" help:"Epochs of each."`
	Handmade    string `default:"mixnet_tiny" placeholder:"NAME" help:"The network of the zoo that they are compared with, scaled to the same multiply-adds."`
}

func (c *judgeFlags) check() error {
	if c.Top < 1 || c.Seeds < 1 || c.JudgeEpochs < 1 {
		return usagef("--top, --seeds and --judge-epochs are at least 1")
	}
	spec, err := zoo.Lookup(c.Handmade)
	if err != nil {
		return usageError{err}
	}
	if _, ok := spec.(zoo.Network); !ok {
		return usagef("--handmade %s: the network has no widths to scale", c.Handmade)
	}
	return nil
}

// settings sets what the flags say.
func (c *judgeFlags) settings(e *env, strategy string, s *search.Settings) error {
	if c.Judge {
		s.Judge = &search.Judge{Top: c.Top, Seeds: c.Seeds, Epochs: c.JudgeEpochs, Handmade: c.Handmade}
	}
	switch {
	case c.Random == "none" || strategy == "random" && c.Random == search.Own:
		return nil
	case c.Random == search.Own:
		s.Random = search.Own
		return nil
	}
	other, err := c.shared(e)
	if err != nil {
		return err
	}
	seed := other.search.SplitSeed()
	s.Random, s.Split = other.name, &seed
	return nil
}

// shared opens the random search of another search, or one that is at random
// itself.
func (c *judgeFlags) shared(e *env) (*beside, error) {
	name := c.Random
	if !strings.Contains(name, "://") {
		path, err := filepath.Abs(strings.TrimSuffix(name, randomSuffix))
		if err != nil {
			return nil, err
		}
		name = path + name[len(strings.TrimSuffix(name, randomSuffix)):]
	}
	s, all, err := (&searchName{name}).read(e)
	if err != nil {
		return nil, fmt.Errorf("--random: %w", err)
	}
	if s.Strategy != "random" {
		other, err := besides(e, s, name, "")
		if err == nil && other == nil {
			err = fmt.Errorf("--random %s: it has no random search beside it yet: run it first", c.Random)
		}
		return other, err
	}
	return &beside{name, s, all}, nil
}

// comparable reports what keeps a shared random search from being one of equal
// cost.
func (c *judgeFlags) comparable(e *env, s *search.Search) error {
	if s.Settings.Random == "" || s.Settings.Random == search.Own {
		return nil
	}
	other, err := c.shared(e)
	if err != nil {
		return err
	}
	if what := s.Differs(other.search); what != "" {
		return usagef("--random %s: it has another %s", c.Random, what)
	}
	if s.Trials != other.search.Trials || s.Fidelity != other.search.Fidelity {
		return usagef("--random %s: it has %s of %s, this search %s of %s", c.Random, plural(other.search.Trials, "trial"),
			plural(other.search.Fidelity, "epoch"), plural(s.Trials, "trial"), plural(s.Fidelity, "epoch"))
	}
	return nil
}

// protocolText says what a search will be compared with; "" for nothing.
func protocolText(s *search.Settings) string {
	var parts []string
	switch s.Random {
	case "":
	case search.Own:
		parts = append(parts, "as many at random beside it")
	default:
		parts = append(parts, "beside "+shown(s.Random))
	}
	if j := s.Judge; j != nil {
		parts = append(parts, fmt.Sprintf("then the best %d and networks of the same cost are trained again, %s of %s each, and judged", j.Top, plural(j.Seeds, "seed"), plural(j.Epochs, "epoch")))
	}
	return strings.Join(parts, "; ")
}
