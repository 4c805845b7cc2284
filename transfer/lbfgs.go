package transfer

import (
	"context"
	"math"
)

const (
	// history is the number of steps that L-BFGS knows the curvature from.
	history = 10
	// maxSteps bounds the steps of a minimisation.
	maxSteps = 300
	// flat is the largest component of the gradient that counts as none.
	flat = 1e-5
)

// minimize moves x to the minimum of a convex function by L-BFGS (Nocedal and
// Wright, Numerical Optimization, 2006, algorithm 7.5) with a backtracking line
// search, until a step gains less than a part still of the value. evaluate
// returns the value at a point and sets the gradient.
func minimize(ctx context.Context, x []float64, still float64, evaluate func(x, grad []float64) float64) error {
	n := len(x)
	grad, next, nextGrad := make([]float64, n), make([]float64, n), make([]float64, n)
	var past lbfgs
	value := evaluate(x, grad)
	for range maxSteps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if largest(grad) < flat {
			return nil
		}
		step := past.direction(grad)
		slope := dot(step, grad)
		t, nextValue := 1.0, 0.0
		if len(past.pairs) == 0 {
			t = min(1, 1/largest(grad))
		}
		for range 30 {
			for i := range next {
				next[i] = x[i] + t*step[i]
			}
			if nextValue = evaluate(next, nextGrad); nextValue <= value+1e-4*t*slope {
				break
			}
			t /= 2
		}
		if !(nextValue < value) {
			return nil // as low as rounding lets it be
		}
		past.add(x, next, grad, nextGrad)
		gain := value - nextValue
		value = nextValue
		copy(x, next)
		grad, nextGrad = nextGrad, grad
		if gain < still*math.Abs(value) {
			return nil
		}
	}
	return nil
}

// lbfgs approximates the inverse of a function's second derivative.
type lbfgs struct{ pairs []pair }

// pair is a step and the change of the gradient along it.
type pair struct {
	s, y []float64
	rho  float64 // 1/(s·y)
}

// add learns from a step from x to next.
func (l *lbfgs) add(x, next, grad, nextGrad []float64) {
	var p pair
	if len(l.pairs) == history {
		p = l.pairs[0]
		l.pairs = append(l.pairs[:0], l.pairs[1:]...)
	} else {
		p = pair{s: make([]float64, len(x)), y: make([]float64, len(x))}
	}
	for i := range x {
		p.s[i], p.y[i] = next[i]-x[i], nextGrad[i]-grad[i]
	}
	if sy := dot(p.s, p.y); sy > 1e-12*dot(p.y, p.y) {
		p.rho = 1 / sy
		l.pairs = append(l.pairs, p)
	}
}

// direction returns the way down from a point with a gradient.
func (l *lbfgs) direction(grad []float64) []float64 {
	d := make([]float64, len(grad))
	for i, g := range grad {
		d[i] = -g
	}
	var alpha [history]float64
	for i := len(l.pairs) - 1; i >= 0; i-- {
		p := &l.pairs[i]
		alpha[i] = p.rho * dot(p.s, d)
		addTo(d, -alpha[i], p.y)
	}
	if k := len(l.pairs); k > 0 {
		p := &l.pairs[k-1]
		scale := 1 / (p.rho * dot(p.y, p.y))
		for i := range d {
			d[i] *= scale
		}
	}
	for i := range l.pairs {
		p := &l.pairs[i]
		addTo(d, alpha[i]-p.rho*dot(p.y, d), p.s)
	}
	return d
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func addTo(dst []float64, factor float64, x []float64) {
	for i, v := range x {
		dst[i] += factor * v
	}
}

func largest(v []float64) float64 {
	m := 0.0
	for _, x := range v {
		m = max(m, math.Abs(x))
	}
	return m
}
