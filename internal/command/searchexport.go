package command

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

type searchExportCmd struct {
	searchName
	Trial  int    `arg:"" optional:"" default:"-1" help:"The trial whose network is written."`
	Format string `default:"csv" enum:"csv,json,optuna" help:"What all trials are written as, where none is named: csv, json, or optuna for the journal that Optuna and its dashboard read."`
	Output string `short:"o" placeholder:"FILE" help:"The file. Default: the network's name with .toml; all trials go to standard output."`
	Name   string `placeholder:"NAME" help:"The network's name. Default: the space's, with the beginning of its hash."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// exportedTrial is what was written of a trial.
type exportedTrial struct {
	searchTrial
	File  string `json:"file"`
	Model string `json:"model,omitempty"`
}

func (c *searchExportCmd) Run(e *env) error {
	s, all, err := c.read(e)
	if err != nil {
		return err
	}
	if c.Trial >= 0 {
		t, err := trialOf(all, c.Trial)
		if err != nil {
			return err
		}
		return c.network(e, s, t)
	}
	write := func(w io.Writer) error { return s.WriteCSV(w, all) }
	switch {
	case c.Format == "optuna":
		write = func(w io.Writer) error { return s.WriteOptuna(w, all) }
	case c.Format == "json" || c.JSON:
		views := make([]searchTrial, len(all))
		for i, t := range all {
			views[i] = viewOf(s, t)
		}
		write = func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			return enc.Encode(views)
		}
	}
	if c.Output == "" {
		return write(e.stdout)
	}
	return atomicfile.Write(c.Output, write)
}

// network writes the file of a trial's network, and beside it its weights where
// they were kept.
func (c *searchExportCmd) network(e *env, s *search.Search, t store.Trial) error {
	n, err := s.Space.Network(t.Arch)
	if err != nil {
		return err
	}
	if c.Name != "" {
		n.Name, n.Title = c.Name, c.Name
	}
	n.Note = fmt.Sprintf("trial %d of the search %s", t.Number, s.Name)
	text := netfile.Encode(n)
	if _, err := netfile.Parse(n.Name+".toml", text); err != nil {
		return usageError{err}
	}
	path := c.Output
	if path == "" {
		path = n.Name + ".toml"
	}
	if !strings.HasSuffix(path, ".toml") {
		return usagef("--output %s: a network file ends in .toml", path)
	}
	if c.Output == "" && isFile(path) {
		return fmt.Errorf("%s is there already: name the file with --output", path)
	}
	if err := atomicfile.WriteBytes(path, text); err != nil {
		return err
	}
	x := exportedTrial{searchTrial: viewOf(s, t), File: path}
	last := filepath.Join(x.Run, train.LastFile)
	if x.Run != "" && exists(last) {
		m, err := model.Open(last, model.Options{})
		if err != nil {
			return err
		}
		x.Model = strings.TrimSuffix(path, ".toml") + ".safetensors"
		if err := m.Save(x.Model); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.json(x)
	}
	e.printf("%s\n", path)
	if x.Model != "" {
		e.printf("%s: the weights after %s of the search\n", x.Model, plural(t.Fidelity, "epoch"))
	}
	train := []string{"train", "--model", path}
	if s.Settings.Data != "" {
		train = append(train, "--data", s.Settings.Data)
	}
	e.printf("Next:\n  %s\n  %s\n  %s\n", e.command(train...), e.command("info", path), e.command("bench", path))
	return nil
}
