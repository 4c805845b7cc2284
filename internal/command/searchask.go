package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

type searchAskCmd struct {
	searchName
	Lease time.Duration `default:"24h" help:"For how long the trial is taken: after that another may get it. A result that comes later counts all the same."`
	As    string        `default:"asked" placeholder:"NAME" help:"Who takes it, for tell."`
	JSON  bool          `name:"json" help:"Print JSON, as it does anyway."`
}

// asked is a trial for another program.
type asked struct {
	Number  int          `json:"number"`
	Arch    string       `json:"arch"`
	Epochs  int          `json:"trial_epochs"`
	Seed    uint64       `json:"seed"`
	Choices []choiceView `json:"choices"`
	nas.Cost
	Toml string `json:"toml"` // the network's file
}

func (c *searchAskCmd) Run(e *env) error {
	if c.Lease < time.Second {
		return usagef("--lease %s: at least a second", c.Lease)
	}
	db, s, err := c.open(e, false)
	if err != nil {
		return err
	}
	defer db.Close()
	t, err := db.Claim(e.ctx, c.As, c.Lease, s.Propose)
	if err != nil {
		return err
	}
	n, err := s.Space.Network(t.Arch)
	if err != nil {
		return err
	}
	a := asked{Number: t.Number, Arch: t.Key, Epochs: t.Fidelity, Seed: t.Seed, Toml: string(netfile.Encode(n))}
	if a.Cost, err = s.Costs.Of(t.Arch); err != nil {
		return err
	}
	for i, d := range s.Space.Decisions() {
		a.Choices = append(a.Choices, choiceView{d.Name, d.Options[t.Arch[i]]})
	}
	return e.json(a)
}

type searchTellCmd struct {
	searchName
	Trial  int      `arg:"" help:"The number of the trial."`
	Score  *float64 `arg:"" optional:"" help:"Its score: the higher, the better."`
	Failed string   `placeholder:"WHY" help:"It has none, and why."`
	Info   string   `placeholder:"JSON" help:"What else is known, as a JSON object, or the file that holds it after an at sign."`
	As     string   `default:"asked" placeholder:"NAME" help:"Who tells, as for ask."`
	JSON   bool     `name:"json" help:"Print the trial as JSON."`
}

func (c *searchTellCmd) Run(e *env) error {
	if (c.Score == nil) == (c.Failed == "") {
		return usagef("tell a score, or --failed WHY")
	}
	if c.Score != nil && (math.IsNaN(*c.Score) || math.IsInf(*c.Score, 0)) {
		return usagef("score %g: want a number; of a trial without one tell --failed", *c.Score)
	}
	db, s, err := c.open(e, false)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.Trials(e.ctx)
	if err != nil {
		return err
	}
	t, err := trialOf(all, c.Trial)
	if err != nil {
		return err
	}
	if c.Score == nil {
		err = db.Fail(e.ctx, t.Number, c.As, c.Failed)
	} else {
		var info json.RawMessage
		if info, err = c.info(s, t); err == nil {
			err = db.Finish(e.ctx, t.Number, c.As, *c.Score, info)
		}
	}
	if err != nil {
		return err
	}
	if all, err = db.Trials(e.ctx); err != nil {
		return err
	}
	v := viewOf(s, all[t.Number])
	if c.JSON {
		return e.json(v)
	}
	e.printf("trial %d: %s\n", t.Number, v.State)
	return nil
}

// info is --info, or what the architecture says.
func (c *searchTellCmd) info(s *search.Search, t store.Trial) (json.RawMessage, error) {
	text := []byte(c.Info)
	if len(c.Info) > 1 && c.Info[0] == '@' {
		var err error
		if text, err = os.ReadFile(c.Info[1:]); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		cost, err := s.Costs.Of(t.Arch)
		if err != nil {
			return nil, err
		}
		return json.Marshal(search.Outcome{Cost: cost})
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, usagef("--info: want a JSON object: %w", err)
	}
	return text, nil
}

type searchRetryCmd struct {
	searchName
	Trials []int `arg:"" optional:"" name:"trial" help:"Numbers of trials; all that failed by default."`
	JSON   bool  `name:"json" help:"Print JSON."`
}

func (c *searchRetryCmd) Run(e *env) error {
	db, s, err := c.open(e, false)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.Trials(e.ctx)
	if err != nil {
		return err
	}
	if len(c.Trials) == 0 {
		for _, t := range all {
			if t.State == store.Failed {
				c.Trials = append(c.Trials, t.Number)
			}
		}
	}
	var failed error
	for _, n := range c.Trials {
		if err := db.Retry(e.ctx, n); err != nil {
			failed = errors.Join(failed, fmt.Errorf("trial %d did not fail: %w", n, err))
		}
	}
	if failed != nil {
		return failed
	}
	if all, err = db.Trials(e.ctx); err != nil {
		return err
	}
	if c.JSON {
		return e.json(summaryOf(c.Search, s, all))
	}
	e.printf("%s to run again: %s\n", plural(len(c.Trials), "trial"), e.command("search", "run", c.Search))
	return nil
}
