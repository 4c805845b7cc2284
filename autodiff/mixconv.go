package autodiff

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/tensor"
)

// Sizes of the tiles of depthwise convolutions: as many channels as fit into
// mixTileElems with whole planes, but not fewer than mixTileChannels, and then
// as many rows as fit.
const (
	mixTileElems    = 48 << 10
	mixTileChannels = 16
)

// mixConv is a mixed depthwise convolution.
type mixConv[T tensor.Float] struct {
	op     *graph.MixConv
	blocks []mixBlock[T]
	count  *norm[T] // batch norm whose moments are counted; nil for none
}

// mixBlock is a range of channels with one kernel size, worked on at once.
type mixBlock[T tensor.Float] struct {
	graph.MixGroup // Channels is that of the block
	param          graph.ParamID
	first          int // channel within the group
	c0             int // channel within the tensor
	rows           int // output rows of a tile
	top, left      int // zeros before the input
	filter         *kernel.DWFilterOf[T]
	sums           []*kernel.DWFilterOf[T] // gradients of the filter, one per worker
}

// span returns the extent of the kernel.
func (b *mixBlock[T]) span() int { return b.Dilation*(b.Kernel-1) + 1 }

// weights returns the block's part of a value of its parameter.
func (b *mixBlock[T]) weights(v []T) []T { return v[b.first*b.Kernel*b.Kernel:] }

func newMixConv[T tensor.Float](n *Net[T], v *node[T], op *graph.MixConv) *mixConv[T] {
	m := &mixConv[T]{op: op}
	in, out := v.in[0].shape, v.shape
	c0 := 0
	for i, g := range op.Groups {
		b := mixBlock[T]{MixGroup: g, param: op.Weights[i]}
		_, b.top = op.Padding.Extent(in.H, g.Kernel, op.Stride, g.Dilation)
		_, b.left = op.Padding.Extent(in.W, g.Kernel, op.Stride, g.Dilation)
		channels := max(mixTileElems/in.Pixels()*in.N, mixTileChannels)
		pieces := (g.Channels + channels - 1) / channels
		step := ((g.Channels+pieces-1)/pieces + 15) &^ 15
		for b.first = 0; b.first < g.Channels; b.first += step {
			b.Channels = min(step, g.Channels-b.first)
			b.c0 = c0 + b.first
			rows := (mixTileElems/(in.W*b.Channels)-b.span())/op.Stride + 1
			b.rows = min(max(rows, 4), out.H)
			b.filter = kernel.NewDWFilter[T](g.Kernel, b.Channels)
			b.sums = make([]*kernel.DWFilterOf[T], len(n.workers))
			for w := range b.sums {
				b.sums[w] = kernel.NewDWFilter[T](g.Kernel, b.Channels)
			}
			m.blocks = append(m.blocks, b)
		}
		c0 += g.Channels
	}
	return m
}

// mixUnit is a tile: output rows [y0, y1) of one block of one image.
type mixUnit[T tensor.Float] struct {
	*mixBlock[T]
	image, y0, y1 int
}

// units lists the tiles of one image.
func (m *mixConv[T]) units(v *node[T]) []mixUnit[T] {
	var units []mixUnit[T]
	for i := range m.blocks {
		b := &m.blocks[i]
		for y := 0; y < v.shape.H; y += b.rows {
			units = append(units, mixUnit[T]{mixBlock: b, y0: y, y1: min(y+b.rows, v.shape.H)})
		}
	}
	return units
}

// rows returns the rectangle of rows [y0, y1) of a unit in x.
func (u mixUnit[T]) of(x *node[T], y0, y1 int) tile[T] {
	row := u.image * x.shape.H
	return tile[T]{p0: (row + y0) * x.shape.W, p1: (row + y1) * x.shape.W, c0: u.c0, c1: u.c0 + u.Channels}
}

// under returns the input rows that output rows [y0, y1) read.
func (m *mixConv[T]) under(v *node[T], u mixUnit[T]) (y0, y1 int) {
	y0 = max(u.y0*m.op.Stride-u.top, 0)
	y1 = min((u.y1-1)*m.op.Stride-u.top+u.span(), v.in[0].shape.H)
	return y0, max(y0, y1)
}

