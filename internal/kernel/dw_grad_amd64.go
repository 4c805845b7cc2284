//go:build !purego

package kernel

import "github.com/mixnet-go/mixnet/internal/cpu"

// dwGradArgs is what the assembly of the weight gradient reads. Distances are
// in bytes.
type dwGradArgs struct {
	lanes         int // channels, at most dwBlock
	kernel        int // rows of taps
	h             int // rows of x
	yStep, tapY   int // rows of x between those that successive rows of dy, and of taps, read
	xPix, dyPix   int // between pixels
	xLine, dyLine int // between the rows of x and dy for successive rows of dy
	xTap, wRow    int // between rows of x, and of the filter, for successive rows of taps
	tapStep       int // between taps

	// The part of the rows of taps.
	groups        int // of rows of taps
	at            int // offset of the pixel that the first tap reads in a row
	tile          int // pixels of a large tile
	large, small  int // tiles of tile and of tile-1 pixels
	before, width int // pixels read left of the image, pixels of the image
}

// dwGradRows is the rows of x and dy that meet in a group of rows of taps.
type dwGradRows struct {
	rows  int // of dy
	y     int // the row of x that the first row of taps reads
	x, dy int // offsets of the first rows
}

// dwGradPart is a part of each row of taps, of which the first reads column at
// of x for the first column of dy's class.
type dwGradPart struct {
	tap, taps, at, before, width int
	groups                       [dwMaxKernel]dwGradRows
}

const (
	dwMaxKernel = 14
	dwGradTaps  = 7 // most taps of a row that the assembly sums at once
	dwMaxParts  = 4
)

// dwGradRun is one call of DepthwiseGradWeight.
type dwGradRun struct {
	level   cpu.Level
	g       *DW
	dw      *DWFilter
	x, dy   []float32
	classes int // of dy's columns

	// One class.
	first, columns int
	step, stride   int // columns of dy from one to the next, and in columns of x
	srcStep        int // of these
	tapStep        int
	parts          [dwMaxParts]dwGradPart
	partCount      int

	// A number of rows of dy, and what they meet of x.
	from, to    int
	xFrom, xTo  int
	xPix, dyPix int // bytes between pixels, copied or not

	args dwGradArgs
}

func depthwiseGradWeightAsm(dw *DWFilter, x, dy []float32, g *DW, from, to int) bool {
	level := cpu.Current()
	if level < cpu.AVX2 || g.Channels == 0 || g.W == 0 || g.H == 0 || g.OutW == 0 || g.Kernel > dwMaxKernel {
		return false
	}
	var r dwGradRun
	r.level, r.g, r.dw, r.x, r.dy = level, g, dw, x, dy
	r.classes = g.Dilation / gcd(g.Stride, g.Dilation)
	for i := range r.classes {
		if !r.class(i) {
			return false
		}
	}
	if n := r.copyRows(); n > 0 {
		r.chunksCopied(from, to, n)
	} else {
		r.chunks(from, to, r.cachedRows(), nil)
	}
	return true
}

// class describes class i of dy's columns. It reports whether the assembly can
// compute it.
func (r *dwGradRun) class(i int) bool {
	g := r.g
	common := gcd(g.Stride, g.Dilation)
	r.first, r.step = i, g.Dilation/common
	r.columns = ceilDiv(g.OutW-i, r.step)
	r.tapStep, r.srcStep, r.stride = g.Stride/common, g.Stride*r.step, 1
	if g.Kernel == 3 && r.tapStep == 2 {
		r.tapStep, r.srcStep, r.stride = 1, g.Dilation, 2
	}
	r.partCount = 0
	for first := range min(r.tapStep, g.Kernel) {
		taps := ceilDiv(g.Kernel-first, r.tapStep)
		parts := ceilDiv(taps, dwGradTaps)
		for part := range parts {
			if r.partCount == len(r.parts) {
				return false
			}
			p := &r.parts[r.partCount]
			r.partCount++
			from := ceilDiv(taps*part, parts)
			p.taps = ceilDiv(taps*(part+1), parts) - from
			p.tap = first + from*r.tapStep
			p.at = i*g.Stride + p.tap*g.Dilation - g.PadLeft
			p.before = ceilDiv(-p.at, r.srcStep)
			p.width = ceilDiv(g.W-(p.at+p.before*r.srcStep), r.srcStep)
			if p.before >= p.taps {
				return false
			}
		}
	}
	return true
}

