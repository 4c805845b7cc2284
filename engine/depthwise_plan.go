package engine

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
	"github.com/mixnet-go/mixnet/internal/par"
)

// depthwise is a mixed depthwise convolution, and the 1×1 convolution before
// it. The output of that one never exists as a whole: a thread computes it for
// a few channels and rows at a time, in a window that stays in its cache.
type depthwise struct {
	x, y      view
	sums      view // of every part of the rows of every image; no block if not wanted
	parts     int  // of the rows
	act       kernel.Act
	expandAct kernel.Act
	half      bool // y is bfloat16, and x if there are windows
	tiles     []depthwiseTile
}

// depthwiseTile is a range of rows and channels of one image.
type depthwiseTile struct {
	shape    kernel.DW
	filter   kernel.DWFilter
	bias     []float32
	at, src  int // first channels of y and, without an expansion, of x
	image    int
	part     int // of the rows
	from, to int // rows
	window   expansion
}

// expansion computes the input of a tile.
type expansion struct {
	weight kernel.Matrix
	halves bf16.Matrix // the weights as bfloat16
	bias   []float32
	in     int // first channel of x
	rows   int // height of the window
	band   int // output rows from one window
}

const (
	windowBytes = 192 << 10 // of the input of a tile: part of an L2 cache of 512 KiB
	tileWidth   = 64        // channels
	bandWidth   = 48        // channels where the window holds only some rows
)

func (d *depthwiseLayer) plan(b *builder) {
	p := &depthwise{x: b.view(d.x), y: b.view(d.y), act: d.act, half: d.half}
	x, y := p.x, p.y
	p.parts = d.rowParts(b, x, y)
	y.block.byRows = p.parts > 1
	width := tileWidth
	if d.expand != nil {
		width = d.windowWidth(b, x, p.parts)
	}
	tiles := d.tiles(b, p, width)
	for b.threads > 1 && width > kernelCols && len(tiles) < shares*b.threads {
		width -= kernelCols
		tiles = d.tiles(b, p, width)
	}
	p.tiles = tiles
	s := step{
		name: d.name, kind: d.op.Kind(), work: p, parts: len(p.tiles),
		macs:  d.op.MACsPerPixel() * int64(b.images*y.pixels()),
		bytes: 4*int64(d.packedLen()) + x.bytes(b.images) + y.bytes(b.images),
	}
	if d.expand != nil {
		p.expandAct = d.expand.act
		s.kind = "pointwise+" + s.kind
		s.macs += d.expand.op.MACsPerPixel() * int64(b.images*x.pixels())
	}
	for i := range p.tiles {
		t := &p.tiles[i]
		if d.half {
			b.scratch(p.halfScratch(t))
		} else if d.expand != nil {
			b.scratch(t.window.rows * x.w * t.shape.SrcStride)
		}
	}
	if d.half {
		s.kind += " bf16"
	}
	if d.pool != nil {
		p.sums = b.temporary(b.images*p.parts, y.c)
	}
	b.add(s)
	if d.pool != nil {
		b.add(step{
			name: d.name, kind: "pool", parts: b.images,
			work: &poolSums{sums: p.sums, y: b.view(d.pool), bands: p.parts, pixels: y.pixels()},
		})
	}
}

// windowWidth returns how many channels of an expansion are computed at a
// time: as many as can be held in a window, of all rows of a part, or else of
// some rows more than one output row needs.
func (d *depthwiseLayer) windowWidth(b *builder, x view, parts int) int {
	fit := func(rows int) int { return b.net.window / (4 * x.w * rows) / kernelCols * kernelCols }
	if width := fit((x.h + parts - 1) / parts); width > 0 {
		return min(width, tileWidth)
	}
	span := 0
	for _, g := range d.op.Groups {
		span = max(span, (g.Kernel-1)*g.Dilation+1)
	}
	return min(max(fit(span+4), kernelCols), bandWidth)
}

// bandBytes is the size of the output that one part of the rows has: its input
// should stay in the L2 cache from one range of channels to the next.
const bandBytes = 128 << 10

// rowParts returns into how many parts the rows are cut.
//
// Threads share rows where they can, as 1×1 convolutions do, so that a thread
// finds most of its input in its own cache; otherwise they share channels.
// With an expansion, rows near a cut are computed on both sides, so there may
// not be many.
func (d *depthwiseLayer) rowParts(b *builder, x, y view) int {
	if d.expand == nil {
		parts := max(1, min(y.h*y.w*y.c*4/bandBytes, y.h/4))
		if b.threads > 1 && y.h >= 4*b.threads {
			parts = roundUp(parts, b.threads)
		}
		return parts
	}
	shared := 0.0 // rows computed twice at a cut, on average
	for _, g := range d.op.Groups {
		span := (g.Kernel-1)*g.Dilation + 1
		shared += float64(max(0, span-d.op.Stride)) * float64(g.Channels) / float64(y.c)
	}
	for parts := min(b.threads, y.h); parts > 1; parts-- {
		if cuts := float64(parts - 1); cuts*cuts*shared <= maxRepeated*float64(x.h) {
			return parts
		}
	}
	return 1
}

// maxRepeated is the largest share of an expansion that may be computed twice
// for one cut.
const maxRepeated = 0.12

