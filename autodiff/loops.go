package autodiff

import (
	"math"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// The functions below work on tiles: rows × cols values, row i of a tile
// starting at i times its stride.

// copyRows copies src to dst.
func copyRows[T tensor.Float](dst []T, ds int, src []T, ss, rows, cols int) {
	for i := range rows {
		copy(dst[i*ds:][:cols], src[i*ss:])
	}
}

// addRows adds src to dst.
func addRows[T tensor.Float](dst []T, ds int, src []T, ss, rows, cols int) {
	for i := range rows {
		d, s := dst[i*ds:][:cols], src[i*ss:][:cols]
		for j := range d {
			d[j] += s[j]
		}
	}
}

// addToRows adds s to every row.
func addToRows[T tensor.Float](dst []T, ds, rows, cols int, s []T) {
	for i := range rows {
		d, s := dst[i*ds:][:cols], s[:cols]
		for j := range d {
			d[j] += s[j]
		}
	}
}

// mulRows multiplies every row by s.
func mulRows[T tensor.Float](dst []T, ds, rows, cols int, s []T) {
	for i := range rows {
		d, s := dst[i*ds:][:cols], s[:cols]
		for j := range d {
			d[j] *= s[j]
		}
	}
}

// scaleRows multiplies everything by f.
func scaleRows[T tensor.Float](dst []T, ds, rows, cols int, f T) {
	for i := range rows {
		d := dst[i*ds:][:cols]
		for j := range d {
			d[j] *= f
		}
	}
}

// sumRows adds the rows of src to sum.
func sumRows[T tensor.Float](sum, src []T, ss, rows, cols int) {
	for i := range rows {
		addRows(sum, cols, src[i*ss:], cols, 1, cols)
	}
}

// dotRows adds the products of the rows of a and b to sum.
func dotRows[T tensor.Float](sum, a []T, as int, b []T, bs, rows, cols int) {
	sum = sum[:cols]
	for i := range rows {
		a, b := a[i*as:][:cols], b[i*bs:][:cols]
		for j := range sum {
			sum[j] += a[j] * b[j]
		}
	}
}

// addMoments adds x-pivot and its square to sum and squares.
func addMoments[T tensor.Float](sum, squares, x []T, xs, rows, cols int, pivot []T) {
	sum, squares, pivot = sum[:cols], squares[:cols], pivot[:cols]
	for i := range rows {
		x := x[i*xs:][:cols]
		for j := range x {
			d := x[j] - pivot[j]
			sum[j] += d
			squares[j] += d * d
		}
	}
}

// gradSums adds g to sum and g·(x-mean) to dot.
func gradSums[T tensor.Float](sum, dot, g []T, gs int, x []T, xs, rows, cols int, mean []T) {
	sum, dot, mean = sum[:cols], dot[:cols], mean[:cols]
	for i := range rows {
		g, x := g[i*gs:][:cols], x[i*xs:][:cols]
		for j := range g {
			sum[j] += g[j]
			dot[j] += g[j] * (x[j] - mean[j])
		}
	}
}

// affine2 writes a·g + b·x + c.
func affine2[T tensor.Float](dst []T, ds int, g []T, gs int, x []T, xs, rows, cols int, a, b, c []T) {
	a, b, c = a[:cols], b[:cols], c[:cols]
	for i := range rows {
		d, g, x := dst[i*ds:][:cols], g[i*gs:][:cols], x[i*xs:][:cols]
		for j := range d {
			d[j] = a[j]*g[j] + b[j]*x[j] + c[j]
		}
	}
}

// affineAct writes f(scale·x + shift); scale and shift may be nil.
func affineAct[T tensor.Float](dst []T, ds int, src []T, ss, rows, cols int, scale, shift []T, f graph.Activation) {
	for i := range rows {
		d, s := dst[i*ds:][:cols], src[i*ss:][:cols]
		if scale == nil {
			copy(d, s)
		} else {
			scale, shift := scale[:cols], shift[:cols]
			for j := range d {
				d[j] = s[j]*scale[j] + shift[j]
			}
		}
		activate(d, f)
	}
}

// activate applies f in place.
func activate[T tensor.Float](x []T, f graph.Activation) {
	switch f {
	case graph.ReLU:
		for i, v := range x {
			x[i] = max(v, 0)
		}
	case graph.ReLU6:
		for i, v := range x {
			x[i] = min(max(v, 0), 6)
		}
	case graph.Swish:
		for i, v := range x {
			x[i] = v * sigmoid(v)
		}
	case graph.HardSwish:
		for i, v := range x {
			x[i] = v * min(max(v+3, 0), 6) / 6
		}
	case graph.Sigmoid:
		for i, v := range x {
			x[i] = sigmoid(v)
		}
	case graph.HardSigmoid:
		for i, v := range x {
			x[i] = min(max(v+3, 0), 6) / 6
		}
	}
}

// actGrad multiplies g by f'(scale·x + shift); scale and shift may be nil.
func actGrad[T tensor.Float](g []T, gs int, x []T, xs, rows, cols int, scale, shift []T, f graph.Activation) {
	if f == graph.Identity {
		return
	}
	for i := range rows {
		g, x := g[i*gs:][:cols], x[i*xs:][:cols]
		for j := range g {
			v := x[j]
			if scale != nil {
				v = v*scale[j] + shift[j]
			}
			g[j] *= slope(v, f)
		}
	}
}

// slope returns f'(x). At the corners of piecewise functions it is PyTorch's.
func slope[T tensor.Float](x T, f graph.Activation) T {
	switch f {
	case graph.ReLU:
		if x > 0 {
			return 1
		}
		return 0
	case graph.ReLU6:
		if x > 0 && x < 6 {
			return 1
		}
		return 0
	case graph.Swish:
		s := sigmoid(x)
		return s * (1 + x*(1-s))
	case graph.HardSwish:
		switch {
		case x <= -3:
			return 0
		case x < 3:
			return x/3 + 0.5
		}
		return 1
	case graph.Sigmoid:
		s := sigmoid(x)
		return s * (1 - s)
	case graph.HardSigmoid:
		if x > -3 && x < 3 {
			return T(1) / 6
		}
		return 0
	}
	return 1
}

func sigmoid[T tensor.Float](x T) T { return T(1 / (1 + math.Exp(-float64(x)))) }

// addOuter adds gᵀ·a to sum: sum[o][i] += Σ over rows of g[row][o]·a[row][i].
func addOuter[T tensor.Float](sum []T, ss int, g []T, gs int, a []T, as, rows, outs, ins int) {
	for r := range rows {
		a := a[r*as:][:ins]
		for o, f := range g[r*gs:][:outs] {
			d := sum[o*ss:][:ins]
			for i := range d {
				d[i] += f * a[i]
			}
		}
	}
}
