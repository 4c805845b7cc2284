package autodiff

import (
	"math"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/tensor"
)

// pool takes the maximum or the mean over windows.
type pool[T tensor.Float] struct {
	local[T]
	op *graph.Pool
}

func (p pool[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	x, c := v.in[0], v.shape.C
	for image := from; image < to; image++ {
		src := x.value(n, w, w.scratch, imageTile(x, image))
		dst := v.out.data[image*v.perImage():]
		p.windows(v, func(at, area int, window []int) {
			out := dst[at*c:][:c]
			if !p.op.Max {
				clear(out)
				for _, i := range window {
					kernel.AddVec(out, out, src.row(i))
				}
				kernel.ScaleVec(out, out, 1/T(area))
				return
			}
			for j := range out {
				out[j] = T(math.Inf(-1))
			}
			for _, i := range window {
				for j, s := range src.row(i) {
					if s > out[j] || s != s {
						out[j] = s
					}
				}
			}
		})
	}
}

func (p pool[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	x, c := v.in[0], v.shape.C
	for image := from; image < to; image++ {
		t := imageTile(x, image)
		var src tile[T]
		if p.op.Max {
			src = x.value(n, w, w.scratch[x.perImage():], t)
		}
		t = v.up[0].room(w.scratch, t)
		clear(t.data[:x.perImage()])
		grad := v.grad.data[image*v.perImage():]
		p.windows(v, func(at, area int, window []int) {
			g := grad[at*c:][:c]
			if !p.op.Max {
				for _, i := range window {
					kernel.MulAdd(t.row(i), 1/T(area), g)
				}
				return
			}
			for j, d := range g {
				best := window[0]
				for _, i := range window[1:] {
					if src.data[i*src.stride+j] > src.data[best*src.stride+j] {
						best = i
					}
				}
				t.data[best*t.stride+j] += d
			}
		})
		n.contribute(v.up[0], w, t)
	}
}

// windows calls f for every output position with the input positions its
// window covers, and the divisor of a mean over it.
func (p pool[T]) windows(v *node[T], f func(at, area int, window []int)) {
	in, out := v.in[0].shape, v.shape
	_, top := p.op.Padding.Extent(in.H, p.op.Kernel, p.op.Stride, 1)
	_, left := p.op.Padding.Extent(in.W, p.op.Kernel, p.op.Stride, 1)
	var window []int
	for y := range out.H {
		for x := range out.W {
			y0, x0 := y*p.op.Stride-top, x*p.op.Stride-left
			window = window[:0]
			for iy := max(y0, 0); iy < min(y0+p.op.Kernel, in.H); iy++ {
				for ix := max(x0, 0); ix < min(x0+p.op.Kernel, in.W); ix++ {
					window = append(window, iy*in.W+ix)
				}
			}
			area := len(window)
			if p.op.CountPad {
				area = p.op.Kernel * p.op.Kernel
			}
			f(y*out.W+x, area, window)
		}
	}
}

func (p pool[T]) scratch(_ *Net[T], v *node[T]) int { return 2 * v.in[0].perImage() }
func (p pool[T]) rereads() bool                     { return p.op.Max }
