package experiment

import (
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
	WholeX bool   // marks whole numbers only
	Curves []Curve
	// Labels says that points are few enough to be labelled; Legend asks for the
	// names of curves besides.
	Labels, Legend bool
	Note           string
	// Width is that of the picture, in pixels; 0 means [PictureWidth].
	Width float64
	// Network is a network file that is drawn block by block; "" for curves.
	Network string
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
	// Spread is the standard deviation of Y, 0 if it is not known.
	Spread float64
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
	return slices.DeleteFunc(draw(e, all), func(f Figure) bool { return len(f.Curves) == 0 && f.Network == "" })
}

// changesFigures are the paper's figure and ours, of every panel, and one of
// what is compared at equal multiply-adds.
func changesFigures(e Experiment, all []Result) []Figure {
	var figures []Figure
	for _, panel := range Panels(all) {
		name := e.Name + "-" + strings.ToLower(panel)
		figure := func(file, title, x string) Figure {
			return Figure{Panel: panel, File: name + file + ".svg", Title: panel + title, X: x, Y: e.metric() + " (%)", Labels: e.XLabel == "", Legend: true, WholeX: e.XLabel != ""}
		}
		paperX, ownX := e.XLabel, e.XLabel
		if e.XLabel == "" {
			paperX, ownX = "FLOPS (M)", "multiply-adds (M)"
		}
		paper, own := figure("-paper", ", the paper's", paperX), figure("", ", here", ownX)
		equal := figure("-equal", ", at equal multiply-adds", "largest kernel")
		equal.Labels = false
		for _, a := range e.Published() {
			e.draw(&paper, &a, a.FLOPS, Point{Y: 100 * a.Top1})
		}
		var start []Point // the base, which the others cost as much as
		for _, r := range all {
			p := Point{Y: 100 * r.Mean, Spread: 100 * r.SD}
			if r.first() && r.Panel == panel && p.Y > 0 {
				start = []Point{{X: float64(r.largest), Y: p.Y, Spread: p.Spread}}
			}
			if r.Equal {
				a := r.Arm
				a.Series = strings.TrimSuffix(a.Series, equalSeries)
				e.draw(&equal, &a, float64(a.largest), p)
				continue
			}
			e.draw(&own, &r.Arm, float64(r.MACs)/1e6, p)
		}
		if e.XLabel == layerLabel {
			own.level()
		}
		for i := range equal.Curves {
			equal.Curves[i].Points = append(slices.Clone(start), equal.Curves[i].Points...)
		}
		figures = append(figures, paper, own, equal)
	}
	return figures
}

// level draws the first curve, a network without a place on the x axis, as a
// line below or above all of the others.
func (f *Figure) level() {
	if len(f.Curves) < 2 || len(f.Curves[0].Points) != 1 {
		return
	}
	base := f.Curves[0].Points[0]
	f.Curves[0].Points = nil
	for _, p := range f.Curves[1].Points {
		f.Curves[0].Points = append(f.Curves[0].Points, Point{X: p.X, Y: base.Y, Spread: base.Spread, Label: base.Label})
		base.Spread = 0 // once
	}
}

// draw adds an arm to the figure of its panel, if it has a value.
func (e *Experiment) draw(f *Figure, a *Arm, x float64, p Point) {
	if a.Panel != f.Panel || p.Y == 0 {
		return
	}
	if p.X = x; e.XLabel != "" {
		p.X = float64(a.X)
	}
	p.Label = a.Label
	f.add(a.Series, p)
}