// span returns the most rows of x that n rows of dy meet.
func (r *dwGradRun) span(n int) int {
	return min((n-1)*r.g.Stride+(r.g.Kernel-1)*r.g.Dilation+1, r.g.H)
}

// cachedRows returns how many rows of dy to take at a time, so that a block of
// them and of the rows of x they meet stays in the first-level cache.
func (r *dwGradRun) cachedRows() int {
	const cache = 24 << 10
	n := dwMaxRows
	for n > 4 && (n*r.g.OutW+(n-1)*r.g.Stride*r.g.W)*blockBytes > cache {
		n--
	}
	return n
}

// copyRows returns how many rows of dy, and what they meet of x, to copy at a
// time; 0 if x and dy are better read in place. It is as dwRun.copyRows.
func (r *dwGradRun) copyRows() int {
	g := r.g
	lines := min(cacheLines(r.srcStep*4*g.SrcStride), cacheLines(r.step*4*g.DstStride))
	if lines >= 8*g.Kernel || g.W*g.H <= lines {
		return 0
	}
	for n := dwMaxRows; n > 1; n-- {
		if n*g.OutW+r.span(n)*g.W <= largeCopy {
			return n
		}
	}
	return 0
}

func (r *dwGradRun) chunksCopied(from, to, rows int) {
	var buf [(largeCopy + 1) * dwBlock]float32
	r.chunks(from, to, rows, lineAligned(buf[:]))
}

// chunks takes rows [from, to) of dy, n at a time, and copies them and what
// they meet of x to buf if that is not nil.
func (r *dwGradRun) chunks(from, to, n int, buf []float32) {
	g := r.g
	r.xPix, r.dyPix = 4*g.SrcStride, 4*g.DstStride
	if buf != nil {
		r.xPix, r.dyPix = blockBytes, blockBytes
	}
	for y := from; y < to; y += n {
		r.from, r.to = y, min(y+n, to)
		r.xFrom = max(r.from*g.Stride-g.PadTop, 0)
		r.xTo = min((r.to-1)*g.Stride-g.PadTop+(g.Kernel-1)*g.Dilation+1, g.H)
		if r.xFrom >= r.xTo {
			continue
		}
		for i := range r.classes {
			if r.classes > 1 {
				r.class(i)
			}
			if r.columns > 0 {
				r.setGroups(buf != nil)
				r.blocks(buf)
			}
		}
	}
}

// setGroups describes the rows that meet in each group of rows of taps.
func (r *dwGradRun) setGroups(copied bool) {
	g := r.g
	xFirst, dyFirst := 0, 0
	if copied {
		xFirst, dyFirst = r.xFrom, r.from
	}
	for i := range r.partCount {
		p := &r.parts[i]
		rows, _ := dwGradShape(r.level, p.taps)
		for j, row := 0, 0; row < g.Kernel; j, row = j+1, row+rows {
			last := min(row+rows, g.Kernel) - 1
			from := max(ceilDiv(g.PadTop-last*g.Dilation, g.Stride), r.from)
			to := min(ceilDiv(g.H+g.PadTop-row*g.Dilation, g.Stride), r.to)
			q := &p.groups[j]
			q.rows = max(to-from, 0)
			q.y = from*g.Stride + row*g.Dilation - g.PadTop
			q.x = (q.y - xFirst) * g.W * r.xPix
			q.dy = ((from-dyFirst)*g.OutW + r.first) * r.dyPix
		}
	}
}

