package vision

import "math"

// precisionBits is the number of fractional bits of a filter weight: 32 bits
// less 8 for the sample and 2 for the sign and overshoot, as in Pillow.
const precisionBits = 32 - 8 - 2

// kernel returns the filter's reach in units of the larger of the input and
// output pixel pitch, and its function.
func (i Interpolation) kernel() (support float64, f func(float64) float64) {
	switch i {
	case Box:
		return 0.5, boxFilter
	case Bilinear:
		return 1, triangleFilter
	case Lanczos:
		return 3, lanczosFilter
	default:
		return 2, cubicFilter
	}
}

func boxFilter(x float64) float64 {
	if x > -0.5 && x <= 0.5 {
		return 1
	}
	return 0
}

func triangleFilter(x float64) float64 { return max(0, 1-math.Abs(x)) }

// cubicFilter is Keys' cubic with a = -0.5.
func cubicFilter(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

func lanczosFilter(x float64) float64 {
	if x < -3 || x >= 3 {
		return 0
	}
	return sinc(x) * sinc(x/3)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// taps are the weights of one pass for a run of output positions: position i
// is the sum over j of weight[i·stride+j] · sample[first[i]+j], j < count[i].
type taps struct {
	first, count []int32
	weight       []int32
	stride       int
}

// compute fills t for the output positions [from, to) of a pass that scales in
// samples to out. Weights are fixed-point with precisionBits fractional bits,
// rounded half away from zero.
func (t *taps) compute(filter Interpolation, in, out, from, to int) {
	support, f := filter.kernel()
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support *= stretch
	t.stride = int(math.Ceil(support))*2 + 1
	n := to - from
	t.first, t.count = resized(t.first, n), resized(t.count, n)
	t.weight = resized(t.weight, n*t.stride)
	var w [64]float64
	row := w[:0]
	for i := range n {
		centre := (float64(from+i) + 0.5) * scale
		lo := max(int(centre-support+0.5), 0)
		hi := min(int(centre+support+0.5), in)
		row = row[:0]
		sum := 0.0
		for x := lo; x < hi; x++ {
			v := f((float64(x) - centre + 0.5) * (1 / stretch))
			row = append(row, v)
			sum += v
		}
		t.first[i], t.count[i] = int32(lo), int32(hi-lo)
		for j, v := range row {
			if sum != 0 {
				v /= sum
			}
			t.weight[i*t.stride+j] = int32(v*(1<<precisionBits) + math.Copysign(0.5, v))
		}
	}
}

// span returns the input samples that t reads, [from, to).
func (t *taps) span() (from, to int) {
	last := len(t.first) - 1
	return int(t.first[0]), int(t.first[last] + t.count[last])
}

// resized returns a slice of n elements, in s's memory where it is large
// enough. The elements are not cleared.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
