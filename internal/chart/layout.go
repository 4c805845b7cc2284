package chart

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Lengths of a chart in pixels.
const (
	usualWidth  = 720
	plotHeight  = 330
	belowHeight = 90
	leftRoom    = 70 // numbers and label of the y axis
	rightRoom   = 24
	titleSize   = 15
	labelSize   = 12
	tickSize    = 11
	pointSize   = 10.5 // labels of points
	markSize    = 11
	noteSize    = 11
	legendRow   = 20
	swatch      = 22
)

// layout is a chart with everything in its place.
type layout struct {
	chart  *Chart
	width  float64
	x      scale
	panels []panel
	legend []legendEntry
	top    float64 // of the plot
	note   []string
	height float64
}

// panel is one plot in its place.
type panel struct {
	y      scale
	axis   Axis
	series []Series
	first  int // the color of the first series
}

type legendEntry struct {
	x, y float64
	name string
	ink  ink
}

func (c *Chart) layout() (*layout, error) {
	l := &layout{chart: c, width: cmp.Or(c.Width, usualWidth)}
	var xs []float64
	for _, s := range slices.Concat(c.Series, c.Below.Series) {
		for _, p := range s.Points {
			xs = append(xs, p.X)
		}
	}
	if c.Labels {
		xs = append(xs, roomBeside(xs, c.X.Log)...)
	}
	var err error
	if l.x, err = newScale(c.X, xs, c.X.Whole); err != nil {
		return nil, err
	}
	l.x.from, l.x.to = leftRoom, l.width-rightRoom
	y := 34.0
	if !c.Labels || c.Legend {
		y = l.placeLegend(y)
	}
	if c.Mark != nil {
		y += markSize + 4
	}
	l.top = y + 6
	bottom := l.top + min(plotHeight, l.width*0.6)
	if err := l.addPanel(c.Y, c.Series, 0, l.top, bottom); err != nil {
		return nil, err
	}
	if len(c.Below.Series) > 0 {
		top := bottom + 22
		bottom = top + belowHeight
		if err := l.addPanel(c.Below.Y, c.Below.Series, len(c.Series), top, bottom); err != nil {
			return nil, err
		}
	}
	l.height = bottom + 48
	if c.Note != "" {
		l.note = wrap(c.Note, noteSize, l.width-leftRoom-rightRoom)
		l.height += float64(len(l.note))*(noteSize+4) + 4
	}
	return l, nil
}

// roomBeside returns values beyond the outer ones, so that there is room for
// labels on both sides of their points.
func roomBeside(xs []float64, log bool) []float64 {
	if len(xs) == 0 {
		return nil
	}
	low, up := slices.Min(xs), slices.Max(xs)
	switch {
	case !log:
		room := 0.08 * (up - low)
		if low >= 0 {
			return []float64{max(0, low-room), up + room}
		}
		return []float64{low - room, up + room}
	case low > 0:
		room := math.Pow(up/low, 0.08)
		return []float64{low / room, up * room}
	}
	return nil
}

func (l *layout) addPanel(a Axis, series []Series, first int, top, bottom float64) error {
	var ys []float64
	for _, s := range series {
		for i, p := range s.Points {
			ys = append(ys, p.Y-s.spread(i), p.Y+s.spread(i))
		}
	}
	y, err := newScale(a, ys, false)
	if err != nil {
		return err
	}
	y.from, y.to = bottom, top
	l.panels = append(l.panels, panel{y, a, series, first})
	return nil
}

// placeLegend puts the names of the series into rows above the plot and returns
// where they end. An entry has room for a font that is a fifth wider.
func (l *layout) placeLegend(y float64) float64 {
	x := float64(leftRoom)
	named := 0
	for i, s := range l.chart.Series {
		if s.Name == "" || len(s.Points) == 0 {
			continue
		}
		name := clip(s.Name, labelSize, (l.width-leftRoom-rightRoom-swatch)/1.3)
		w := swatch + 6 + 1.2*textWidth(name, labelSize, false) + 18
		if x+w > l.width-rightRoom+18 && x > leftRoom {
			x, y = leftRoom, y+legendRow
		}
		l.legend = append(l.legend, legendEntry{x, y + legendRow - 5, name, seriesInk(i)})
		x += w
		named++
	}
	if named == 0 {
		return y
	}
	return y + legendRow
}