// geometry describes a convolution from input rows [in0, in1) to output rows
// [out0, out1).
func (m *mixConv[T]) geometry(v *node[T], u mixUnit[T], in0, in1, out0, out1, srcStride, dstStride int) kernel.DW {
	return kernel.DW{
		H: in1 - in0, W: v.in[0].shape.W, OutH: out1 - out0, OutW: v.shape.W,
		Channels: u.Channels, SrcStride: srcStride, DstStride: dstStride,
		Kernel: u.Kernel, Stride: m.op.Stride, Dilation: u.Dilation,
		PadTop: u.top + in0 - out0*m.op.Stride, PadLeft: u.left,
	}
}

func (m *mixConv[T]) forward(n *Net[T], v *node[T]) error {
	for i := range m.blocks {
		b := &m.blocks[i]
		b.filter.Pack(b.weights(n.params[b.param]))
	}
	units := m.units(v)
	n.parallel(n.batch*len(units), func(w *worker[T], i int) {
		u := units[i%len(units)]
		u.image = i / len(units)
		y0, y1 := m.under(v, u)
		x := v.in[0].value(n, w.scratch, u.of(v.in[0], y0, y1))
		out := u.of(v, u.y0, u.y1).in(v.out.data, v.shape.C)
		g := m.geometry(v, u, y0, y1, u.y0, u.y1, x.stride, out.stride)
		kernel.Depthwise(out.data, x.data, u.filter, &g, nil, kernel.Identity, 0, g.OutH, nil)
		if m.count != nil && n.train {
			m.count.count(w, out)
		}
	})
	return nil
}

func (m *mixConv[T]) backward(n *Net[T], v *node[T]) {
	for i := range m.blocks {
		b := &m.blocks[i]
		b.filter.PackReversed(b.weights(n.params[b.param]))
		for _, s := range b.sums {
			s.Clear()
		}
	}
	units := m.units(v)
	parts := n.ranges(n.batch*len(units), func(w *worker[T], from, to int) {
		for i := from; i < to; i++ {
			u := units[i%len(units)]
			u.image = i / len(units)
			m.backwardUnit(n, v, w, u)
		}
	})
	for i := range m.blocks {
		b := &m.blocks[i]
		if grad := n.gradient(b.param); grad != nil {
			for _, s := range b.sums[:parts] {
				s.AddTo(b.weights(grad))
			}
		}
	}
}

func (m *mixConv[T]) backwardUnit(n *Net[T], v *node[T], w *worker[T], u mixUnit[T]) {
	x, e := v.in[0], v.up[0]
	s := w.split()
	own0, own1 := m.owned(v, u)
	out0, out1 := m.reached(v, u, own0, own1)
	grad := u.of(v, out0, out1)
	grad = v.gradient(s.take(grad.size()), grad)

	in0, in1 := m.under(v, u)
	src := u.of(x, in0, in1)
	src = x.value(n, s.take(src.size()), src)
	g := m.geometry(v, u, in0, in1, u.y0, u.y1, src.stride, grad.stride)
	kernel.DepthwiseGradWeight(u.sums[w.part], src.data, grad.data[(u.y0-out0)*v.shape.W*grad.stride:], &g, 0, g.OutH)

	if e == nil || own0 == own1 {
		return
	}
	t := u.of(x, own0, own1)
	t = e.room(s.take(t.size()), t)
	g = m.geometry(v, u, own0, own1, out0, out1, t.stride, grad.stride)
	kernel.DepthwiseGradInput(t.data, grad.data, u.filter, &g, 0, g.H)
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
	y0 = max(in0+u.top-u.span()+1, 0) / m.op.Stride
	y1 = min((in1-1+u.top)/m.op.Stride+1, v.shape.H)
	return min(y0, u.y0), max(y1, u.y1)
}

func (m *mixConv[T]) scratch(_ *Net[T], v *node[T]) int {
	largest := 0
	for _, u := range m.units(v) {
		x := v.in[0]
		own0, own1 := m.owned(v, u)
		out0, out1 := m.reached(v, u, own0, own1)
		in0, in1 := m.under(v, u)
		largest = max(largest, u.of(v, out0, out1).size()+u.of(x, in0, in1).size()+u.of(x, own0, own1).size())
	}
	return largest
}

func (m *mixConv[T]) rereads() bool { return true }
