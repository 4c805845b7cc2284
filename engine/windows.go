package engine

import (
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
	"github.com/mixnet-go/mixnet/internal/par"
)

// windowConv is a convolution with a kernel larger than 1×1, or strided, in its
// direct form: the windows of a row are gathered and multiplied with the weights.
type windowConv struct {
	groups []matrixGroup
	stem   bool      // it is to take images as bytes, too
	half   bool      // it makes bfloat16
	bytes  *byteStem // for them
}

// byteStem is the first convolution with the normalisation of the image
// folded in.
type byteStem struct {
	weight *kernel.Matrix
	bias   []float32
	pad    []float32 // what stands outside the image: the mean
}

// shared reports whether the weights lie in the memory shared by all layers:
// those that are packed as they are read.
func (f *windowConv) shared(op *graph.Conv) bool { return op.Kernel == 1 && !f.stem }

func (f *windowConv) packedLen(op *graph.Conv) int {
	if f.shared(op) {
		return new(matrixConv).packedLen(op)
	}
	return 0
}

func (f *windowConv) pack(c *convLayer, p *packer) error {
	if f.shared(c.op) {
		m := new(matrixConv)
		err := m.pack(c, p)
		f.groups = m.groups
		return err
	}
	f.groups = make([]matrixGroup, len(c.op.Groups))
	w := p.weights(c.op.Weights)
	in, out := 0, 0
	for i, g := range c.op.Groups {
		part, err := w.next(g.Out * g.In * c.op.Kernel * c.op.Kernel)
		if err != nil {
			return err
		}
		m := kernel.PackConv(part, g.Out, g.In, c.op.Kernel)
		if scale := c.scale(out, out+g.Out); scale != nil {
			m.ScaleOutputs(scale)
		}
		if f.stem {
			f.bytes = c.foldBytes(part, g, p)
		}
		f.groups[i] = matrixGroup{in, out, m}
		in += g.In
		out += g.Out
	}
	return nil
}

// foldBytes prepares a layer of one group, with weights w, for pixels of bytes.
func (c *convLayer) foldBytes(w []float32, g graph.ConvGroup, p *packer) *byteStem {
	w = slices.Clone(w)
	s := &byteStem{bias: make([]float32, g.Out), pad: make([]float32, g.In)}
	copy(s.bias, c.bias)
	if c.affine != nil {
		perOut := len(w) / g.Out
		for o, f := range c.affine.scale {
			row := w[o*perOut:][:perOut]
			kernel.ScaleVec(row, row, f)
		}
	}
	std := make([]float32, g.In)
	for i := range std {
		s.pad[i] = p.mean[i] * 255
		std[i] = p.std[i] * 255
	}
	kernel.FoldNormalization(w, s.bias, g.In, s.pad, std)
	s.weight = kernel.PackConv(w, g.Out, g.In, c.op.Kernel)
	return s
}

// windows is a convolution with a kernel larger than 1×1, or strided.
type windows struct {
	x, y, add view
	act       kernel.Act
	tiles     []windowTile
	bytes     *byteStem // of the layer that takes bytes; nil otherwise
}

// windowTile is a range of output rows of one image and group.
type windowTile struct {
	shape    *kernel.ConvShape
	weight   *kernel.Matrix
	bias     []float32
	in, out  int // first channels
	image    int
	from, to int
	band     int // rows computed at a time that become bfloat16; 0 if none do
}

// windowRows is the least number of pixels that a thread is given, which are
// worth a pass over the weights.
const windowRows = 24

func (f *windowConv) plan(c *convLayer, b *builder) {
	w := &windows{x: b.view(c.x), y: b.view(c.y), add: b.optional(c.add), act: c.act, bytes: f.bytes}
	y := w.y
	parts := 1
	if b.threads > 1 {
		least := max(windowRows, tileMACs/int(c.op.MACsPerPixel()))
		parts = max(1, min(y.h, y.h*y.w/least, shares*b.threads*2))
	}
	for i := range b.images {
		for gi, g := range f.groups {
			t := windowTile{
				shape: c.shape(gi, w.x, y), weight: g.weight, bias: c.biasOf(g.out, g.out+g.weight.N),
				in: g.in, out: g.out, image: i,
			}
			n := t.shape.ConvScratch()
			if f.half {
				t.band = max(1, halfBand/(floatBytes*y.w*g.weight.N))
				n += t.band * y.w * g.weight.N
			}
			b.scratch(n)
			for j := range parts {
				t.from, t.to = par.Split(y.h, parts, j)
				w.tiles = append(w.tiles, t)
			}
		}
	}
	y.block.byRows = true
	s := c.info(b, y)
	s.work, s.parts = w, len(w.tiles)
	b.add(s)
}

func (w *windows) run(s *state, worker, part int) {
	t := &w.tiles[part]
	ep := &s.epilogues[worker] // one on the stack would escape
	if t.band > 0 {
		w.runHalf(s, t, ep, s.scratch[worker])
		return
	}
	*ep = kernel.Epilogue{Bias: t.bias, Act: w.act}
	pixel := t.from * w.y.w
	if w.add.block != nil {
		ep.Add, ep.AddStride = s.from(w.add, t.image, pixel)[t.out:], w.add.stride
	}
	w.rows(s, t, t.from, t.to, s.from(w.y, t.image, pixel)[t.out:], w.y.stride, ep, s.scratch[worker])
}

// rows computes rows [from, to) of the output into y.
func (w *windows) rows(s *state, t *windowTile, from, to int, y []float32, stride int, ep *kernel.Epilogue, scratch []float32) {
	if w.bytes != nil && s.x.bytes != nil {
		x := s.x.bytes[t.image*t.shape.H*t.shape.W*t.shape.C:]
		ep.Bias = w.bytes.bias
		kernel.ConvBytes(y, stride, x, t.shape, w.bytes.pad, from, to, w.bytes.weight, ep, scratch)
		return
	}
	kernel.Conv(y, stride, s.from(w.x, t.image, 0)[t.in:], t.shape, from, to, t.weight, ep, scratch)
}

// runHalf computes bands of rows that become bfloat16.
func (w *windows) runHalf(s *state, t *windowTile, ep *kernel.Epilogue, scratch []float32) {
	n := t.weight.N
	out, scratch := scratch[:t.band*w.y.w*n], scratch[t.band*w.y.w*n:]
	*ep = kernel.Epilogue{Bias: t.bias}
	for from := t.from; from < t.to; from += t.band {
		to := min(from+t.band, t.to)
		w.rows(s, t, from, to, out, n, ep, scratch)
		end := bf16.Epilogue{Act: w.act}
		if w.add.block != nil {
			end.Add, end.AddStride = s.halves(w.add, t.image, from*w.y.w)[t.out:], w.add.stride
		}
		bf16.Finish(s.halves(w.y, t.image, from*w.y.w)[t.out:], w.y.stride, out, n, (to-from)*w.y.w, n, end, nil)
	}
}
