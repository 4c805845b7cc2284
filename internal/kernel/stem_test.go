package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// convRef is a dense convolution by its definition, in float64. at returns the
// image with its padding.
func convRef(at func(y, x, c int) float64, w []float32, s *ConvShape, n, y, x int) float64 {
	sum := 0.0
	for c := range s.C {
		for ky := range s.K {
			for kx := range s.K {
				sum += float64(w[((n*s.C+c)*s.K+ky)*s.K+kx]) *
					at(y*s.Stride-s.Top+ky*s.Dilation, x*s.Stride-s.Left+kx*s.Dilation, c)
			}
		}
	}
	return sum
}

var convShapes = []ConvShape{
	{H: 7, W: 9, C: 3, Pixel: 3, K: 3, Stride: 2, Dilation: 1, Top: 1, Left: 1, OutH: 4, OutW: 5},
	{H: 60, W: 61, C: 3, Pixel: 3, K: 3, Stride: 2, Dilation: 1, Top: 0, Left: 1, OutH: 30, OutW: 31},
	{H: 30, W: 50, C: 3, Pixel: 4, K: 7, Stride: 2, Dilation: 1, Top: 3, Left: 3, OutH: 15, OutW: 25},
	{H: 26, W: 28, C: 5, Pixel: 8, K: 3, Stride: 1, Dilation: 1, Top: 1, Left: 1, OutH: 26, OutW: 28},
	{H: 26, W: 28, C: 2, Pixel: 2, K: 3, Stride: 1, Dilation: 2, Top: 2, Left: 2, OutH: 26, OutW: 28},
	{H: 5, W: 61, C: 5, Pixel: 8, K: 1, Stride: 2, Dilation: 1, OutH: 3, OutW: 31},
	{H: 5, W: 61, C: 5, Pixel: 8, K: 1, Stride: 2, Dilation: 1, Top: 1, OutH: 3, OutW: 31},
	{H: 5, W: 9, C: 5, Pixel: 8, K: 1, Stride: 2, Dilation: 1, OutH: 3, OutW: 5},
	{H: 1, W: 1, C: 4, Pixel: 4, K: 5, Stride: 1, Dilation: 1, Top: 2, Left: 2, OutH: 1, OutW: 1},
	{H: 2, W: 3, C: 1, Pixel: 1, K: 5, Stride: 1, Dilation: 1, Top: 8, Left: 20, OutH: 10, OutW: 40},
}

func TestConv(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, s := range convShapes {
			for _, out := range []int{1, 16, 21} {
				checkConv(t, r, &s, out, 0, s.OutH)
				checkConv(t, r, &s, out, s.OutH/3, s.OutH*2/3)
			}
		}
	})
}

// checkConv compares output rows [y0, y1) from float32 and from bytes.
func checkConv(t *testing.T, r *rand.Rand, s *ConvShape, out, y0, y1 int) {
	t.Helper()
	name := fmt.Sprintf("%+v out=%d rows %d to %d", *s, out, y0, y1)
	w := randoms(r, out*s.C*s.K*s.K)
	src := randoms(r, (s.H*s.W-1)*s.Pixel+s.C)
	bytes := make([]uint8, len(src))
	for i := range bytes {
		bytes[i] = uint8(r.IntN(256))
	}
	mean, std := randoms(r, s.C), randoms(r, s.C)
	for c := range mean {
		mean[c], std[c] = 128+64*mean[c], 60+20*std[c]
	}
	pixels := (y1 - y0) * s.OutW
	ep := &Epilogue{Bias: randoms(r, out), Act: ReLU, Add: randoms(r, pixels*out), AddStride: out}
	stride := out + r.IntN(2)
	got, gotBytes := make([]float32, pixels*stride), make([]float32, pixels*stride)
	scratch := make([]float32, s.ConvScratch())
	Conv(got, stride, src, s, y0, y1, PackConv(w, out, s.C, s.K), ep, scratch)

	folded := append([]float32(nil), w...)
	epBytes := *ep
	epBytes.Bias = append([]float32(nil), ep.Bias...)
	FoldNormalization(folded, epBytes.Bias, s.C, mean, std)
	ConvBytes(gotBytes, stride, bytes, s, mean, y0, y1, PackConv(folded, out, s.C, s.K), &epBytes, scratch)

	inside := func(y, x int) bool { return y >= 0 && y < s.H && x >= 0 && x < s.W }
	for i := range pixels {
		for n := range out {
			y, x := y0+i/s.OutW, i%s.OutW
			after := func(sum float64) float64 {
				return max(sum+float64(ep.Bias[n])+float64(ep.Add[i*out+n]), 0)
			}
			want := after(convRef(func(y, x, c int) float64 {
				if !inside(y, x) {
					return 0
				}
				return float64(src[(y*s.W+x)*s.Pixel+c])
			}, w, s, n, y, x))
			wantBytes := after(convRef(func(y, x, c int) float64 {
				if !inside(y, x) {
					return 0
				}
				return (float64(bytes[(y*s.W+x)*s.Pixel+c]) - float64(mean[c])) / float64(std[c])
			}, w, s, n, y, x))
			// Sums of up to 147 values, with bytes of up to 5 before and 6 after folding.
			if e := math.Abs(float64(got[i*stride+n]) - want); !(e <= 2e-5) {
				t.Fatalf("%s: pixel %d output %d is %g, want %g", name, i, n, got[i*stride+n], want)
			}
			if e := math.Abs(float64(gotBytes[i*stride+n]) - wantBytes); !(e <= 5e-4) {
				t.Fatalf("%s: pixel %d output %d from bytes is %g, want %g", name, i, n, gotBytes[i*stride+n], wantBytes)
			}
		}
	}
}

// BenchmarkStem is the first layer of MixNet-S and -M at 224×224.
func BenchmarkStem(b *testing.B) {
	s := &ConvShape{H: 224, W: 224, C: 3, Pixel: 3, K: 3, Stride: 2, Dilation: 1, Top: 1, Left: 1, OutH: 112, OutW: 112}
	r := rand.New(rand.NewPCG(1, 2))
	src, bytes, pad := randoms(r, 224*224*3), make([]uint8, 224*224*3), randoms(r, 3)
	scratch := make([]float32, s.ConvScratch())
	for _, out := range []int{16, 24} {
		w, dst := PackConv(randoms(r, out*27), out, 3, 3), make([]float32, 112*112*out)
		ep := &Epilogue{Bias: randoms(r, out), Act: ReLU}
		b.Run(fmt.Sprint("float32/", out), func(b *testing.B) {
			b.ReportMetric(1e6*fastest(b, func() { Conv(dst, out, src, s, 0, 112, w, ep, scratch) }), "µs")
		})
		b.Run(fmt.Sprint("bytes/", out), func(b *testing.B) {
			b.ReportMetric(1e6*fastest(b, func() { ConvBytes(dst, out, bytes, s, pad, 0, 112, w, ep, scratch) }), "µs")
		})
	}
}
