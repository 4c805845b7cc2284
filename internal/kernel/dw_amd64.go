//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

const (
	dwMaxRows  = 16 // rows of output at a time
	blockBytes = 4 * dwBlock
)

// dwArgs is what the assembly reads beside the tensors. Distances are in
// bytes.
type dwArgs struct {
	rowCount       int
	tiles          int // in a row
	lanes          int // channels, at most dwBlock
	act            int
	srcPix, dstPix int // between pixels
	srcRow, wRow   int // between rows that successive rows of taps read, and between these
	tapStep        int // between taps
	passes         int
	pass           [dwMaxPasses]dwPass
}

// dwRow is one row of output pixels.
type dwRow struct {
	dst, src, w int // offsets in bytes
	taps        int // rows of taps
}

// dwGroup is a number of tiles of equal size in every row.
type dwGroup struct {
	tile int // pixels, 0 for no tiles
	dst  int // offset of the first tile, in elements
	args dwArgs
}

// dwImage is an image with pix bytes between pixels.
type dwImage struct {
	data      []float32
	h, w, pix int
}

// dwRun is one call of Depthwise or DepthwiseGradInput.
type dwRun struct {
	level   cpu.Level
	g       *DW
	grad    bool // whether out is the gradient of the convolution's input
	out, in dwImage
	w       *DWFilter
	bias    []float32
	act     Act
	sums    []float32
	classes int // of columns
	rowStep int // rows of in between those that successive rows of taps read
	tapStep int // rows of the filter between these

	rowCount int
	rows     [dwMaxRows]dwRow
	groups   [2]dwGroup // tiles of two sizes make a row
	full     bool       // whether vectors of 16 channels may be read

	pix        int // bytes between pixels of in or its copy
	first, end int // rows of in to copy
}

func depthwiseAsm(dst, src []float32, w *DWFilter, g *DW, bias []float32, act Act, from, to int, sums []float32) bool {
	level := cpu.Current()
	if level < cpu.AVX2 || act > HardSwish {
		return false
	}
	if dw3Fits(g, act) {
		depthwise3(level, dst, src, w, g, bias, act, from, to, sums)
		return true
	}
	var r dwRun
	common := gcd(g.Stride, g.Dilation)
	r.level, r.g = level, g
	r.out = dwImage{dst, g.OutH, g.OutW, 4 * g.DstStride}
	r.in = dwImage{src, g.H, g.W, 4 * g.SrcStride}
	r.w, r.bias, r.act, r.sums = w, bias, act, sums
	r.classes, r.rowStep, r.tapStep = g.Dilation/common, g.Dilation, 1
	return r.run(from, to)
}

func depthwiseGradInputAsm(dx, dy []float32, w *DWFilter, g *DW, from, to int) bool {
	level := cpu.Current()
	if level < cpu.AVX2 {
		return false
	}
	var r dwRun
	common := gcd(g.Stride, g.Dilation)
	r.level, r.g, r.grad = level, g, true
	r.out = dwImage{dx, g.H, g.W, 4 * g.SrcStride}
	r.in = dwImage{dy, g.OutH, g.OutW, 4 * g.DstStride}
	r.w = w
	r.classes, r.rowStep, r.tapStep = g.Stride*g.Dilation/common, g.Dilation/common, g.Stride/common
	return r.run(from, to)
}

// run computes rows [from, to) of the output. It reports whether the assembly
// can.
func (r *dwRun) run(from, to int) bool {
	if r.g.Channels == 0 || r.out.w == 0 || r.in.w == 0 || r.in.h == 0 {
		return false
	}
	var c dwColumns
	for i := range r.classes {
		if !r.columns(&c, i) {
			return false
		}
	}
	r.full = r.level == cpu.AVX512
	switch rows, pixels := r.copyRows(&c); {
	case rows == 0:
		r.chunks(&c, from, to, r.cachedRows(), nil)
	case pixels <= smallCopy:
		r.chunksSmallCopy(&c, from, to, rows)
	default:
		r.chunksLargeCopy(&c, from, to, rows)
	}
	return true
}

// columns describes class i of the output's columns.
func (r *dwRun) columns(c *dwColumns, i int) bool {
	if r.grad {
		return r.g.gradColumns(c, i)
	}
	return r.g.forwardColumns(c, i)
}

