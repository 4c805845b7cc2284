package autodiff

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/tensor"
)

// convTileElems bounds the input and output elements of a tile of a
// convolution, so that they stay in the second-level cache.
const convTileElems = 64 << 10

// againRows is how many pixels of an output that is not kept are computed at
// once.
const againRows = 256

// conv is a convolution or a fully connected layer. The pixels of its input
// are the rows of a matrix that is multiplied with the weights: directly for
// 1×1, through a copy of every window's values otherwise. That copy is a band
// where the input is the network's and gets no gradient.
type conv[T tensor.Float] struct {
	local[T]
	op     *graph.Conv
	groups []convGroup[T]
	count  *norm[T]          // batch norm whose moments are counted; nil for none
	direct bool              // windows are pixels
	band   *kernel.ConvShape // of windows in bands; nil for none
	pad    struct{ top, left int }
	sumsAt int // where the gradients of the weights, then of the bias, are in worker.weights
}

// convGroup is one group of channels.
type convGroup[T tensor.Float] struct {
	graph.ConvGroup
	inAt, outAt int           // first channels
	param       graph.ParamID // holds the weights
	at          int           // from this value on
	area        int           // values of a window per channel
	positions   []int         // of a window, as they are in a weight; nil for 1×1
	ordered     []T           // weights by output, position and channel; nil for 1×1
	product     product[T]    // of windows, and of gradients of outputs
}

func (g *convGroup[T]) len() int    { return g.Out * g.window() }
func (g *convGroup[T]) window() int { return g.In * g.area }

// weights returns the weights by output, position and channel.
func (g *convGroup[T]) weights(v graph.Values[T]) []T {
	w := v[g.param][g.at:][:g.len()]
	if g.area == 1 {
		return w
	}
	for o := range g.Out {
		for c := range g.In {
			for i, a := range g.positions {
				g.ordered[o*g.window()+i*g.In+c] = w[o*g.window()+c*g.area+a]
			}
		}
	}
	return g.ordered
}

func newConv[T tensor.Float](n *Net[T], v *node[T], op *graph.Conv) *conv[T] {
	k := &conv[T]{op: op, direct: op.Kernel == 1 && op.Stride == 1}
	in := v.in[0].shape
	_, k.pad.top = op.Padding.Extent(in.H, op.Kernel, op.Stride, op.Dilation)
	_, k.pad.left = op.Padding.Extent(in.W, op.Kernel, op.Stride, op.Dilation)
	if s := k.shape(v); len(op.Groups) == 1 && !k.direct && v.in[0].stored() && !v.in[0].needsGrad && s.Banded() {
		k.band = &s
	}
	g := convGroup[T]{area: op.Kernel * op.Kernel}
	if g.area > 1 {
		g.positions = k.positions()
	}
	for i, size := range op.Groups {
		g.ConvGroup = size
		if len(op.Weights) == len(op.Groups) {
			g.param, g.at = op.Weights[i], 0
		} else {
			g.param = op.Weights[0]
		}
		g.product = newProduct[T](&n.opts, g.Out, g.window())
		k.groups = append(k.groups, g)
		g.inAt += size.In
		g.outAt += size.Out
		g.at += g.len()
	}
	for i := range k.groups {
		k.groups[i].reserve(n)
	}
	return k
}

// reserve reserves memory for packed weights.
func (g *convGroup[T]) reserve(n *Net[T]) {
	g.product.reserve(n)
	if g.area > 1 {
		n.pack(g.len(), func(mem []T) { g.ordered = mem })
	}
}

// shape describes a convolution of one group.
func (k *conv[T]) shape(v *node[T]) kernel.ConvShape {
	in, out := v.in[0].shape, v.shape
	return kernel.ConvShape{
		H: in.H, W: in.W, C: in.C, Pixel: in.C, K: k.op.Kernel, Stride: k.op.Stride, Dilation: k.op.Dilation,
		Top: k.pad.top, Left: k.pad.left, OutH: out.H, OutW: out.W,
	}
}

