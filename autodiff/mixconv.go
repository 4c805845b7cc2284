package autodiff

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/tensor"
)

// mixTileElems bounds the tiles of depthwise convolutions. They have all
// channels, so that memory is read in order, if the rows that fit are twice
// what the largest kernel spans; else as many channels as fit with whole planes,
// but not fewer than mixTileChannels.
const (
	mixTileElems    = 512 << 10
	mixTileChannels = 16
)

// mixConv is a mixed depthwise convolution.
type mixConv[T tensor.Float] struct {
	local[T]
	op     *graph.MixConv
	parts  []mixPart[T]
	blocks []mixBlock[T]
	units  []mixUnit[T]
	count  *norm[T] // batch norm whose moments are counted; nil for none
}

// mixPart is a range of channels with one kernel size: a group, or a piece of
// a large one.
type mixPart[T tensor.Float] struct {
	graph.MixGroup // Channels is that of the part
	param          graph.ParamID
	first          int // channel within the group
	c0             int // channel within the tensor
	top, left      int // zeros before the input
	filter         *kernel.DWFilterOf[T]
	sums           []*kernel.DWFilterOf[T] // gradients of the filter, one per worker
}

// span returns the extent of the kernel.
func (p *mixPart[T]) span() int { return p.Dilation*(p.Kernel-1) + 1 }

// weights returns the part's piece of a value of its parameter.
func (p *mixPart[T]) weights(v []T) []T { return v[p.first*p.Kernel*p.Kernel:] }

// mixBlock is a range of channels that is worked on at once.
type mixBlock[T tensor.Float] struct {
	parts  []mixPart[T]
	c0, c1 int
	rows   int // output rows of a tile
	above  int // input rows that the farthest kernel reads before an output's own
	below  int // and from its own on
}

func newMixConv[T tensor.Float](n *Net[T], v *node[T], op *graph.MixConv) *mixConv[T] {
	m := &mixConv[T]{op: op}
	in := v.in[0].shape
	limit := max(mixTileElems/(in.H*in.W), mixTileChannels)
	widest := 0
	for _, g := range op.Groups {
		widest = max(widest, g.Dilation*(g.Kernel-1)+1)
	}
	if mixTileElems/(in.W*in.C) >= 2*widest {
		limit = in.C
	}
	c0 := 0
	for i, g := range op.Groups {
		p := mixPart[T]{MixGroup: g, param: op.Weights[i]}
		_, p.top = op.Padding.Extent(in.H, g.Kernel, op.Stride, g.Dilation)
		_, p.left = op.Padding.Extent(in.W, g.Kernel, op.Stride, g.Dilation)
		pieces := (g.Channels + limit - 1) / limit
		step := ((g.Channels+pieces-1)/pieces + 15) &^ 15
		for p.first = 0; p.first < g.Channels; p.first += step {
			p.Channels = min(step, g.Channels-p.first)
			p.c0 = c0 + p.first
			p.reserve(n)
			m.parts = append(m.parts, p)
		}
		c0 += g.Channels
	}
	for rest := m.parts; len(rest) > 0; {
		b := mixBlock[T]{c0: rest[0].c0, c1: rest[0].c0}
		size := 0
		for ; size < len(rest) && (size == 0 || b.c1+rest[size].Channels-b.c0 <= limit); size++ {
			b.c1 += rest[size].Channels
			b.above, b.below = max(b.above, rest[size].top), max(b.below, rest[size].span()-rest[size].top)
		}
		b.parts, rest = rest[:size], rest[size:]
		rows := (mixTileElems/(in.W*(b.c1-b.c0))-b.above-b.below)/op.Stride + 1
		b.rows = min(max(rows, 4), v.shape.H)
		m.blocks = append(m.blocks, b)
	}
	m.cut(v)
	return m
}

// reserve reserves memory for the filter and its gradients.
func (p *mixPart[T]) reserve(n *Net[T]) {
	p.filter, p.sums = kernel.EmptyDWFilter[T](p.Kernel, p.Channels), nil
	n.packFilter(p.filter)
	if n.opts.ForwardOnly {
		return
	}
	for range n.workers {
		sums := kernel.EmptyDWFilter[T](p.Kernel, p.Channels)
		n.packFilter(sums)
		p.sums = append(p.sums, sums)
	}
}

// mixUnit is a tile: output rows [y0, y1) of one block of one image.
type mixUnit[T tensor.Float] struct {
	*mixBlock[T]
	image, y0, y1 int
}

// cut lists the tiles of one image.
func (m *mixConv[T]) cut(v *node[T]) {
	for i := range m.blocks {
		b := &m.blocks[i]
		for y := 0; y < v.shape.H; y += b.rows {
			m.units = append(m.units, mixUnit[T]{mixBlock: b, y0: y, y1: min(y+b.rows, v.shape.H)})
		}
	}
}

// of returns the rectangle of rows [y0, y1) of a unit in x.
func (u mixUnit[T]) of(x *node[T], y0, y1 int) tile[T] {
	row := u.image * x.shape.H
	return tile[T]{p0: (row + y0) * x.shape.W, p1: (row + y1) * x.shape.W, c0: u.c0, c1: u.c1}
}

// under returns the input rows that output rows [y0, y1) read.
func (m *mixConv[T]) under(v *node[T], u mixUnit[T]) (y0, y1 int) {
	y0 = max(u.y0*m.op.Stride-u.above, 0)
	y1 = min((u.y1-1)*m.op.Stride+u.below, v.in[0].shape.H)
	return y0, max(y0, y1)
}