// wrap breaks a text into lines of a width.
func wrap(s string, size, width float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && 1.1*textWidth(line+" "+word, size, false) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

func (l *layout) draw(s surface) {
	c := l.chart
	s.text(leftRoom, 24, clip(c.Title, titleSize, l.width-leftRoom-2*rightRoom), textStyle{size: titleSize, color: inkText, bold: true})
	for _, e := range l.legend {
		s.line([]point{{e.x, e.y - 4}, {e.x + swatch, e.y - 4}}, e.ink, 3, false)
		s.text(e.x+swatch+6, e.y, e.name, textStyle{size: labelSize, color: inkText})
	}
	for i := range l.panels {
		l.frame(s, &l.panels[i], i == len(l.panels)-1)
	}
	l.mark(s)
	for i := range l.panels {
		l.curves(s, &l.panels[i])
	}
	if c.Labels {
		l.pointLabels(s)
	}
	for i, line := range l.note {
		s.text(leftRoom, l.height-float64(len(l.note)-i)*(noteSize+4)+4, line, textStyle{size: noteSize, color: inkDim})
	}
}

// frame draws the grid, the axes and their numbers.
func (l *layout) frame(s surface, p *panel, lowest bool) {
	left, right, top, bottom := l.x.from, l.x.to, p.y.to, p.y.from
	for _, t := range spaced(l.x, 1.15, func(t tick) float64 { return textWidth(t.label, tickSize, false) + 10 }) {
		x := l.x.at(t.value)
		s.line([]point{{x, top}, {x, bottom}}, inkGrid, 1, false)
		if lowest {
			s.text(x, bottom+16, t.label, textStyle{size: tickSize, color: inkDim, anchor: atMiddle})
		}
	}
	for _, t := range spaced(p.y, 1, func(tick) float64 { return tickSize + 4 }) {
		y := p.y.at(t.value)
		s.line([]point{{left, y}, {right, y}}, inkGrid, 1, false)
		s.text(left-7, y+4, t.label, textStyle{size: tickSize, color: inkDim, anchor: atEnd})
	}
	s.line([]point{{left, top}, {left, bottom}, {right, bottom}}, inkDim, 1, false)
	s.text(18, (top+bottom)/2, p.axis.title(), textStyle{size: labelSize, color: inkText, anchor: atMiddle, turned: true})
	if lowest {
		s.text((left+right)/2, bottom+36, l.chart.X.title(), textStyle{size: labelSize, color: inkText, anchor: atMiddle})
	}
}

// spaced returns the ticks whose labels do not touch, those first in order
// first.
func spaced(s scale, factor float64, room func(tick) float64) []tick {
	var out []tick
	for _, t := range s.ticks {
		if n := len(out); n > 0 && math.Abs(s.at(t.value)-s.at(out[n-1].value)) < factor*(room(t)+room(out[n-1]))/2 {
			continue
		}
		out = append(out, t)
	}
	return out
}

// mark draws the marked value of x through all panels, its text above the frame.
func (l *layout) mark(s surface) {
	m := l.chart.Mark
	if m == nil {
		return
	}
	x := l.x.at(m.X)
	s.line([]point{{x, l.top}, {x, l.panels[len(l.panels)-1].y.from}}, inkDim, 1.2, true)
	half := 1.1 * textWidth(m.Label, markSize, false) / 2
	s.text(min(max(x, leftRoom+half), l.width-8-half), l.top-5, m.Label, textStyle{size: markSize, color: inkDim, anchor: atMiddle})
}

// curves draws the series; points are shown where they are few.
func (l *layout) curves(s surface, p *panel) {
	for i, series := range p.series {
		if len(series.Points) == 0 {
			continue
		}
		ink := seriesInk(p.first + i)
		for j, v := range series.Points {
			if x, d := l.x.at(v.X), series.spread(j); d > 0 {
				s.line([]point{{x, p.y.at(v.Y - d)}, {x, p.y.at(v.Y + d)}}, ink, 1, false)
			}
		}
		var points []point
		var hints []string
		for _, v := range series.Points {
			if at := (point{l.x.at(v.X), p.y.at(v.Y)}); !math.IsNaN(at.y) && !math.IsInf(at.y, 0) {
				points, hints = append(points, at), append(hints, v.Label)
			}
		}
		if series.Scatter {
			for i, at := range points {
				s.dot(at.x, at.y, dotRadius, ink, hints[i])
			}
			continue
		}
		width := 2.0
		if series.Strong {
			width = 3.5
		}
		s.line(points, ink, width, false)
		if l.chart.Labels || len(points) <= fewPoints {
			for _, at := range points {
				s.dot(at.x, at.y, dotRadius, ink, "")
			}
		}
	}
}

const (
	fewPoints = 12
	dotRadius = 3.2
)
