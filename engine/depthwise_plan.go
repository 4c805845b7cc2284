package engine

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
)

// depthwise is a mixed depthwise convolution.
type depthwise struct {
	x, y  view
	sums  view // of every band of every image, for pooling; no block if not wanted
	bands int
	act   kernel.Act
	tiles []depthwiseTile
}

// depthwiseTile is a band of output rows of one image and chunk.
type depthwiseTile struct {
	shape    kernel.DW
	filter   *kernel.DWFilter
	bias     []float32
	at       int // first channel
	image    int
	band     int
	from, to int
}

// bandBytes is the size of the output that one band of rows has: its input
// should stay in the L2 cache from one chunk of channels to the next.
const bandBytes = 128 << 10

func (d *depthwiseLayer) plan(b *builder) {
	p := &depthwise{x: b.view(d.x), y: b.view(d.y), act: d.act}
	x, y := p.x, p.y
	p.bands = min(max(1, y.h*y.w*y.c*4/bandBytes), max(1, y.h/4))
	if d.pool != nil {
		p.sums = b.temporary(b.images*p.bands, y.c)
	}
	for i := range b.images {
		for band := range p.bands {
			for _, c := range d.chunks {
				g := c.group
				_, top := d.op.Padding.Extent(x.h, g.Kernel, d.op.Stride, g.Dilation)
				_, left := d.op.Padding.Extent(x.w, g.Kernel, d.op.Stride, g.Dilation)
				t := depthwiseTile{
					shape: kernel.DW{
						H: x.h, W: x.w, OutH: y.h, OutW: y.w,
						Channels: c.channels, SrcStride: x.stride, DstStride: y.stride,
						Kernel: g.Kernel, Stride: d.op.Stride, Dilation: g.Dilation,
						PadTop: top, PadLeft: left,
					},
					filter: c.filter, at: c.at, image: i, band: band,
				}
				if d.bias != nil {
					t.bias = d.bias[c.at:][:c.channels]
				}
				t.from, t.to = par.Split(y.h, p.bands, band)
				p.tiles = append(p.tiles, t)
			}
		}
	}
	s := step{
		name: d.name, kind: d.op.Kind(), macs: d.op.MACsPerPixel() * int64(b.images*y.pixels()),
		bytes: x.bytes(b.images) + y.bytes(b.images), work: p, parts: len(p.tiles),
	}
	b.add(s)
	if d.pool != nil {
		b.add(step{
			name: d.name, kind: "pool", parts: b.images,
			work: &poolSums{sums: p.sums, y: b.view(d.pool), bands: p.bands, pixels: y.pixels()},
		})
	}
}

func (p *depthwise) run(s *state, _, part int) {
	t := &p.tiles[part]
	var sums []float32
	if p.sums.block != nil {
		sums = s.from(p.sums, t.image*p.bands+t.band, 0)[t.at:][:t.shape.Channels]
		clear(sums)
	}
	kernel.Depthwise(s.from(p.y, t.image, 0)[t.at:], s.from(p.x, t.image, 0)[t.at:], t.filter, &t.shape, t.bias, p.act, t.from, t.to, sums)
}

// poolSums turns the sums of bands of rows into means.
type poolSums struct {
	sums, y view
	bands   int
	pixels  int
}

func (p *poolSums) run(s *state, _, image int) {
	y := s.from(p.y, image, 0)[:p.y.c]
	copy(y, s.from(p.sums, image*p.bands, 0))
	kernel.SumRows(y, s.from(p.sums, image*p.bands+1, 0), p.sums.stride, p.bands-1)
	kernel.ScaleVec(y, y, 1/float32(p.pixels))
}
