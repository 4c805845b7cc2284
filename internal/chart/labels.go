package chart

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	markerRadius = 3.2 // points
	labelSize    = 8
)

// labels writes the points' labels beside them, each where it hides least.
type labels struct{ series []Series }

// box is a rectangle with its lower left corner.
type box struct{ x, y, w, h vg.Length }

// Plot implements plot.Plotter.
func (l labels) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	var taken []box
	var lines [][2]vg.Point
	for _, s := range l.series {
		var last vg.Point
		for i, v := range s.Points {
			at := vg.Point{X: trX(v.X), Y: trY(v.Y)}
			taken = append(taken, box{at.X - markerRadius, at.Y - markerRadius, 2 * markerRadius, 2 * markerRadius})
			if i > 0 {
				lines = append(lines, [2]vg.Point{last, at})
			}
			last = at
		}
	}
	for i, s := range l.series {
		style := text.Style{Color: palette[i%len(palette)], Font: sans(labelSize), Handler: plot.DefaultTextHandler}
		for _, v := range s.Points {
			if v.Label == "" {
				continue
			}
			at := vg.Point{X: trX(v.X), Y: trY(v.Y)}
			b := place(at, style.Width(v.Label), labelSize, box{c.Min.X, c.Min.Y, c.Max.X - c.Min.X, c.Max.Y - c.Min.Y}, taken, lines)
			taken = append(taken, b)
			c.SetColor(color.NRGBA{255, 255, 255, 190})
			c.Fill(b.path())
			c.FillText(style, vg.Point{X: b.x, Y: b.y + 0.2*labelSize}, v.Label)
		}
	}
}

// place returns the box for a text beside a point that covers the fewest other
// boxes and lines and stays within the frame.
func place(at vg.Point, w, h vg.Length, frame box, taken []box, lines [][2]vg.Point) box {
	best, least := box{}, math.Inf(1)
	for _, gap := range []vg.Length{5, 9, 15} {
		for _, d := range [][2]vg.Length{{1, -1}, {1, 1}, {-1, 1}, {-1, -1}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			b := box{at.X - w/2 + d[0]*(w/2+gap), at.Y - h/2 + d[1]*(h/2+gap/2), w, h}
			if d[0] == 0 {
				b.y += d[1] * gap / 2
			}
			cost := float64(gap) / 10
			if b.x < frame.x || b.y < frame.y || b.x+b.w > frame.x+frame.w || b.y+b.h > frame.y+frame.h {
				cost += 1e6
			}
			for _, o := range taken {
				cost += 10 * b.overlap(o)
			}
			for _, l := range lines {
				cost += 12 * b.crossed(l)
			}
			if cost < least {
				best, least = b, cost
			}
		}
	}
	return best
}

// overlap returns the area that two boxes share.
func (b box) overlap(o box) float64 {
	w := min(b.x+b.w, o.x+o.w) - max(b.x, o.x)
	h := min(b.y+b.h, o.y+o.h) - max(b.y, o.y)
	return float64(max(w, 0) * max(h, 0))
}

// crossed returns about how much of a line lies in the box.
func (b box) crossed(l [2]vg.Point) float64 {
	const steps = 200
	inside := 0
	for i := range steps + 1 {
		f := vg.Length(i) / steps
		x, y := l[0].X+f*(l[1].X-l[0].X), l[0].Y+f*(l[1].Y-l[0].Y)
		if x >= b.x && x <= b.x+b.w && y >= b.y && y <= b.y+b.h {
			inside++
		}
	}
	return float64(inside) / steps * math.Hypot(float64(l[1].X-l[0].X), float64(l[1].Y-l[0].Y))
}

func (b box) path() vg.Path {
	var p vg.Path
	p.Move(vg.Point{X: b.x, Y: b.y})
	p.Line(vg.Point{X: b.x + b.w, Y: b.y})
	p.Line(vg.Point{X: b.x + b.w, Y: b.y + b.h})
	p.Line(vg.Point{X: b.x, Y: b.y + b.h})
	p.Close()
	return p
}
