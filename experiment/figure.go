package experiment

import (
	"fmt"
	"slices"
	"strings"
)

// Figure is a picture of an experiment.
type Figure struct {
	File   string // its name
	Panel  string // what it belongs to
	Title  string
	X, Y   string // what the axes are
	LogX   bool   // spaces values of X by their logarithm
	Curves []Curve
	// Labels says that points are few enough to be labelled.
	Labels bool
	Note   string
}

// Curve is a line through points, or, of a scatter, points alone.
type Curve struct {
	Name    string
	Points  []Point
	Scatter bool
	Strong  bool
}

// Point is one of a curve.
type Point struct {
	X, Y  float64
	Label string
}

// add adds a point to the curve of a name.
func (f *Figure) add(curve string, p Point) {
	i := slices.IndexFunc(f.Curves, func(c Curve) bool { return c.Name == curve })
	if i < 0 {
		i = len(f.Curves)
		f.Curves = append(f.Curves, Curve{Name: curve})
	}
	f.Curves[i].Points = append(f.Curves[i].Points, p)
}

// Figures returns the pictures of results: those that have something to draw.
func (e Experiment) Figures(all []Result) []Figure {
	draw := e.kind.figures
	if draw == nil {
		draw = changesFigures
	}
	return slices.DeleteFunc(draw(e, all), func(f Figure) bool { return len(f.Curves) == 0 })
}

// changesFigures are the paper's figure and ours, of every panel.
func changesFigures(e Experiment, all []Result) []Figure {
	var figures []Figure
	for _, panel := range Panels(all) {
		paper := Figure{Panel: panel, File: e.Name + "-" + strings.ToLower(panel) + "-paper.svg", Title: panel + ", the paper's", X: e.XLabel, Y: "top-1 (%)"}
		own := Figure{Panel: panel, File: e.Name + "-" + strings.ToLower(panel) + ".svg", Title: panel, X: e.XLabel, Y: "top-1 (%)"}
		if e.XLabel == "" {
			paper.X, own.X = "FLOPS (M)", "multiply-adds (M)"
		}
		for _, a := range e.arms {
			e.draw(&paper, &a, 100*a.Top1, a.FLOPS)
		}
		for _, r := range all {
			e.draw(&own, &r.Arm, 100*r.Mean, float64(r.MACs)/1e6)
		}
		figures = append(figures, paper, own)
	}
	return figures
}

// draw adds an arm to the figure of its panel, if it has a value.
func (e *Experiment) draw(f *Figure, a *Arm, top1, cost float64) {
	if a.Panel != f.Panel || top1 == 0 {
		return
	}
	if e.XLabel != "" {
		cost = float64(a.X)
	}
	f.add(a.Series, Point{X: cost, Y: top1, Label: fmt.Sprintf("%s %s: %.2f", a.Series, a.Label, top1)})
}
