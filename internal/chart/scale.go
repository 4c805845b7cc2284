package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// scale maps the values of an axis to a stretch of the drawing.
type scale struct {
	log      bool
	low, up  float64 // values, or their logarithms to base ten
	from, to float64 // of the drawing
	ticks    []tick
}

type tick struct {
	value float64
	label string
}

// wanted is about how many steps an axis is divided into.
const wanted = 5

// newScale fits an axis to values. The axis ends at ticks, unless tight asks
// for the values themselves.
func newScale(a Axis, values []float64, tight bool) (scale, error) {
	low, up := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if a.Log && v <= 0 {
			return scale{}, fmt.Errorf("%s: %v cannot be shown on a logarithmic axis", a.Label, v)
		}
		low, up = min(low, v), max(up, v)
	}
	if low > up {
		low, up = 0, 1
		if a.Log {
			low, up = 1, 10
		}
	}
	if a.Log {
		return logScale(low, up), nil
	}
	return linearScale(a, low, up, tight), nil
}

// linearScale begins at zero where that leaves the values most of the axis.
func linearScale(a Axis, low, up float64, tight bool) scale {
	switch {
	case a.FromZero || low >= 0 && low <= 0.25*up && !tight:
		low, up = min(low, 0), max(up, 0)
	case low == up:
		room := max(math.Abs(low)/10, 1e-3)
		if a.Whole {
			room = 1
		}
		low, up = low-room, up+room
	}
	if low == up {
		up = low + 1
	}
	step := niceStep((up - low) / wanted)
	if a.Whole {
		step = max(1, math.Round(step))
	}
	first, last := math.Floor(low/step+1e-9), math.Ceil(up/step-1e-9)
	s := scale{low: first * step, up: last * step}
	if tight {
		room := 0.02 * (up - low) // so that marks of points do not lie upon the axes
		s.low, s.up = low-room, up+room
		first, last = math.Ceil(low/step-1e-9), math.Floor(up/step+1e-9)
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	for k := first; k <= last; k++ {
		s.ticks = append(s.ticks, tick{k * step, number(k*step, decimals)})
	}
	return s
}

// niceStep returns the least of 1, 2, 5 times a power of ten that is no less
// than step.
func niceStep(step float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, f := range []float64{1, 2, 5} {
		if step <= f*power*(1+1e-9) {
			return f * power
		}
	}
	return 10 * power
}

// logScale marks 1, 2 and 5 times the powers of ten; over more than four
// powers these alone, and over little more than one octave every digit.
func logScale(low, up float64) scale {
	s := scale{log: true, low: math.Log10(low), up: math.Log10(up)}
	if s.up-s.low < 0.3 {
		middle := (s.low + s.up) / 2
		s.low, s.up = min(s.low, middle-0.15), max(s.up, middle+0.15)
	}
	room := 0.03 * (s.up - s.low)
	s.low, s.up = s.low-room, s.up+room
	digits := []float64{1, 2, 5}
	switch width := s.up - s.low; {
	case width > 4:
		digits = digits[:1]
	case width < 1:
		digits = []float64{1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9}
	}
	for e := math.Floor(s.low); e <= s.up; e++ {
		for _, d := range digits {
			v := d * math.Pow(10, e)
			if at := math.Log10(v); at >= s.low && at <= s.up {
				s.ticks = append(s.ticks, tick{v, short(v)})
			}
		}
	}
	return s
}

// at returns where in the drawing a value lies.
func (s *scale) at(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	}
	return s.from + (s.to-s.from)*(v-s.low)/(s.up-s.low)
}

// number writes a value with some decimals, without a sign before zero.
func number(v float64, decimals int) string {
	if math.Abs(v) >= 1e6 {
		return short(v)
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(text, "-0.") == "" {
		return strings.TrimPrefix(text, "-")
	}
	return text
}

// short writes a value with four digits, large ones in thousands or millions.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e9:
		return strconv.FormatFloat(v/1e9, 'g', 4, 64) + "G"
	case a >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + "M"
	case a >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 4, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
