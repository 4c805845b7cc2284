//go:build amd64 && !purego

package kernel

import "github.com/mixnet-go/mixnet/internal/cpu"

// dwGradArgs is what the assembly of the weight gradient reads. Distances are
// in bytes.
type dwGradArgs struct {
	x             int // offset of the pixel that the first tap reads
	rows          int // of dy
	lanes         int // channels, at most dwBlock
	taps          int // rows of taps
	y, h          int // row of x that the first tap reads, rows of x
	yStep, tapY   int // rows of x between those that successive rows of dy, and of taps, read
	xPix, dyPix   int // between pixels
	xLine, dyLine int // between the rows of x and dy for successive rows of dy
	xTap, wRow    int // between rows of x, and of the filter, for successive rows of taps
	tapStep       int // between taps
	tile          int // pixels of a large tile
	large, small  int // tiles of tile and of tile-1 pixels
	before, width int // pixels read left of the image, pixels of the image
}

// dwGradRun is one call of DepthwiseGradWeight.
type dwGradRun struct {
	level    cpu.Level
	g        *DW
	dw       *DWFilter
	x, dy    []float32
	from, to int // rows of dy
	columns  int // of the class
	args     dwGradArgs
}

func depthwiseGradWeightAsm(dw *DWFilter, x, dy []float32, g *DW, from, to int) bool {
	level := cpu.Current()
	if level < cpu.AVX2 || g.Channels == 0 || g.W == 0 || g.H == 0 || g.OutW == 0 {
		return false
	}
	var r dwGradRun
	r.level, r.g, r.dw, r.x, r.dy = level, g, dw, x, dy
	classes := g.Dilation / gcd(g.Stride, g.Dilation)
	for i := range classes {
		if !r.class(i, false) {
			return false
		}
	}
	n := r.cachedRows()
	for y := from; y < to; y += n {
		r.from, r.to = y, min(y+n, to)
		for i := range classes {
			r.class(i, true)
		}
	}
	return true
}

// cachedRows returns how many rows of dy to take at a time, so that they and
// the rows of x they meet stay in the first-level cache.
func (r *dwGradRun) cachedRows() int {
	const cache = 24 << 10
	g := r.g
	n := 16
	for n > 4 && (n*g.OutW+(n-1)*g.Stride*g.W)*4*dwBlock > cache {
		n--
	}
	return n
}

// class computes what class i of dy's columns contributes, or only reports
// whether the assembly can.
func (r *dwGradRun) class(i int, compute bool) bool {
	g, a := r.g, &r.args
	common := gcd(g.Stride, g.Dilation)
	step := g.Dilation / common
	r.columns = ceilDiv(g.OutW-i, step)
	if r.columns == 0 {
		return true
	}
	tapStep, srcStep, stride := g.Stride/common, g.Stride*step, 1
	if g.Kernel == 3 && tapStep == 2 {
		tapStep, srcStep, stride = 1, g.Dilation, 2
	}
	a.xPix = srcStep * 4 * g.SrcStride
	a.dyPix = step * 4 * g.DstStride
	a.tapStep = tapStep * blockBytes
	for first := range min(tapStep, g.Kernel) {
		taps := ceilDiv(g.Kernel-first, tapStep)
		parts := (taps + dwGradTaps - 1) / dwGradTaps
		for part := range parts {
			from, to := ceilDiv(taps*part, parts), ceilDiv(taps*(part+1), parts)
			tap := first + from*tapStep
			at := i*g.Stride + tap*g.Dilation - g.PadLeft
			a.before = ceilDiv(-at, srcStep)
			a.width = ceilDiv(g.W-(at+a.before*srcStep), srcStep)
			if a.before >= to-from {
				return false
			}
			if compute {
				r.part(i, tap, to-from, stride, at)
			}
		}
	}
	return true
}

// part computes the gradient of taps tap, tap+tapStep, … of each row of taps,
// the first of which reads column at for the first column of class i.
func (r *dwGradRun) part(i, tap, taps, stride, at int) {
	g, a := r.g, &r.args
	a.h = g.H
	a.yStep, a.tapY = g.Stride, g.Dilation
	line := g.W * 4 * g.SrcStride
	a.xLine, a.xTap = g.Stride*line, g.Dilation*line
	a.dyLine = g.OutW * 4 * g.DstStride
	a.wRow = g.Kernel * blockBytes
	rows, tile := dwGradShape(r.level, taps)
	tiles := ceilDiv(r.columns, tile)
	a.tile = ceilDiv(r.columns, tiles)
	a.small = tiles*a.tile - r.columns
	a.large = tiles - a.small
	for c := 0; c < g.Channels; c += dwBlock {
		a.lanes = min(dwBlock, g.Channels-c)
		for row := 0; row < g.Kernel; row += rows {
			a.taps = min(rows, g.Kernel-row)
			from := max(ceilDiv(g.PadTop-(row+a.taps-1)*g.Dilation, g.Stride), r.from)
			to := min(ceilDiv(g.H+g.PadTop-row*g.Dilation, g.Stride), r.to)
			if a.rows = to - from; a.rows <= 0 {
				continue
			}
			a.y = from*g.Stride + row*g.Dilation - g.PadTop
			a.x = a.y*line + at*4*g.SrcStride
			dw := &r.dw.channel(c)[(row*g.Kernel+tap)*dwBlock]
			dy := &r.dy[c+(from*g.OutW+i)*g.DstStride]
			if r.level == cpu.AVX512 {
				dwGradAVX512(taps, stride, dw, &r.x[c], dy, &a.x)
			} else {
				dwGradAVX2(taps, stride, dw, &r.x[c], dy, &a.x)
			}
		}
	}
}

// dwGradTaps is the most taps of a row that the assembly sums at once.
const dwGradTaps = 7

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
func dwGradAVX2(taps, stride int, dw, x, dy *float32, args *int) {
	switch {
	case stride == 2:
		dwGrad3x2AVX2(dw, x, dy, args)
	case taps == 1:
		dwGrad1x1AVX2(dw, x, dy, args)
	case taps == 2:
		dwGrad2x1AVX2(dw, x, dy, args)
	case taps == 3:
		dwGrad3x1AVX2(dw, x, dy, args)
	case taps == 4:
		dwGrad4x1AVX2(dw, x, dy, args)
	case taps == 5:
		dwGrad5x1AVX2(dw, x, dy, args)
	case taps == 6:
		dwGrad6x1AVX2(dw, x, dy, args)
	case taps == 7:
		dwGrad7x1AVX2(dw, x, dy, args)
	}
}

// dwGradAVX512 adds to rows of taps their gradient.
func dwGradAVX512(taps, stride int, dw, x, dy *float32, args *int) {
	switch {
	case stride == 2:
		dwGrad3x2AVX512(dw, x, dy, args)
	case taps == 1:
		dwGrad1x1AVX512(dw, x, dy, args)
	case taps == 2:
		dwGrad2x1AVX512(dw, x, dy, args)
	case taps == 3:
		dwGrad3x1AVX512(dw, x, dy, args)
	case taps == 4:
		dwGrad4x1AVX512(dw, x, dy, args)
	case taps == 5:
		dwGrad5x1AVX512(dw, x, dy, args)
	case taps == 6:
		dwGrad6x1AVX512(dw, x, dy, args)
	case taps == 7:
		dwGrad7x1AVX512(dw, x, dy, args)
	}
}