// tiles cuts the layer into tiles of at most width channels. Those next to
// each other share input, or if there is an expansion, its weights.
func (d *depthwiseLayer) tiles(b *builder, p *depthwise, width int) []depthwiseTile {
	var pieces, tiles []depthwiseTile
	for i := range d.segments {
		s := &d.segments[i]
		n := (s.channels + width - 1) / width
		step := roundUp((s.channels+n-1)/n, kernelCols)
		for at := 0; at < s.channels; at += step {
			pieces = append(pieces, d.tile(p, s, at, min(at+step, s.channels)))
		}
	}
	add := func(t depthwiseTile, image, part int) {
		t.image, t.part = image, part
		t.from, t.to = par.Split(p.y.h, p.parts, part)
		if d.windowed() {
			t.window.fit(&t, p.x, b.net.window)
		}
		tiles = append(tiles, t)
	}
	if d.expand != nil && p.parts == 1 {
		for _, t := range pieces {
			for i := range b.images {
				add(t, i, 0)
			}
		}
		return tiles
	}
	for i := range b.images * p.parts {
		for _, t := range pieces {
			add(t, i/p.parts, i%p.parts)
		}
	}
	return tiles
}

// tile returns the tile of the channels [from, to) of a segment.
func (d *depthwiseLayer) tile(p *depthwise, s *segment, from, to int) depthwiseTile {
	g, x, y := s.group, p.x, p.y
	_, top := d.op.Padding.Extent(x.h, g.Kernel, d.op.Stride, g.Dilation)
	_, left := d.op.Padding.Extent(x.w, g.Kernel, d.op.Stride, g.Dilation)
	t := depthwiseTile{
		shape: kernel.DW{
			H: x.h, W: x.w, OutH: y.h, OutW: y.w,
			Channels: to - from, SrcStride: x.stride, DstStride: y.stride,
			Kernel: g.Kernel, Stride: d.op.Stride, Dilation: g.Dilation,
			PadTop: top, PadLeft: left,
		},
		filter: s.filter.Range(from, to),
		at:     s.at + from,
		src:    s.from + from,
	}
	if d.bias != nil {
		t.bias = d.bias[t.at:][:to-from]
	}
	if d.windowed() {
		t.shape.SrcStride = roundUp(to-from, lineFloats) // vectors that cross lines take twice as long to read
	}
	if d.half {
		t.shape.DstStride = roundUp(to-from, lineFloats)
	}
	if d.expand != nil {
		t.window = expansion{in: s.in}
		if d.half {
			t.window.halves = s.halves.Columns(from, to)
		} else {
			t.window.weight = s.weight.Columns(from, to)
		}
		if d.expand.bias != nil {
			t.window.bias = d.expand.bias[t.at:][:to-from]
		}
	}
	return t
}

// fit chooses how many rows of x the window of a tile holds, within size bytes
// if it can.
func (e *expansion) fit(t *depthwiseTile, x view, size int) {
	g := &t.shape
	span := (g.Kernel-1)*g.Dilation + 1
	all := (t.to-t.from-1)*g.Stride + span // rows that the whole tile reads, with padding
	rows := size / (4 * x.w * g.SrcStride)
	e.band = t.to - t.from
	if rows < min(all, x.h) {
		e.band = max(1, (rows-span)/g.Stride+1)
	}
	e.rows = min(x.h, (e.band-1)*g.Stride+span)
}

func (p *depthwise) run(s *state, worker, part int) {
	t := &p.tiles[part]
	var sums []float32
	if p.sums.block != nil {
		sums = s.from(p.sums, t.image*p.parts+t.part, 0)[t.at:][:t.shape.Channels]
		clear(sums)
	}
	if p.half {
		p.runHalf(s, t, sums, s.scratch[worker])
		return
	}
	y := s.from(p.y, t.image, 0)[t.at:]
	if t.window.rows == 0 {
		kernel.Depthwise(y, s.from(p.x, t.image, 0)[t.src:], &t.filter, &t.shape, t.bias, p.act, t.from, t.to, sums)
		return
	}
	p.runExpanded(s, t, y, sums, s.scratch[worker])
}

// runExpanded computes a tile from bands of its input. The rows that two bands
// share are kept.
func (p *depthwise) runExpanded(s *state, t *depthwiseTile, y, sums, window []float32) {
	shape := t.shape
	ep := kernel.Epilogue{Bias: t.window.bias, Act: p.expandAct}
	w := slidingWindow{t: t, w: p.x.w, h: p.x.h, mem: window}
	for from := t.from; from < t.to; from += t.window.band {
		to := min(from+t.window.band, t.to)
		if row, rows := w.slide(from, to); rows > 0 {
			x := s.from(p.x, t.image, row*p.x.w)[t.window.in:]
			kernel.Pointwise(w.at(row), shape.SrcStride, x, p.x.stride, rows*p.x.w, &t.window.weight, &ep)
		}
		shape.H, shape.PadTop = w.until-w.have, t.shape.PadTop+w.have
		kernel.Depthwise(y, window, &t.filter, &shape, t.bias, p.act, from, to, sums)
	}
}

// poolSums turns the sums of parts of the rows into means.
type poolSums struct {
	sums, y view
	bands   int
	pixels  int
}

func (p *poolSums) run(s *state, _, image int) {
	y := s.from(p.y, image, 0)[:p.y.c]
	copy(y, s.from(p.sums, image*p.bands, 0))
	if p.bands > 1 {
		kernel.SumRows(y, s.from(p.sums, image*p.bands+1, 0), p.sums.stride, p.bands-1)
	}
	kernel.ScaleVec(y, y, 1/float32(p.pixels))
}