// span returns the most rows of the input that n rows of the output read.
func (r *dwRun) span(n int) int {
	if r.grad {
		return min((n-1+(r.g.Kernel-1)*r.g.Dilation)/r.g.Stride+1, r.in.h)
	}
	return min((n-1)*r.g.Stride+(r.g.Kernel-1)*r.g.Dilation+1, r.in.h)
}

// cachedRows returns how many rows of output to compute for all channels
// before the next, so that their input stays in the second-level cache.
func (r *dwRun) cachedRows() int {
	const cache = 192 << 10
	line := r.in.w * r.g.Channels * 4
	n := dwMaxRows
	for n > 4 && r.span(n)*line > cache {
		n--
	}
	return n
}

const (
	smallCopy = 256  // pixels, of 64 bytes
	largeCopy = 1024 // pixels
)

// copyRows returns how many rows of output to compute for each copy of their
// input, and the pixels of the copy; 0 if the input is better read in place.
//
// It is not where pixels lie a multiple of a large power of two apart, and so
// compete for few lines of the first-level cache: then the pixels that a tile
// shares with the tile below are gone when that is computed.
func (r *dwRun) copyRows(c *dwColumns) (rows, pixels int) {
	lines := cacheLines(c.srcStep * r.in.pix)
	tile := min(c.n, r.maxTile(c))
	shared := ((tile-1)*c.pass[0].step + r.g.Kernel) * r.g.Kernel
	if shared*9/8 <= lines || r.in.h*r.in.w <= lines {
		return 0, 0
	}
	for n := dwMaxRows; n > 1; n-- {
		if pixels := r.span(n) * r.in.w; pixels <= largeCopy {
			return n, pixels
		}
	}
	return 0, 0
}

func (r *dwRun) chunksSmallCopy(c *dwColumns, from, to, rows int) {
	var buf [(smallCopy + 1) * dwBlock]float32
	r.chunks(c, from, to, rows, lineAligned(buf[:]))
}

func (r *dwRun) chunksLargeCopy(c *dwColumns, from, to, rows int) {
	var buf [(largeCopy + 1) * dwBlock]float32
	r.chunks(c, from, to, rows, lineAligned(buf[:]))
}

// chunks computes rows [from, to) of the output, n at a time, from copies of
// the input in buf if that is not nil. c is the last class of columns.
func (r *dwRun) chunks(c *dwColumns, from, to, n int, buf []float32) {
	r.pix = r.in.pix
	if buf != nil {
		r.pix = blockBytes
	}
	channels := r.g.Channels
	whole := r.wholeBlocks(buf != nil)
	for y := from; y < to; y += n {
		r.setRows(y, min(n, to-y), buf != nil)
		for i := range r.classes {
			if r.classes > 1 {
				r.columns(c, i)
			}
			r.full = r.level == cpu.AVX512
			r.setGroups(c)
			r.blocks(buf, 0, whole)
			if whole < channels {
				r.full = false
				r.setGroups(c)
				r.blocks(buf, whole, channels)
			}
		}
	}
}

// wholeBlocks returns the number of channels in blocks of which 16 may be read
// from every pixel. With AVX-512, that is faster than to read fewer; what the
// others hold comes to nothing.
func (r *dwRun) wholeBlocks(copied bool) int {
	c := r.g.Channels &^ (dwBlock - 1)
	if r.level != cpu.AVX512 || copied || (r.in.h*r.in.w-1)*r.in.pix/4+c+dwBlock <= len(r.in.data) {
		return r.g.Channels
	}
	return c
}

// setRows describes n rows of output from y on, which are computed from the
// input or from copied rows of it.
func (r *dwRun) setRows(y, n int, copied bool) {
	g := r.g
	r.rowCount = n
	r.first, r.end = r.in.h, 0
	for i := range n {
		row := &r.rows[i]
		row.dst = (y + i) * r.out.w * r.out.pix
		at, first := (y+i)*g.Stride-g.PadTop, 0
		if r.grad {
			at = y + i + g.PadTop - (g.Kernel-1)*g.Dilation
			if first = g.gradTap(at); first < 0 {
				row.taps = 0
				continue
			}
			at = (at + first*g.Dilation) / g.Stride
		}
		lo, hi := tapRange(at, r.in.h, ceilDiv(g.Kernel-first, r.tapStep), r.rowStep)
		row.taps = hi - lo
		row.src = at + lo*r.rowStep
		row.w = (first + lo*r.tapStep) * g.Kernel * blockBytes
		if lo < hi {
			r.first = min(r.first, row.src)
			r.end = max(r.end, row.src+(hi-lo-1)*r.rowStep+1)
		}
	}
	if !copied {
		r.first = 0
	}
	for i := range n {
		r.rows[i].src = (r.rows[i].src - r.first) * r.in.w * r.pix
	}
}

