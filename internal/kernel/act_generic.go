package kernel

import "math"

func activateGeneric[T Float](dst, src []T, a Act) {
	dst = dst[:len(src)]
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
			d[i] = x / (1 + exp32(-x))
		}
		return
	}
	for i, x := range s {
		d[i] = 1 / (1 + exp32(-x))
	}
}

// The constants of exp32 and of its vector form. ln 2 is split so that the
// product of its upper part with any exponent is exact.
const (
	expMax     = 88.72283935546875  // the largest float32 whose exponential is finite
	expMin     = -87.33654022216797 // the smallest one whose exponential is a normal number
	log2e      = 1.44269504088896341
	ln2Upper   = 0.693359375
	ln2Lower   = -2.12194440e-4
	roundMagic = 12582912 // 1.5·2^23: adding it rounds to an integer

	expC2 = 5.0000001201e-1
	expC3 = 1.6666665459e-1
	expC4 = 4.1665795894e-2
	expC5 = 8.3334519073e-3
	expC6 = 1.3981999507e-3
	expC7 = 1.9875691500e-4
)

// exp32 returns e^x to 2 units in the last place. Below expMin it returns
// 0, above expMax +Inf.
func exp32(x float32) float32 {
	if !(x >= expMin) {
		if x != x {
			return x
		}
		return 0
	}
	if x > expMax {
		return float32(math.Inf(1))
	}
	n := float32(x*log2e+roundMagic) - roundMagic
	r := x - n*ln2Upper
	r -= n * ln2Lower
	p := float32(expC7)
	p = p*r + expC6
	p = p*r + expC5
	p = p*r + expC4
	p = p*r + expC3
	p = p*r + expC2
	p = p*r*r + r + 1
	// 2^n in two steps, since n reaches 128.
	h := int32(n) >> 1
	a := math.Float32frombits(uint32(h+127) << 23)
	b := math.Float32frombits(uint32(int32(n)-h+127) << 23)
	return p * a * b
}
