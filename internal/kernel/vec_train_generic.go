package kernel

import "math"

func actGradGeneric[T Float](dy, x []T, a Act) {
	x = x[:len(dy)]
	for i, g := range dy {
		dy[i] = throughAct(g, x[i], a)
	}
}

// throughAct returns g times the derivative of a at x, and 0 where a is flat
// whatever g is.
func throughAct[T Float](g, x T, a Act) T {
	switch a {
	case ReLU:
		if !(x > 0) {
			return 0
		}
	case ReLU6:
		if !(x > 0 && x < 6) {
			return 0
		}
	case Swish:
		s := sigmoidOf(x)
		return g * s * (1 + x*(1-s))
	case HardSwish:
		if !(x >= -3) {
			return 0
		}
		if x <= 3 {
			return g * (x/3 + 0.5)
		}
	case Sigmoid:
		s := sigmoidOf(x)
		return g * s * (1 - s)
	case HardSigmoid:
		if !(x > -3 && x < 3) {
			return 0
		}
		return g / 6
	}
	return g
}

// sigmoidOf returns σ(x).
func sigmoidOf[T Float](x T) T {
	if f, ok := any(x).(float32); ok {
		return T(1 / (1 + exp32(-f)))
	}
	return T(1 / (1 + math.Exp(-float64(x))))
}

func affineActGeneric[T Float](dst []T, dstStride int, src []T, srcStride, rows int, scale, shift []T, act Act) {
	for r := range rows {
		d := dst[r*dstStride:][:len(shift)]
		mulVecGeneric(d, src[r*srcStride:], scale)
		addVecGeneric(d, d, shift)
		activateGeneric(d, d, act)
	}
}

func affineActGradGeneric[T Float](g []T, gStride int, z []T, zStride, rows int, scale, shift, mean []T, act Act, sum, dot []T) {
	for r := range rows {
		d := g[r*gStride:][:len(sum)]
		for c, x := range z[r*zStride:][:len(sum)] {
			d[c] = throughAct(d[c], x*scale[c]+shift[c], act)
			sum[c] += d[c]
			dot[c] += d[c] * (x - mean[c])
		}
	}
}

func affineSwishGradGeneric[T Float](g []T, gStride int, z []T, zStride int, y []T, yStride, rows int, scale, shift, mean []T, sum, dot []T) {
	for r := range rows {
		d, value := g[r*gStride:][:len(sum)], y[r*yStride:][:len(sum)]
		for c, zc := range z[r*zStride:][:len(sum)] {
			x := zc*scale[c] + shift[c]
			sigma := T(0.5)
			if !(max(x, -x) < 1e-30) {
				sigma = value[c] / x
			}
			d[c] = d[c] * sigma * (1 + x*(1-sigma))
			sum[c] += d[c]
			dot[c] += d[c] * (zc - mean[c])
		}
	}
}

func affine2Generic[T Float](dst []T, dstStride int, g []T, gStride int, z []T, zStride, rows int, ag, az, shift []T) {
	for r := range rows {
		d := dst[r*dstStride:][:len(shift)]
		gr, zr := g[r*gStride:][:len(shift)], z[r*zStride:][:len(shift)]
		for c := range d {
			d[c] = ag[c]*gr[c] + az[c]*zr[c] + shift[c]
		}
	}
}

func momentsGeneric[T Float](src []T, stride, rows int, pivot, sum, squares []T) {
	for r := range rows {
		for c, x := range src[r*stride:][:len(sum)] {
			d := x - pivot[c]
			sum[c] += d
			squares[c] += d * d
		}
	}
}

func dotRowsGeneric[T Float](dst, a []T, aStride int, b []T, bStride, rows int) {
	for r := range rows {
		x, y := a[r*aStride:][:len(dst)], b[r*bStride:][:len(dst)]
		for c := range dst {
			dst[c] += x[c] * y[c]
		}
	}
}