// maxTile returns the largest tile to use. Below five pixels the AVX2 code
// reads and writes whole cache lines, which is worth it where pixels compete
// for lines and there is little arithmetic for each.
func (r *dwRun) maxTile(c *dwColumns) int {
	if r.full {
		return 14
	}
	if r.level == cpu.AVX512 {
		return 4
	}
	lines := min(cacheLines(c.srcStep*r.in.pix), cacheLines(c.step*r.out.pix))
	if r.level == cpu.AVX2 && r.g.Kernel <= 3 && r.g.Channels > 8 && lines <= 64 {
		return 4
	}
	return 8
}

// setGroups divides a class of columns into tiles.
func (r *dwRun) setGroups(c *dwColumns) {
	if c.n == 0 {
		r.groups[0].tile, r.groups[1].tile = 0, 0
		return
	}
	tiles := ceilDiv(c.n, r.maxTile(c))
	small := c.n / tiles
	large := c.n - tiles*small // tiles of one more pixel
	r.setGroup(&r.groups[0], c, 0, small+1, large)
	r.setGroup(&r.groups[1], c, large*(small+1), small, tiles-large)
}

// setGroup sets g to tiles from column first of a class on.
func (r *dwRun) setGroup(g *dwGroup, c *dwColumns, first, tile, tiles int) {
	g.tile = tile
	if tiles == 0 {
		g.tile = 0
		return
	}
	g.dst = (c.first + first*c.step) * r.out.pix / 4
	a := &g.args
	a.tiles = tiles
	a.act = int(r.act)
	a.srcPix = c.srcStep * r.pix
	a.dstPix = c.step * r.out.pix
	a.srcRow = r.rowStep * r.in.w * r.pix
	a.wRow = r.tapStep * r.g.Kernel * blockBytes
	a.tapStep = c.tapStep * blockBytes
	a.passes = c.passes
	for i := range c.passes {
		p, q := &c.pass[i], &a.pass[i]
		q.src = p.src*r.pix + first*p.step*a.srcPix
		q.w = p.w * blockBytes
		q.code = p.code
		q.step = p.step
		q.before = p.before - first*p.step
		q.width = p.width
	}
}

// blocks calls the assembly for each block of the channels [from, to), after
// copying the input to buf if that is not nil.
func (r *dwRun) blocks(buf []float32, from, to int) {
	var bias, total [dwBlock]float32
	var sums *float32
	if r.sums != nil {
		sums = &total[0]
	}
	for c := from; c < to; c += dwBlock {
		lanes := min(dwBlock, r.g.Channels-c)
		if r.bias != nil {
			clear(bias[copy(bias[:], r.bias[c:c+lanes]):])
		}
		src := &r.in.data[c]
		if buf != nil {
			copyBlock(r.level, buf, r.in.data[c:], r.first, r.end-r.first, r.in.w, r.in.pix, lanes)
			src = &buf[0]
		}
		for i := range r.groups {
			g := &r.groups[i]
			if g.tile == 0 {
				continue
			}
			g.args.lanes = lanes
			g.args.rowCount = r.rowCount
			dst, w := &r.out.data[c+g.dst], &r.w.channel(c)[0]
			switch {
			case r.full:
				dwFullAVX512(g.tile, dst, src, w, &bias[0], sums, &r.rows[0].dst, &g.args.rowCount)
			case r.level == cpu.AVX512:
				dwTileAVX512(g.tile, dst, src, w, &bias[0], sums, &r.rows[0].dst, &g.args.rowCount)
			default:
				dwTileAVX2(g.tile, dst, src, w, &bias[0], sums, &r.rows[0].dst, &g.args.rowCount)
			}
		}
		if r.sums != nil {
			for i, v := range total[:lanes] {
				r.sums[c+i] += v
			}
			total = [dwBlock]float32{}
		}
	}
}