// geometry describes the convolution of a part from input rows [in0, in1) to
// output rows [out0, out1).
func (m *mixConv[T]) geometry(v *node[T], p *mixPart[T], in0, in1, out0, out1, srcStride, dstStride int) kernel.DW {
	return kernel.DW{
		H: in1 - in0, W: v.in[0].shape.W, OutH: out1 - out0, OutW: v.shape.W,
		Channels: p.Channels, SrcStride: srcStride, DstStride: dstStride,
		Kernel: p.Kernel, Stride: m.op.Stride, Dilation: p.Dilation,
		PadTop: p.top + in0 - out0*m.op.Stride, PadLeft: p.left,
	}
}

func (m *mixConv[T]) prepare(n *Net[T], _ *node[T]) {
	for i := range m.parts {
		p := &m.parts[i]
		p.filter.Pack(p.weights(n.params[p.param]))
	}
}

func (m *mixConv[T]) forward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	for image := from; image < to; image++ {
		for _, u := range m.units {
			u.image = image
			m.forwardUnit(n, v, w, u)
		}
	}
}

func (m *mixConv[T]) forwardUnit(n *Net[T], v *node[T], w *worker[T], u mixUnit[T]) {
	y0, y1 := m.under(v, u)
	x := v.in[0].value(n, w, w.scratch, u.of(v.in[0], y0, y1))
	out := u.of(v, u.y0, u.y1).in(v.out.data, v.shape.C)
	for i := range u.parts {
		p := &u.parts[i]
		g := m.geometry(v, p, y0, y1, u.y0, u.y1, x.stride, out.stride)
		kernel.Depthwise(out.data[p.c0-u.c0:], x.data[p.c0-u.c0:], p.filter, &g, nil, kernel.Identity, 0, g.OutH, nil)
	}
	if m.count != nil && n.train {
		m.count.count(w, out)
	}
}

func (m *mixConv[T]) prepareBack(n *Net[T], _ *node[T]) {
	for i := range m.parts {
		p := &m.parts[i]
		p.filter.PackReversed(p.weights(n.params[p.param]))
		for _, s := range p.sums {
			s.Clear()
		}
	}
}

func (m *mixConv[T]) backward(n *Net[T], v *node[T], w *worker[T], from, to int) {
	for image := from; image < to; image++ {
		for _, u := range m.units {
			u.image = image
			m.backwardUnit(n, v, w, u)
		}
	}
}

func (m *mixConv[T]) finishBack(n *Net[T], _ *node[T], parts int) {
	n.mem.pool.Run(len(m.parts), func(i int) {
		p := &m.parts[i]
		if grad := n.gradient(p.param); grad != nil {
			for _, s := range p.sums[:parts] {
				s.AddTo(p.weights(grad))
			}
		}
	})
}

func (m *mixConv[T]) backwardUnit(n *Net[T], v *node[T], w *worker[T], u mixUnit[T]) {
	x, e := v.in[0], v.up[0]
	s := w.split()
	own0, own1 := m.owned(v, u)
	out0, out1 := m.reached(v, u, own0, own1)
	grad := u.of(v, out0, out1)
	grad = v.gradient(n, w, s.take(grad.size()), grad)

	in0, in1 := m.under(v, u)
	src := u.of(x, in0, in1)
	src = x.valueKept(n, w, &s, src)
	defer func() { w.known = known[T]{} }()
	inner := grad.data[(u.y0-out0)*v.shape.W*grad.stride:]
	for i := range u.parts {
		p := &u.parts[i]
		g := m.geometry(v, p, in0, in1, u.y0, u.y1, src.stride, grad.stride)
		kernel.DepthwiseGradWeight(p.sums[w.part], src.data[p.c0-u.c0:], inner[p.c0-u.c0:], &g, 0, g.OutH)
	}
	if e == nil || own0 == own1 {
		return
	}
	t := u.of(x, own0, own1)
	t = e.room(s.take(t.size()), t)
	for i := range u.parts {
		p := &u.parts[i]
		g := m.geometry(v, p, own0, own1, out0, out1, t.stride, grad.stride)
		kernel.DepthwiseGradInput(t.data[p.c0-u.c0:], grad.data[p.c0-u.c0:], p.filter, &g, 0, g.H)
	}
	n.contribute(e, w, t)
}

// owned returns the input rows whose gradients a unit computes.
func (m *mixConv[T]) owned(v *node[T], u mixUnit[T]) (y0, y1 int) {
	h := v.in[0].shape.H
	y0, y1 = min(u.y0*m.op.Stride, h), min(u.y1*m.op.Stride, h)
	if u.y1 == v.shape.H {
		y1 = h
	}
	return y0, y1
}

// reached returns a range of output rows that holds the unit's own and all
// that read input rows [in0, in1).
func (m *mixConv[T]) reached(v *node[T], u mixUnit[T], in0, in1 int) (y0, y1 int) {
	y0 = max(in0-u.below+1, 0) / m.op.Stride
	y1 = min((in1-1+u.above)/m.op.Stride+1, v.shape.H)
	return min(y0, u.y0), max(y1, u.y1)
}

func (m *mixConv[T]) scratch(_ *Net[T], v *node[T]) int {
	largest := 0
	for _, u := range m.units {
		x := v.in[0]
		own0, own1 := m.owned(v, u)
		out0, out1 := m.reached(v, u, own0, own1)
		in0, in1 := m.under(v, u)
		largest = max(largest, u.of(v, out0, out1).size()+2*u.of(x, in0, in1).size()+u.of(x, own0, own1).size())
	}
	return largest
}

func (m *mixConv[T]) rereads() bool { return true }
