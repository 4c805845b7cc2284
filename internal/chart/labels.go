package chart

import "math"

// box is a rectangle with its upper left corner.
type box struct{ x, y, w, h float64 }

// pointLabels writes the points' labels beside them, each where it hides least
// and within the frame.
func (l *layout) pointLabels(s surface) {
	p := &l.panels[0]
	frame := box{l.x.from + 2, p.y.to + 2, l.x.to - l.x.from - 4, p.y.from - p.y.to - 4}
	var taken []box
	var lines [][2]point
	for _, series := range p.series {
		var last point
		for i, v := range series.Points {
			at := point{l.x.at(v.X), p.y.at(v.Y)}
			taken = append(taken, box{at.x - dotRadius, at.y - dotRadius, 2 * dotRadius, 2 * dotRadius})
			if i > 0 {
				lines = append(lines, [2]point{last, at})
			}
			last = at
		}
	}
	for i, series := range p.series {
		for _, v := range series.Points {
			if v.Label == "" {
				continue
			}
			b := place(point{l.x.at(v.X), p.y.at(v.Y)}, 1.04*textWidth(v.Label, pointSize, false), pointSize, frame, taken, lines)
			taken = append(taken, b)
			s.rect(b.x, b.y, b.w, b.h, paper, 0.75)
			s.text(b.x, b.y+0.82*b.h, v.Label, textStyle{size: pointSize, color: seriesInk(i)})
		}
	}
}

// place returns the box for a text beside a point that covers the fewest other
// boxes and lines and stays within the frame.
func place(at point, w, h float64, frame box, taken []box, lines [][2]point) box {
	best, least := box{}, math.Inf(1)
	for _, gap := range []float64{6, 10, 16, 24} {
		for _, d := range [][2]float64{{1, 1}, {1, -1}, {-1, -1}, {-1, 1}, {1, 0}, {-1, 0}, {0, -1}, {0, 1}} {
			b := box{at.x - w/2 + d[0]*(w/2+gap), at.y - h/2 + d[1]*(h/2+gap/2), w, h}
			if d[0] == 0 {
				b.y += d[1] * gap / 2
			}
			b.x = min(max(b.x, frame.x), frame.x+frame.w-w)
			b.y = min(max(b.y, frame.y), frame.y+frame.h-h)
			cost := gap / 8
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
	return max(w, 0) * max(h, 0)
}

// crossed returns about how much of a line lies in the box.
func (b box) crossed(l [2]point) float64 {
	const steps = 200
	inside := 0
	for i := range steps + 1 {
		f := float64(i) / steps
		x, y := l[0].x+f*(l[1].x-l[0].x), l[0].y+f*(l[1].y-l[0].y)
		if x >= b.x && x <= b.x+b.w && y >= b.y && y <= b.y+b.h {
			inside++
		}
	}
	return float64(inside) / steps * math.Hypot(l[1].x-l[0].x, l[1].y-l[0].y)
}
