package vision

import (
	"math"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/vision/internal/pixel"
)

// kernel returns the filter's reach in units of the larger of the input and
// output pixel pitch, and its function.
func kernel(filter input.Interpolation) (support float64, f func(float64) float64) {
	switch filter {
	case input.Box:
		return 0.5, boxFilter
	case input.Bilinear, input.BilinearHalfPixel, input.BilinearLegacy:
		return 1, triangleFilter
	case input.Lanczos:
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

// cubicFilter is Keys' cubic with a = -0.5. The conversions keep processors that
// can from fusing operations, which would not round as Pillow does.
func cubicFilter(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64((float64((a+2)*x)-(a+3))*x*x) + 1
	case x < 2:
		return (float64((float64((x-5)*x)+8)*x) - 4) * a
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

// computeTaps makes t the weights for the output positions [from, to) of a pass
// that scales in samples to out. w is scratch memory, and returned.
func computeTaps(t *pixel.Taps, w []float64, filter input.Interpolation, in, out, from, to int) []float64 {
	support, f := kernel(filter)
	scale := float64(in) / float64(out)
	stretch, shift := max(scale, 1), 0.5
	switch filter {
	case input.BilinearHalfPixel:
		stretch = 1
	case input.BilinearLegacy:
		stretch, shift = 1, 0
	}
	support = float64(support * stretch)
	t.Reset(to-from, int(math.Ceil(support))*2+1)
	for i := range to - from {
		center := float64((float64(from+i)+shift)*scale) + 0.5 - shift
		lo := max(int(center-support+0.5), 0)
		hi := min(int(center+support+0.5), in)
		w = w[:0]
		for x := lo; x < hi; x++ {
			w = append(w, f((float64(x)-center+0.5)*(1/stretch)))
		}
		t.Set(i, lo, w)
	}
	return w
}

// resized returns a slice of n elements, in s's memory where it is large
// enough. The elements are not cleared.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