// positions returns the places of a window, numbered along its rows, in the
// order they have in a copy: along the columns for a band.
func (k *conv[T]) positions() []int {
	var p []int
	for i := range k.op.Kernel {
		for j := range k.op.Kernel {
			if k.band != nil {
				p = append(p, j*k.op.Kernel+i)
			} else {
				p = append(p, i*k.op.Kernel+j)
			}
		}
	}
	return p
}

// linear expresses a fully connected layer as a convolution.
func linear(op *graph.Linear) *graph.Conv {
	return &graph.Conv{
		Groups: []graph.ConvGroup{{In: op.In, Out: op.Out}},
		Kernel: 1, Stride: 1, Dilation: 1,
		Weights: []graph.ParamID{op.Weight}, Bias: op.Bias,
	}
}

// window returns the values of a window over all groups.
func (k *conv[T]) window() int {
	n := 0
	for i := range k.groups {
		n += k.groups[i].window()
	}
	return n
}

// weights returns the number of weights over all groups.
func (k *conv[T]) weights() int {
	n := 0
	for i := range k.groups {
		n += k.groups[i].len()
	}
	return n
}

// tileRows returns the size of a tile: pixels for a direct convolution, rows
// of the output otherwise.
func (k *conv[T]) tileRows(v *node[T]) int {
	rows := convTileElems / (k.window() + v.shape.C)
	if k.direct {
		return max(rows&^7, 16)
	}
	return min(max(rows/v.shape.W, 1), v.shape.H)
}

func (k *conv[T]) prepare(n *Net[T], _ *node[T]) {
	for i := range k.groups {
		g := &k.groups[i]
		g.product.pack(g.weights(n.params), n.train)
	}
}