// lineAligned returns buf from its first cache line on, at most 15 elements
// later: blocks of channels that cross lines take twice as long to read.
func lineAligned(buf []float32) []float32 {
	const line = 16
	offset := int(uintptr(unsafe.Pointer(&buf[0])) / 4 % line)
	return buf[(line-offset)%line:]
}

// copyBlock copies up to dwBlock channels of rows of an image to dst, dwBlock
// elements a pixel.
func copyBlock(level cpu.Level, dst, src []float32, first, rows, cols, pix, lanes int) {
	if rows <= 0 {
		return
	}
	dst = dst[:rows*cols*dwBlock]
	from := &src[first*cols*pix/4]
	if level == cpu.AVX512 {
		dwCopyAVX512(&dst[0], from, rows, cols, pix, cols*pix, lanes)
	} else {
		dwCopyAVX2(&dst[0], from, rows, cols, pix, cols*pix, lanes)
	}
}

// cacheLines returns how many lines of the first-level cache hold pixels that
// lie the given number of bytes apart.
func cacheLines(pix int) int {
	const (
		ways = 8
		page = 4096 // bytes of one way
	)
	return ways * page / min(max(pix&-pix, 64), page)
}

// dwTileAVX2 computes rows of tiles of the given size.
func dwTileAVX2(tile int, dst, src, w, bias, sums *float32, rows, args *int) {
	switch tile {
	case 1:
		dwTile1AVX2(dst, src, w, bias, sums, rows, args)
	case 2:
		dwTile2AVX2(dst, src, w, bias, sums, rows, args)
	case 3:
		dwTile3AVX2(dst, src, w, bias, sums, rows, args)
	case 4:
		dwTile4AVX2(dst, src, w, bias, sums, rows, args)
	case 5:
		dwTile5AVX2(dst, src, w, bias, sums, rows, args)
	case 6:
		dwTile6AVX2(dst, src, w, bias, sums, rows, args)
	case 7:
		dwTile7AVX2(dst, src, w, bias, sums, rows, args)
	case 8:
		dwTile8AVX2(dst, src, w, bias, sums, rows, args)
	}
}

// dwTileAVX512 computes rows of tiles of the given size.
func dwTileAVX512(tile int, dst, src, w, bias, sums *float32, rows, args *int) {
	switch tile {
	case 1:
		dwTile1AVX512(dst, src, w, bias, sums, rows, args)
	case 2:
		dwTile2AVX512(dst, src, w, bias, sums, rows, args)
	case 3:
		dwTile3AVX512(dst, src, w, bias, sums, rows, args)
	case 4:
		dwTile4AVX512(dst, src, w, bias, sums, rows, args)
	}
}

// dwFullAVX512 is dwTileAVX512 that reads 16 channels of every pixel.
func dwFullAVX512(tile int, dst, src, w, bias, sums *float32, rows, args *int) {
	switch tile {
	case 1:
		dwFull1AVX512(dst, src, w, bias, sums, rows, args)
	case 2:
		dwFull2AVX512(dst, src, w, bias, sums, rows, args)
	case 3:
		dwFull3AVX512(dst, src, w, bias, sums, rows, args)
	case 4:
		dwFull4AVX512(dst, src, w, bias, sums, rows, args)
	case 5:
		dwFull5AVX512(dst, src, w, bias, sums, rows, args)
	case 6:
		dwFull6AVX512(dst, src, w, bias, sums, rows, args)
	case 7:
		dwFull7AVX512(dst, src, w, bias, sums, rows, args)
	case 8:
		dwFull8AVX512(dst, src, w, bias, sums, rows, args)
	case 9:
		dwFull9AVX512(dst, src, w, bias, sums, rows, args)
	case 10:
		dwFull10AVX512(dst, src, w, bias, sums, rows, args)
	case 11:
		dwFull11AVX512(dst, src, w, bias, sums, rows, args)
	case 12:
		dwFull12AVX512(dst, src, w, bias, sums, rows, args)
	case 13:
		dwFull13AVX512(dst, src, w, bias, sums, rows, args)
	case 14:
		dwFull14AVX512(dst, src, w, bias, sums, rows, args)
	}
}
