package command

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/report"
)

type searchReportCmd struct {
	theSearch
	Output string `short:"o" placeholder:"FILE" help:"The HTML file. Default: NAME.html beside the search's file."`
	Beside string `placeholder:"SEARCH" help:"Another search to draw beside it, in place of the random search that it has."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

func (c *searchReportCmd) Run(e *env) error {
	s, all, err := c.read(e)
	if err != nil {
		return err
	}
	other, err := besides(e, s, c.Search, c.Beside)
	if err != nil {
		return err
	}
	path := c.Output
	if path == "" {
		path = reportPath(c.Search)
	}
	if path == "" {
		return usagef("--output is missing: where to write the report")
	}
	if err := writeSearchReport(s, c.Search, all, other, path); err != nil {
		return err
	}
	if c.JSON {
		return e.json(struct {
			Report string `json:"report"`
		}{path})
	}
	e.printf("%s\n", path)
	return nil
}

// reportPath is where a search's report lies: beside its file, nowhere for a
// server's.
func reportPath(name string) string {
	if strings.Contains(name, "://") {
		return ""
	}
	return strings.TrimSuffix(searchPath(name), ".db") + ".html"
}

// Samples of the trials for the intervals of effects.
const effectSamples = 200

func writeSearchReport(s *search.Search, name string, all []store.Trial, other *beside, path string) error {
	sum := summaryOf(name, s, all)
	page := report.Search{
		Name:     "Search " + s.Name,
		Summary:  fmt.Sprintf("%s on the space %s, %s; %d of %s done.", s.Strategy, s.Space.Name(), limitsText(s.Settings.Limits), sum.Done, plural(sum.Trials, "trial")),
		Protocol: protocolFacts(s, &sum, all, other),
		Trials:   trialRows(s, all, path),
	}
	page.Workers = workerRows(all)
	f, err := readFinished(s)
	if err != nil {
		return err
	}
	if t := s.Settings.Latency; t != nil {
		figure, table, err := latencyReport(t)
		if err != nil {
			return err
		}
		page.Latency = &report.SearchLatency{Figure: figure, Quality: table}
	}
	if f != nil {
		page.Tables = f.reported()
		page.Protocol = append(page.Protocol, report.Fact{Name: "judged", Value: fmt.Sprintf("%s on %s, %s, %s each", f.At, plural(f.Images, "test image"), plural(f.Seeds, "seed"), plural(f.Epochs, "epoch"))})
	}
	if best := bestOf(all); len(best) > 0 {
		page.Result = resultFacts(&sum)
		for _, figure := range []struct{ x, caption string }{
			{"macs", "Score over multiply-adds; the line is the front. Point at a network for its number."},
			{"trial", "Best score so far over the trials of the most epochs."},
			{"epoch", "Score after every epoch, of the best trials."},
		} {
			if figure.x == "epoch" && len(best[0].Info) == 0 {
				continue
			}
			c := searchChart(s, all, other, figure.x)
			if figure.x == "macs" && f != nil {
				c.Series = append(c.Series, f.heldOut())
			}
			if len(c.Series) == 0 {
				continue
			}
			f, err := twoWidths(c, figure.caption)
			if err != nil {
				return err
			}
			page.Figures = append(page.Figures, f)
		}
		if sum.Agreement != nil {
			f, err := twoWidths(sharedChart(search.Pairs(all)), "The supernet: "+agreementText(sum.Agreement)+".")
			if err != nil {
				return err
			}
			page.Figures = append(page.Figures, f)
		}
		if page.Kernels, err = kernelRows(s, longest(all)[:min(len(longest(all)), 10)]); err != nil {
			return err
		}
		page.Effects = effectRows(s, longest(all))
	}
	return atomicfile.Write(path, page.WriteHTML)
}

// protocolFacts says what chose and what judged, and what it took.
func protocolFacts(s *search.Search, sum *searchSummary, all []store.Trial, other *beside) []report.Fact {
	threads, workers := 0.0, map[string]bool{}
	for _, t := range all {
		threads += search.OutcomeOf(t).Seconds
		if t.Worker != "" {
			workers[t.Worker] = true
		}
	}
	epochs := plural(s.Fidelity, "epoch")
	if len(s.Settings.Rungs) > 0 {
		epochs = fmt.Sprintf("successive halving, %v epochs", s.Settings.Rungs)
	}
	images := "nine in ten of the training images"
	if n := s.Settings.Images; n > 0 {
		images = fmt.Sprintf("%s of nine in ten of the training images", thousands(int64(n)))
	}
	if sn := s.Settings.Supernet; sn != nil {
		epochs += fmt.Sprintf("; before that, %s by a supernet trained for %s", plural(sn.Scored, "network")+" scored", plural(sn.Epochs, "epoch"))
	}
	compared := "nothing: no random search stands beside it"
	if s.Strategy == "random" {
		compared = "nothing: it is a random search itself"
	}
	if other != nil {
		r := summaryOf(other.name, other.search, other.trials)
		compared = fmt.Sprintf("%s, seed %d, on the same space, images and recipe: %d of %s done, %.2f hours of one thread", other.search.Strategy, r.Seed, r.Done, plural(r.Trials, "trial"), r.Hours)
	}
	return []report.Fact{
		{Name: "images", Value: sum.Data},
		{Name: "weights were trained on", Value: images},
		{Name: "networks were chosen by", Value: "the other tenth, drawn by the search's seed, after the last epoch"},
		{Name: "test images", Value: "never opened by the search: scores chose among many and are better than the networks are on new images"},
		{Name: "strategy", Value: fmt.Sprintf("%s, seed %d", s.Strategy, s.Seed)},
		{Name: "trials", Value: fmt.Sprintf("%d done, %d failed, %d running, %d waiting, of %d", sum.Done, sum.Failed, sum.Running, sum.Waiting, sum.Trials)},
		{Name: "each trained for", Value: epochs + ", one seed"},
		{Name: "compared with", Value: compared},
		{Name: "limits", Value: limitsText(s.Settings.Limits)},
		{Name: "recipe", Value: fmt.Sprintf("%s, batch %d", s.Settings.Recipe.Name, s.Settings.Recipe.Batch)},
		{Name: "processor time", Value: fmt.Sprintf("%.2f hours of one thread, by %s", threads/3600, plural(len(workers), "worker"))},
		{Name: "written", Value: time.Now().Format("2006-01-02 15:04")},
	}
}

func resultFacts(sum *searchSummary) []report.Fact {
	b := sum.Best
	return []report.Fact{
		{Name: "best network", Value: fmt.Sprintf("%s, trial %d", b.Network, b.Number)},
		{Name: "score", Value: inPercent(b.Score)},
		{Name: "multiply-adds", Value: thousands(b.MACs)},
		{Name: "parameters", Value: thousands(b.Params)},
		{Name: "activations", Value: thousands(b.Activations) + " bytes"},
		{Name: "architecture", Value: b.Arch},
	}
}

// trialRows lists the trials, with their run folders as the report sees them.
func trialRows(s *search.Search, all []store.Trial, path string) []report.SearchTrial {
	front := paretoFront(s, bestOf(all))
	here, err := filepath.Abs(filepath.Dir(path))
	var rows []report.SearchTrial
	for _, t := range all {
		v := viewOf(s, t)
		r := report.SearchTrial{
			Number: t.Number, State: v.State, Score: t.Score, HasScore: t.State == store.Done, Front: front[t.Number], Epochs: t.Fidelity, MACs: v.MACs,
			Params: v.Params, Activations: v.Activations, Seconds: v.Seconds, Arch: t.Key, Why: t.Error,
		}
		if rel, relErr := filepath.Rel(here, v.Run); v.Run != "" && errors.Join(err, relErr) == nil {
			r.Run = filepath.ToSlash(rel) + "/"
		}
		rows = append(rows, r)
	}
	return rows
}

// kernelRows draws the kernels of networks layer by layer.
func kernelRows(s *search.Search, best []store.Trial) ([]report.KernelRow, error) {
	var rows []report.KernelRow
	for _, t := range best {
		n, err := s.Space.Network(t.Arch)
		if err != nil {
			return nil, err
		}
		row := report.KernelRow{Network: fmt.Sprintf("trial %d", t.Number), Score: t.Score}
		for _, b := range n.Unrolled().Stages {
			kernels := b.Kernels
			if len(kernels) == 0 {
				kernels = []int{3}
			}
			row.Layers = append(row.Layers, report.KernelLayer{Kernels: kernels, Stride: max(b.Stride, 1), Out: b.Out})
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// workerRows draws who ran which trials when.
func workerRows(all []store.Trial) []report.WorkerRow {
	var first, last time.Time
	for _, t := range all {
		if t.Finished.IsZero() || t.Started.IsZero() || t.Worker == "" {
			continue
		}
		if first.IsZero() || t.Started.Before(first) {
			first = t.Started
		}
		if t.Finished.After(last) {
			last = t.Finished
		}
	}
	whole := last.Sub(first).Seconds()
	if whole <= 0 {
		return nil
	}
	at := map[string]int{}
	var rows []report.WorkerRow
	for _, t := range all {
		if t.Finished.IsZero() || t.Started.IsZero() || t.Worker == "" {
			continue
		}
		i, ok := at[t.Worker]
		if !ok {
			i = len(rows)
			at[t.Worker] = i
			rows = append(rows, report.WorkerRow{Name: t.Worker})
		}
		took := t.Finished.Sub(t.Started)
		rows[i].Trials++
		rows[i].Busy += took.Seconds() / whole
		rows[i].Spans = append(rows[i].Spans, report.WorkerSpan{
			From: t.Started.Sub(first).Seconds() / whole, To: t.Finished.Sub(first).Seconds() / whole, Failed: t.State == store.Failed,
			About: fmt.Sprintf("trial %d, %s", t.Number, formatDuration(took)),
		})
	}
	return rows
}

// effectRows estimates what each choice does, the strongest first.
func effectRows(s *search.Search, all []store.Trial) []report.SearchEffect {
	if len(all) < 5 {
		return nil
	}
	effects := nas.Effects(s.Space, store.History(all), 1, effectSamples, s.Seed)
	widest := 0.0
	for _, e := range effects {
		widest = max(widest, math.Abs(e.Low), math.Abs(e.High))
	}
	var rows []report.SearchEffect
	for _, e := range effects {
		at := func(v float64) float64 { return 0.5 + 0.48*v/max(widest, 1e-12) }
		rows = append(rows, report.SearchEffect{
			Decision: e.Decision, Option: e.Option, Trials: e.Trials, Mean: e.Mean, Low: e.Low, High: e.High, From: at(e.Low), To: at(e.High), At: at(e.Mean),
		})
	}
	slices.SortStableFunc(rows, func(a, b report.SearchEffect) int {
		x, y := math.Abs(a.Mean), math.Abs(b.Mean)
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return rows[:min(len(rows), 60)]
}
