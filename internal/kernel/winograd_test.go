package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// winogradCase is a 3×3 convolution of a batch and everything that may come
// with it.
type winogradCase struct {
	s                     ConvShape
	form                  WinogradForm
	images, out           int
	stride                int       // of the destination
	src, w, scale, was    []float32 // was is what the destination holds before
	replace               bool      // the residual is what stands in the destination
	ep                    Epilogue
	from, to              int // tiles
	firstGroup, lastGroup int
}

func newWinogradCase(r *rand.Rand, h, w, c, out int, form WinogradForm) *winogradCase {
	k := &winogradCase{images: 1 + r.IntN(2), out: out, form: form, stride: out + r.IntN(3)}
	k.s = ConvShape{H: h, W: w, C: c, Pixel: c + r.IntN(3), K: 3, Stride: form.Stride, Dilation: 1, Top: r.IntN(3), Left: r.IntN(3)}
	k.s.OutH, k.s.OutW = max(1, (h+k.s.Top-r.IntN(3))/form.Stride), max(1, (w+k.s.Left-r.IntN(3))/form.Stride)
	k.src = randoms(r, (k.images*h*w-1)*k.s.Pixel+c)
	k.w = randoms(r, out*c*9)
	if r.IntN(2) == 0 {
		k.scale = randoms(r, out)
	}
	k.ep.Act = Act(r.IntN(7))
	if r.IntN(2) == 0 { // what the assembly does by itself
		k.ep.Act = []Act{Identity, ReLU, ReLU6}[r.IntN(3)]
	}
	if r.IntN(3) > 0 {
		k.ep.Bias = randoms(r, out)
	}
	pixels := k.images * k.s.OutH * k.s.OutW
	k.was = randoms(r, (pixels-1)*k.stride+out)
	switch r.IntN(3) {
	case 0:
		k.ep.AddStride = out + r.IntN(3)
		k.ep.Add = randoms(r, (pixels-1)*k.ep.AddStride+out)
	case 1:
		k.replace = true
		k.ep.AddStride, k.ep.Add = k.stride, k.was
	}
	m := &Winograd{WinogradForm: form, In: c, Out: out}
	k.to, k.lastGroup = k.images*m.Tiles(&k.s), m.Groups()
	if r.IntN(2) == 0 {
		k.from = r.IntN(k.to)
		k.to = k.from + 1 + r.IntN(k.to-k.from)
		k.firstGroup = r.IntN(k.lastGroup)
	}
	return k
}

func (k *winogradCase) String() string {
	return fmt.Sprintf("%+v images=%d out=%d %+v act=%d bias=%v add=%v replace=%v tiles [%d,%d) groups [%d,%d)", k.s, k.images, k.out, k.form,
		k.ep.Act, k.ep.Bias != nil, k.ep.Add != nil, k.replace, k.from, k.to, k.firstGroup, k.lastGroup)
}

// run computes the case on guarded operands.
func (k *winogradCase) run(t *testing.T, g []*guarded) []float32 {
	t.Helper()
	m := WinogradIn(g[0].zeros(WinogradLen(k.form, k.out, k.s.C)), k.form, k.w, k.out, k.s.C, k.scale)
	ep := k.ep
	ep.Bias, ep.Add = g[1].copyOf(ep.Bias), g[2].copyOf(ep.Add)
	n := k.to - k.from
	v, scratch := g[3].slice(m.InputLen(n)), g[4].slice(m.ScratchLen(n))
	block := Tiles{k.from, k.to}
	src := g[5].copyOf(k.src)
	m.Input(v, src, &k.s, block, Tiles{k.from, k.from + n/3})
	m.Input(v, src, &k.s, block, Tiles{k.from + n/3, k.to})
	dst := g[6].copyOf(k.was)
	if k.replace {
		ep.Add = dst
	}
	m.Output(dst, k.stride, v, &k.s, block, k.firstGroup, k.lastGroup, &ep, scratch)
	g[3].check(t, len(v))
	g[4].check(t, len(scratch))
	g[6].check(t, len(dst))
	return dst
}

