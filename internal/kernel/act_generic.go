package kernel

import "math"

func activateGeneric[T Float](dst, src []T, a Act) {
	switch a {
	case Identity:
		copy(dst, src)
	case ReLU:
		for i, x := range src {
			dst[i] = max(x, 0)
		}
	case ReLU6:
		for i, x := range src {
			dst[i] = relu6(x)
		}
	case Swish:
		sigmoidGeneric(dst, src, true)
	case HardSwish:
		for i, x := range src {
			dst[i] = x * (relu6(x+3) / 6)
		}
	case Sigmoid:
		sigmoidGeneric(dst, src, false)
	case HardSigmoid:
		for i, x := range src {
			dst[i] = relu6(x+3) / 6
		}
	default:
		panic("kernel: unknown activation")
	}
}

func relu6[T Float](x T) T { return min(max(x, 0), 6) }

// sigmoidGeneric sets dst to σ(src), or to src·σ(src) if times is true.
func sigmoidGeneric[T Float](dst, src []T, times bool) {
	d, ok := any(dst).([]float32)
	if !ok {
		for i, x := range src {
			y := T(1 / (1 + math.Exp(-float64(x))))
			if times {
				y *= x
			}
			dst[i] = y
		}
		return
	}
	s := any(src).([]float32)
	if times {
		for i, x := range s {
			d[i] = max(x, -expLimit) / (1 + exp32(-x)) // 0 at -Inf
		}
		return
	}
	for i, x := range s {
		d[i] = 1 / (1 + exp32(-x))
	}
}

// expLimit is up to where e^x and e^-x are normal numbers.
const expLimit = 87.33

// exp32 returns e^x to 2 units in the last place, for x limited to ±expLimit. The vector form, of a degree less,
// is right to 3 for x up to 40.
func exp32(x float32) float32 {
	const (
		// ln 2 is split so that the product of its upper part with any
		// exponent is exact.
		upper = 0.693359375
		lower = -2.12194440e-4
		magic = 3 << 22 // adding it rounds to an integer
	)
	switch {
	case x > expLimit:
		x = expLimit
	case x < -expLimit:
		x = -expLimit
	case x != x:
		return x
	}
	n := float32(x*math.Log2E+magic) - magic
	r := x - n*upper
	r -= n * lower
	p := float32(0.00138145987)
	p = p*r + 0.008368717
	p = p*r + 0.041668388
	p = p*r + 0.1666652
	p = p*r + 0.49999993
	p = p*r + 1
	p = p*r + 1
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(n))<<23)
}