// blocks calls the assembly for each part of each block of channels.
func (r *dwGradRun) blocks(buf []float32) {
	g, a := r.g, &r.args
	a.kernel, a.h = g.Kernel, g.H
	a.yStep, a.tapY = g.Stride, g.Dilation
	a.xPix, a.dyPix = r.srcStep*r.xPix, r.step*r.dyPix
	a.xLine, a.xTap = g.Stride*g.W*r.xPix, g.Dilation*g.W*r.xPix
	a.dyLine = g.OutW * r.dyPix
	a.wRow = g.Kernel * blockBytes
	a.tapStep = r.tapStep * blockBytes
	for c := 0; c < g.Channels; c += dwBlock {
		a.lanes = min(dwBlock, g.Channels-c)
		x, dy := r.x[c:], r.dy[c:]
		if buf != nil {
			xRows := r.xTo - r.xFrom
			x, dy = buf, buf[xRows*g.W*dwBlock:]
			copyBlock(r.level, x, r.x[c:], r.xFrom, xRows, g.W, 4*g.SrcStride, a.lanes)
			copyBlock(r.level, dy, r.dy[c:], r.from, r.to-r.from, g.OutW, 4*g.DstStride, a.lanes)
		}
		for i := range r.partCount {
			p := &r.parts[i]
			rows, tile := dwGradShape(r.level, p.taps)
			tiles := ceilDiv(r.columns, tile)
			a.groups = ceilDiv(g.Kernel, rows)
			a.at = p.at * r.xPix
			a.tile = ceilDiv(r.columns, tiles)
			a.small = tiles*a.tile - r.columns
			a.large = tiles - a.small
			a.before, a.width = p.before, p.width
			dw := &r.dw.channel(c)[p.tap*dwBlock]
			if r.level == cpu.AVX512 {
				dwGradAVX512(p.taps, r.stride, dw, &x[0], &dy[0], &p.groups[0].rows, &a.lanes)
			} else {
				dwGradAVX2(p.taps, r.stride, dw, &x[0], &dy[0], &p.groups[0].rows, &a.lanes)
			}
		}
	}
}

// dwGradShape returns how many rows of so many taps the assembly sums at once,
// and the largest tile of dy it does so for.
func dwGradShape(level cpu.Level, taps int) (rows, tile int) {
	registers := 14
	rows = [...]int{1: 1, 2: 5, 3: 3, 4: 2, 5: 2, 6: 1, 7: 1}[taps]
	if level == cpu.AVX512 {
		registers = 30
		rows = [...]int{1: 1, 2: 5, 3: 3, 4: 3, 5: 3, 6: 2, 7: 2}[taps]
	}
	return rows, min(7, registers-rows*taps, (41+rows*taps)/(rows*taps))
}

// dwGradAVX2 adds to rows of taps their gradient.
func dwGradAVX2(taps, stride int, dw, x, dy *float32, groups, args *int) {
	switch {
	case stride == 2:
		dwGrad3x2AVX2(dw, x, dy, groups, args)
	case taps == 1:
		dwGrad1x1AVX2(dw, x, dy, groups, args)
	case taps == 2:
		dwGrad2x1AVX2(dw, x, dy, groups, args)
	case taps == 3:
		dwGrad3x1AVX2(dw, x, dy, groups, args)
	case taps == 4:
		dwGrad4x1AVX2(dw, x, dy, groups, args)
	case taps == 5:
		dwGrad5x1AVX2(dw, x, dy, groups, args)
	case taps == 6:
		dwGrad6x1AVX2(dw, x, dy, groups, args)
	case taps == 7:
		dwGrad7x1AVX2(dw, x, dy, groups, args)
	}
}

// dwGradAVX512 adds to rows of taps their gradient.
func dwGradAVX512(taps, stride int, dw, x, dy *float32, groups, args *int) {
	switch {
	case stride == 2:
		dwGrad3x2AVX512(dw, x, dy, groups, args)
	case taps == 1:
		dwGrad1x1AVX512(dw, x, dy, groups, args)
	case taps == 2:
		dwGrad2x1AVX512(dw, x, dy, groups, args)
	case taps == 3:
		dwGrad3x1AVX512(dw, x, dy, groups, args)
	case taps == 4:
		dwGrad4x1AVX512(dw, x, dy, groups, args)
	case taps == 5:
		dwGrad5x1AVX512(dw, x, dy, groups, args)
	case taps == 6:
		dwGrad6x1AVX512(dw, x, dy, groups, args)
	case taps == 7:
		dwGrad7x1AVX512(dw, x, dy, groups, args)
	}
}