// check compares got with sums in float64. Where nothing is to be written, it
// must be what was there.
func (k *winogradCase) check(t *testing.T, got []float32) {
	t.Helper()
	s := &k.s
	size := k.form.Tile
	across, down := (s.OutW+size-1)/size, (s.OutH+size-1)/size
	// The transforms multiply the error of the sums by less than 8 for tiles of
	// 2 and 100 for those of 4, all terms being 1 and of one sign.
	tol := float64(9*s.C) * 0x1p-24 * math.Sqrt(float64(s.C)) * []float64{2: 4, 4: 20}[size]
	for i, y := range got {
		pixel, n := i/k.stride, i%k.stride
		image, at := pixel/(s.OutH*s.OutW), pixel%(s.OutH*s.OutW)
		oy, ox := at/s.OutW, at%s.OutW
		tile := image*across*down + oy/size*across + ox/size
		if n >= k.out || tile < k.from || tile >= k.to || n/winogradCols < k.firstGroup || n/winogradCols >= k.lastGroup {
			if y != k.was[i] {
				t.Fatalf("%v: wrote to pixel %d output %d", k, pixel, n)
			}
			continue
		}
		sum := convRef(func(y, x, c int) float64 {
			if y < 0 || y >= s.H || x < 0 || x >= s.W {
				return 0
			}
			return float64(k.src[((image*s.H+y)*s.W+x)*s.Pixel+c])
		}, k.w, s, n, oy, ox)
		if k.scale != nil {
			sum *= float64(k.scale[n])
		}
		if k.ep.Bias != nil {
			sum += float64(k.ep.Bias[n])
		}
		if k.ep.Add != nil {
			sum += float64(k.ep.Add[pixel*k.ep.AddStride+n])
		}
		want := actRef(sum, k.ep.Act)
		if !(math.Abs(float64(y)-want) <= tol+1e-6) {
			t.Fatalf("%v: pixel %d output %d is %g, want %g ± %.2g", k, pixel, n, y, want, tol)
		}
	}
}

var winogradForms = []WinogradForm{{2, 1}, {4, 1}, {2, 2}}

// Images and channels around the tiles and vectors, with every activation, any
// padding and any part of the tiles and outputs, are convolved right, and
// nothing else is touched.
func TestWinograd(t *testing.T) {
	g := make([]*guarded, 7)
	for i := range g {
		g[i] = newGuarded(t, 1<<17)
	}
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(21, 22))
		cases := 200
		if testing.Short() {
			cases = 40
		}
		for i := range cases {
			k := newWinogradCase(r, 1+r.IntN(9), 1+r.IntN(9), 1+r.IntN(37), 1+i%70, winogradForms[i%3])
			k.check(t, k.run(t, g))
		}
	})
}

// The worst error in a convolution of many channels, whose sums are of a
// magnitude of 1, stays near that of the direct form: 256 channels give about
// 1e-6 for tiles of 2 and 5e-6 for those of 4.
func TestWinogradError(t *testing.T) {
	g := make([]*guarded, 7)
	for i := range g {
		g[i] = newGuarded(t, 1<<20)
	}
	cputest.Each(t, func(t *testing.T) {
		for i, limit := range []float64{5e-6, 2e-5, 5e-6} {
			form := winogradForms[i]
			r := rand.New(rand.NewPCG(23, uint64(i)))
			k := newWinogradCase(r, 6*form.Stride, 6*form.Stride, 256, 32, form)
			k.s.Top, k.s.Left, k.s.OutH, k.s.OutW = 1, 1, 6, 6
			k.images, k.ep, k.scale, k.from, k.firstGroup, k.lastGroup = 1, Epilogue{}, nil, 0, 0, 1
			k.to = (&Winograd{WinogradForm: form}).Tiles(&k.s)
			for i := range k.w {
				k.w[i] /= 16 // 1/√256
			}
			k.was, k.replace = make([]float32, 36*k.stride), false
			got := k.run(t, g)
			worst, total := 0.0, 0.0
			for i, y := range got {
				if i%k.stride >= k.out {
					continue
				}
				pixel := i / k.stride
				want := convRef(func(y, x, c int) float64 {
					if y < 0 || y >= k.s.H || x < 0 || x >= k.s.W {
						return 0
					}
					return float64(k.src[(y*k.s.W+x)*k.s.Pixel+c])
				}, k.w, &k.s, i%k.stride, pixel/6, pixel%6)
				worst = max(worst, math.Abs(float64(y)-want))
				total += want * want
			}
			if rms := math.Sqrt(total / float64(36*k.out)); worst > limit*rms {
				t.Errorf("%+v: error %.2g of the root mean square, want at most %.2g", form, worst/rms, limit)
			} else {
				t.Logf("%+v: error %.2g of the root mean square", form, worst/rms)
			}
		}
	})
}
