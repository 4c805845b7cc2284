package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/q8"
	"github.com/mixnet-go/mixnet/internal/par"
)

// codeDepthwiseLayer is a mixed depthwise convolution on codes, with batch norm
// and activation. All its groups make codes of one scale.
type codeDepthwiseLayer struct {
	sums
	op      *graph.MixConv
	filters []*q8.DWFilter // of the groups
}

func (d *codeDepthwiseLayer) pack(p *packer) error {
	d.packSums(nil)
	w := p.weights(d.op.Weights)
	at := 0
	for _, g := range d.op.Groups {
		part, err := w.next(g.Channels * g.Kernel * g.Kernel)
		if err != nil {
			return err
		}
		codes, err := d.codes(part, at, g.Channels)
		if err != nil {
			return err
		}
		d.filters = append(d.filters, q8.PackDW(codes, g.Channels, g.Kernel, d.op.Stride, g.Dilation))
		at += g.Channels
	}
	d.rebias()
	return nil
}

// rebias makes the biases of the sums.
func (d *codeDepthwiseLayer) rebias() {
	d.start()
	at := 0
	for _, f := range d.filters {
		f.FoldZero(d.ep.Bias[at:][:f.Channels], d.x.code.Zero)
		at += f.Channels
	}
}

// codeDepthwise is a depthwise convolution on codes.
type codeDepthwise struct {
	x, y, add view
	zero      uint8
	tiles     []codeDepthwiseTile
}

// codeDepthwiseTile is a range of rows and channels of one image.
type codeDepthwiseTile struct {
	shape    kernel.DW
	filter   q8.DWFilter
	ep       q8.Epilogue
	at       int // first channel
	image    int
	from, to int // rows
}

func (d *codeDepthwiseLayer) plan(b *builder) {
	p := &codeDepthwise{x: b.view(d.x), y: b.view(d.y), add: b.optional(d.add), zero: d.x.code.Zero}
	parts := 1
	if b.threads > 1 {
		work := p.y.pixels() * int(d.op.MACsPerPixel())
		parts = max(1, min(p.y.h, shares*b.threads, work/codeMACs))
	}
	for i := range b.images * parts {
		at := 0
		for g := range d.op.Groups {
			t := d.tile(p, g, at)
			b.scratch(floatsFor(q8.DepthwiseScratch(&t.shape)))
			t.image = i / parts
			t.from, t.to = par.Split(p.y.h, parts, i%parts)
			p.tiles = append(p.tiles, t)
			at += d.op.Groups[g].Channels
		}
	}
	b.add(d.info(b, p.x, p.y, d.op.Kind(), d.op.MACsPerPixel(), p, len(p.tiles)))
}

// tile returns the tile of a group, whose first channel is at.
func (d *codeDepthwiseLayer) tile(p *codeDepthwise, group, at int) codeDepthwiseTile {
	g, x, y := d.op.Groups[group], p.x, p.y
	_, top := d.op.Padding.Extent(x.h, g.Kernel, d.op.Stride, g.Dilation)
	_, left := d.op.Padding.Extent(x.w, g.Kernel, d.op.Stride, g.Dilation)
	return codeDepthwiseTile{
		shape: kernel.DW{
			H: x.h, W: x.w, OutH: y.h, OutW: y.w,
			Channels: g.Channels, SrcStride: x.stride, DstStride: y.stride,
			Kernel: g.Kernel, Stride: d.op.Stride, Dilation: g.Dilation,
			PadTop: top, PadLeft: left,
		},
		filter: *d.filters[group],
		ep:     d.part(at, at+g.Channels),
		at:     at,
	}
}

func (p *codeDepthwise) run(s *state, worker, part int) {
	t := &p.tiles[part]
	ep := &s.codeEpilogues[worker]
	*ep = t.ep
	if p.add.block != nil {
		ep.Add, ep.AddStride = s.codes(p.add, t.image, 0)[t.at:], p.add.stride
	}
	q8.Depthwise(s.codes(p.y, t.image, 0)[t.at:], s.codes(p.x, t.image, 0)[t.at:], &t.filter, &t.shape, p.zero, ep, t.from, t.to, bytesOf(s.scratch[worker]))
}
