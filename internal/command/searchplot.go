package command

import (
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
)

type searchPlotCmd struct {
	searchName
	Output string `arg:"" help:"The picture (.png, .svg, .pdf)."`
	X      string `name:"x" default:"macs" enum:"macs,params,trial,epoch" help:"Over what: macs or params with the front, trial for the best so far, epoch for learning curves."`
	Beside string `placeholder:"SEARCH" help:"Another search to draw beside it, in place of the random search that it has."`
}

func (c *searchPlotCmd) Run(e *env) error {
	if err := chart.CheckPath(c.Output); err != nil {
		return usageError{err}
	}
	s, all, err := c.read(e)
	if err != nil {
		return err
	}
	other, err := besides(e, s, c.Search, c.Beside)
	if err != nil {
		return err
	}
	if len(bestOf(all)) == 0 {
		return fmt.Errorf("%s: no trial has a score yet", c.Search)
	}
	return searchChart(s, all, other, c.X).WriteFile(c.Output)
}

func searchChart(s *search.Search, all []store.Trial, other *beside, x string) *chart.Chart {
	switch x {
	case "trial":
		return courseChart(s, all, other)
	case "epoch":
		return curvesChart(s, all)
	}
	return frontChart(s, all, other, x)
}

// longest returns the trials with a score and the most epochs that any has.
func longest(all []store.Trial) []store.Trial {
	best := bestOf(all)
	return slices.DeleteFunc(best, func(t store.Trial) bool { return t.Fidelity < best[0].Fidelity })
}

func points(s *search.Search, all []store.Trial, x string) []search.Point {
	var out []search.Point
	for _, t := range all {
		v := viewOf(s, t)
		cost := v.MACs
		if x == "params" {
			cost = v.Params
		}
		out = append(out, search.Point{Number: t.Number, Cost: cost, Score: t.Score})
	}
	return out
}

// paretoFront returns the numbers of the trials that no cheaper one of as many
// epochs is as good as.
func paretoFront(s *search.Search, all []store.Trial) map[int]bool {
	front := map[int]bool{}
	if len(all) > 0 {
		for _, p := range search.Front(points(s, longest(all), "macs")) {
			front[p.Number] = true
		}
	}
	return front
}

// frontChart draws the score of every network over its cost, and the front.
func frontChart(s *search.Search, all []store.Trial, other *beside, x string) *chart.Chart {
	label := "multiply-adds (M)"
	if x == "params" {
		label = "parameters (M)"
	}
	c := &chart.Chart{Title: "Score of the networks found", X: chart.Axis{Label: label}, Y: chart.Axis{Label: "score (%)"}}
	drawn := func(all []search.Point) []chart.Point {
		var out []chart.Point
		for _, p := range all {
			out = append(out, chart.Point{X: float64(p.Cost) / 1e6, Y: 100 * p.Score, Label: fmt.Sprintf("trial %d: %s, %s", p.Number, inPercent(p.Score), millions(p.Cost))})
		}
		return out
	}
	here := points(s, longest(all), x)
	c.Series = []chart.Series{{Name: "front", Points: drawn(search.Front(here)), Strong: true}, {Name: "trials", Points: drawn(here), Scatter: true}}
	if other != nil && len(bestOf(other.trials)) > 0 {
		c.Series = append(c.Series, chart.Series{Name: other.name, Points: drawn(points(other.search, longest(other.trials), x)), Scatter: true})
	}
	return c
}

// courseChart draws the best score so far over the number of the trial.
func courseChart(s *search.Search, all []store.Trial, other *beside) *chart.Chart {
	c := &chart.Chart{Title: "Best score so far", X: chart.Axis{Label: "trials", Whole: true}, Y: chart.Axis{Label: "score (%)"}}
	add := func(name string, all []store.Trial) {
		done := longest(all)
		slices.SortFunc(done, func(a, b store.Trial) int { return a.Number - b.Number })
		best := chart.Series{Name: name, Strong: true}
		each := chart.Series{Name: "trials of " + name, Scatter: true}
		top := 0.0
		for i, t := range done {
			top = max(top, t.Score)
			best.Points = append(best.Points, chart.Point{X: float64(i + 1), Y: 100 * top})
			each.Points = append(each.Points, chart.Point{X: float64(i + 1), Y: 100 * t.Score, Label: fmt.Sprintf("trial %d: %s", t.Number, inPercent(t.Score))})
		}
		c.Series = append(c.Series, best)
		if name == s.Strategy {
			c.Series = append(c.Series, each)
		}
	}
	add(s.Strategy, all)
	if other != nil && len(bestOf(other.trials)) > 0 {
		name := other.search.Strategy
		if name == s.Strategy {
			name = other.name
		}
		add(name, other.trials)
	}
	return c
}

// curvesChart draws the learning curves of the best ten.
func curvesChart(s *search.Search, all []store.Trial) *chart.Chart {
	c := &chart.Chart{Title: "Learning curves of the best", X: chart.Axis{Label: "epoch", Whole: true}, Y: chart.Axis{Label: "score (%)"}}
	best := bestOf(all)
	for _, t := range best[:min(len(best), 8)] {
		v := viewOf(s, t)
		line := chart.Series{Name: fmt.Sprintf("trial %d", t.Number)}
		for i, y := range v.Curve {
			line.Points = append(line.Points, chart.Point{X: float64(i + 1), Y: 100 * y})
		}
		if len(line.Points) > 0 {
			c.Series = append(c.Series, line)
		}
	}
	return c
}