func (k *conv[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	rows := k.tileRows(v)
	if k.direct {
		if v.redo != nil && k.count == nil {
			return
		}
		end := to * v.pixels()
		for p0 := from * v.pixels(); p0 < end; p0 += rows {
			s := w.split()
			t := tile[T]{p0: p0, p1: min(p0+rows, end), c1: k.op.In()}
			x := v.in[0].value(n, w, s.take(t.size()), t)
			t.c1 = v.shape.C
			if v.redo == nil {
				t = t.in(v.out.data, v.shape.C)
			} else {
				t.data, t.stride = s.take(t.size()), v.shape.C
			}
			k.multiply(n, w, t, x.data, x.stride)
			k.countMoments(n, w, t)
		}
		return
	}
	for image := from; image < to; image++ {
		for y0 := 0; y0 < v.shape.H; y0 += rows {
			y1 := min(y0+rows, v.shape.H)
			row := image * v.shape.H
			t := tile[T]{p0: (row + y0) * v.shape.W, p1: (row + y1) * v.shape.W, c1: v.shape.C}.in(v.out.data, v.shape.C)
			if k.band != nil {
				k.eachBand(v, w.scratch, t, func(t tile[T], windows []T) {
					k.multiply(n, w, t, windows, k.band.BandStride())
				})
			} else {
				k.multiply(n, w, t, k.windows(n, v, w, w.split(), image, y0, y1), k.window())
			}
			k.countMoments(n, w, t)
		}
	}
}

// again computes the rectangle t of the output from the input, for outputs
// that are not kept.
func (k *conv[T]) again(n *Net[T], v *node[T], w *worker[T], t tile[T]) {
	x := v.in[0]
	for p := t.p0; p < t.p1; p += againRows {
		t := t.segment(p, min(p+againRows, t.p1))
		in := x.value(n, w, w.input, tile[T]{p0: t.p0, p1: t.p1, c1: x.shape.C})
		if t.cols() == v.shape.C {
			k.multiply(n, w, t, in.data, in.stride)
			continue
		}
		all := tile[T]{data: w.output, stride: v.shape.C, p0: t.p0, p1: t.p1, c1: v.shape.C}
		k.multiply(n, w, all, in.data, in.stride)
		all.data, all.c0, all.c1 = all.data[t.c0:], t.c0, t.c1
		copyRows(t, all)
	}
}

// countMoments adds a tile of the output to the moments of the batch norm.
func (k *conv[T]) countMoments(n *Net[T], w *worker[T], t tile[T]) {
	if k.count != nil && n.train {
		k.count.count(w, t)
	}
}

// multiply computes a tile of all channels of the output from the windows of
// its pixels.
func (k *conv[T]) multiply(n *Net[T], w *worker[T], out tile[T], windows []T, stride int) {
	at := 0
	for i := range k.groups {
		g := &k.groups[i]
		var bias []T
		if k.op.Bias != graph.NoParam {
			bias = n.params[k.op.Bias][g.outAt:][:g.Out]
		}
		g.product.forward(out.data[g.outAt:], out.stride, windows[at:], stride, out.rows(), bias, w.product)
		at += g.window()
	}
}

// inputRows returns the rows of the input under output rows [y0, y1).
func (k *conv[T]) inputRows(in tensor.Shape, y0, y1 int) (from, to int) {
	from = y0*k.op.Stride - k.pad.top
	to = (y1-1)*k.op.Stride - k.pad.top + k.op.Dilation*(k.op.Kernel-1) + 1
	return max(from, 0), max(min(to, in.H), 0)
}

// windows copies the windows of output rows [y0, y1) of an image: one row of
// the result per output pixel, ordered by group, position and channel.
func (k *conv[T]) windows(n *Net[T], v *node[T], w *worker[T], s splitter[T], image, y0, y1 int) []T {
	x := v.in[0]
	from, to := k.inputRows(x.shape, y0, y1)
	width := x.shape.W
	size := max(to-from, 0) * width
	base := image*x.pixels() + from*width
	in := x.value(n, w, s.take(size*x.shape.C), tile[T]{p0: base, p1: base + size, c1: x.shape.C})
	dst := s.take((y1 - y0) * v.shape.W * k.window())
	if len(k.groups) == 1 && k.op.Dilation == 1 {
		k.denseWindows(v, dst, in, y0, y1, from, to)
		return dst
	}
	at := 0
	k.eachPosition(v, y0, y1, func(g *convGroup[T], iy, ix int) {
		row := dst[at:][:g.In]
		if iy >= 0 && iy < x.shape.H && ix >= 0 && ix < width {
			copy(row, in.data[((iy-from)*width+ix)*in.stride+g.inAt:])
		} else {
			clear(row)
		}
		at += g.In
	})
	return dst
}

// eachBand calls f for every row of an image that is in t, a part of the
// output, with a band of its windows in scratch.
func (k *conv[T]) eachBand(v *node[T], scratch []T, t tile[T], f func(t tile[T], windows []T)) {
	x := v.in[0]
	for p := t.p0; p < t.p1; p += v.shape.W {
		image, y := p/v.pixels(), p%v.pixels()/v.shape.W
		kernel.Band(scratch, x.out.data[image*x.perImage():], k.band, y)
		f(t.segment(p, p+v.shape.W), scratch)
	}
}

// denseWindows is windows for one group without dilation, where every row of a
// window is a run of values. in holds input rows [from, to).
func (k *conv[T]) denseWindows(v *node[T], dst []T, in tile[T], y0, y1, from, to int) {
	c, width := in.cols(), v.in[0].shape.W
	run := k.op.Kernel * c
	for y := y0; y < y1; y++ {
		for x := range v.shape.W {
			x0 := x*k.op.Stride - k.pad.left
			first, last := max(x0, 0), min(x0+k.op.Kernel, width)
			for ky := range k.op.Kernel {
				row := dst[:run]
				dst = dst[run:]
				iy := y*k.op.Stride - k.pad.top + ky
				if iy < from || iy >= to || first >= last {
					clear(row)
					continue
				}
				src := in.data[((iy-from)*width+first)*c : ((iy-from)*width+last)*c]
				if len(src) == run {
					//lint:ignore S1001 a loop is quicker than a call for so few
					for i, value := range src {
						row[i] = value
					}
					continue
				}
				clear(row)
				copy(row[(first-x0)*c:], src)
			}
		}
	}
}

// eachPosition calls f for every pixel of output rows [y0, y1), every group and
// every position of its window: the order of windows.
func (k *conv[T]) eachPosition(v *node[T], y0, y1 int, f func(g *convGroup[T], iy, ix int)) {
	for y := y0; y < y1; y++ {
		for x := range v.shape.W {
			for i := range k.groups {
				for ky := range k.op.Kernel {
					for kx := range k.op.Kernel {
						f(&k.groups[i], y*k.op.Stride-k.pad.top+ky*k.op.Dilation, x*k.op.Stride-k.pad.left+kx*k.op.Dilation)
					}
				}
			}
		}
	}
}

func (k *conv[T]) prepareBack(n *Net[T], v *node[T]) {
	if v.up[0] == nil {
		return
	}
	for i := range k.groups {
		g := &k.groups[i]
		g.product.packBack(g.weights(n.params))
	}
}

func (k *conv[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	rows := k.tileRows(v)
	sums := w.weights[k.sumsAt:]
	if !k.direct {
		for image := from; image < to; image++ {
			k.backwardImage(n, v, w, sums, image, rows)
		}
		return
	}
	end := to * v.pixels()
	for p0 := from * v.pixels(); p0 < end; p0 += rows {
		k.backwardPixels(n, v, w, sums, p0, min(p0+rows, end))
	}
}

// backwardPixels handles a tile of a direct convolution.
func (k *conv[T]) backwardPixels(n *Net[T], v *node[T], w *worker[T], sums []T, p0, p1 int) {
	x := v.in[0]
	s := w.split()
	g := v.gradient(n, w, s.take((p1-p0)*v.shape.C), tile[T]{p0: p0, p1: p1, c1: v.shape.C})
	in := x.valueKept(n, w, &s, tile[T]{p0: p0, p1: p1, c1: x.shape.C})
	k.addWeights(w, sums, g, in.data, in.stride)
	if e := v.up[0]; e != nil {
		t := e.room(s.take((p1-p0)*x.shape.C), tile[T]{p0: p0, p1: p1, c1: x.shape.C})
		k.multiplyAdjoint(w, t.data, t.stride, g)
		n.contribute(e, w, t)
	}
	w.known = known[T]{}
}

// backwardImage handles an image of any other convolution.
func (k *conv[T]) backwardImage(n *Net[T], v *node[T], w *worker[T], sums []T, image, rows int) {
	x := v.in[0]
	s := w.split()
	e := v.up[0]
	t := imageTile(x, image)
	if e != nil {
		t = e.room(s.take(x.perImage()), t)
		clear(t.data[:x.perImage()])
	}
	for y0 := 0; y0 < v.shape.H; y0 += rows {
		y1 := min(y0+rows, v.shape.H)
		s := s
		p := image * v.pixels()
		g := v.gradient(n, w, s.take((y1-y0)*v.shape.W*v.shape.C), tile[T]{p0: p + y0*v.shape.W, p1: p + y1*v.shape.W, c1: v.shape.C})
		if k.band != nil {
			k.eachBand(v, s.rest, g, func(g tile[T], windows []T) {
				k.addWeights(w, sums, g, windows, k.band.BandStride())
			})
			continue
		}
		windows := k.windows(n, v, w, s, image, y0, y1)
		k.addWeights(w, sums, g, windows, k.window())
		if e == nil {
			continue
		}
		k.multiplyAdjoint(w, windows, k.window(), g)
		at := 0
		k.eachPosition(v, y0, y1, func(g *convGroup[T], iy, ix int) {
			if iy >= 0 && iy < x.shape.H && ix >= 0 && ix < x.shape.W {
				dst := t.row(iy*x.shape.W + ix)[g.inAt:][:g.In]
				kernel.AddVec(dst, dst, windows[at:])
			}
			at += g.In
		})
	}
	if e != nil {
		n.contribute(e, w, t)
	}
}

// addWeights adds the gradients of weights and bias from a tile g of the
// output's gradient and the windows of its pixels.
func (k *conv[T]) addWeights(w *worker[T], sums []T, g tile[T], windows []T, stride int) {
	at, weight := 0, 0
	for i := range k.groups {
		c := &k.groups[i]
		c.product.addWeights(sums[weight:], g.data[c.outAt:], g.stride, windows[at:], stride, g.rows(), w.product)
		at += c.window()
		weight += c.len()
	}
	if k.op.Bias != graph.NoParam {
		kernel.SumRows(sums[weight:][:g.cols()], g.data, g.stride, g.rows())
	}
}

// multiplyAdjoint computes the gradients of the windows of the pixels of g.
func (k *conv[T]) multiplyAdjoint(w *worker[T], dst []T, stride int, g tile[T]) {
	at := 0
	for i := range k.groups {
		c := &k.groups[i]
		c.product.back(dst[at:], stride, g.data[c.outAt:], g.stride, g.rows(), w.product)
		at += c.window()
	}
}

// finishBack adds the sums of all workers to the gradients, one after the
// other.
func (k *conv[T]) finishBack(n *Net[T], v *node[T], parts int) {
	at := k.sumsAt
	for i := range k.groups {
		g := &k.groups[i]
		if grad := n.gradient(g.param); grad != nil {
			pieces := min(g.Out, len(n.workers))
			n.mem.pool.Run(pieces, func(piece int) {
				from, to := par.Split(g.Out, pieces, piece)
				for p := range parts {
					g.addTo(grad[g.at:], n.workers[p].weights[at:], from, to)
				}
			})
		}
		at += g.len()
	}
	if grad := n.gradient(k.op.Bias); grad != nil {
		for p := range parts {
			kernel.AddVec(grad, grad, n.workers[p].weights[at:])
		}
	}
}

// addTo adds the weights of output channels [from, to), ordered by position
// and channel, to dst, ordered by channel and position.
func (g *convGroup[T]) addTo(dst, src []T, from, to int) {
	window := g.window()
	dst, src = dst[from*window:to*window], src[from*window:to*window]
	if g.area == 1 {
		kernel.AddVec(dst, dst, src)
		return
	}
	for ; len(dst) > 0; dst, src = dst[window:], src[window:] {
		for i, a := range g.positions {
			for c := range g.In {
				dst[c*g.area+a] += src[i*g.In+c]
			}
		}
	}
}

func (k *conv[T]) scratch(n *Net[T], v *node[T]) int {
	x := v.in[0]
	rows := k.tileRows(v)
	if k.direct {
		return rows * (v.shape.C + 3*x.shape.C)
	}
	if k.band != nil {
		return max(rows*v.shape.W*v.shape.C+k.band.BandLen(), local[T]{}.scratch(n, v))
	}
	from, to := k.inputRows(tensor.Shape{H: 1 << 30}, 1<<20, 1<<20+rows)
	under := min(to-from, x.shape.H) * x.shape.W * x.shape.C
	return x.perImage() + under + rows*v.shape.W*(v.shape.C+k.window())
}

func (k *conv[T]) rereads() bool { return true }

// splitter hands out pieces of a worker's private memory.
type splitter[T tensor.Float] struct{ rest []T }

func (w *worker[T]) split() splitter[T] { return splitter[T]{w.scratch} }

func (s *splitter[T]) take(n int) []T {
	piece := s.rest[:n:n]
	s.rest = s.rest[n:]
	return piece
}
