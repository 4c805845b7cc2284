//go:build !purego

package kernel

// The assembly computes tiles of output pixels of one block of channels. It
// knows no dilation and hardly a stride: the output columns of any
// convolution, and of any gradient of its input, fall into classes that are
// convolutions of stride and dilation 1 over every so many pixels. A strided
// convolution is the sum of several of these, called passes, and a dilated one
// consists of several, interleaved.

const dwMaxPasses = 4

// dwPass is a convolution of one row of taps.
type dwPass struct {
	src, w int // offsets of the pixel that the first tap reads, and of this tap
	code   int // number of taps + 16·(step-1)
	step   int // stride, 1 or 2
	before int // pixels that the first output pixel reads left of the image
	width  int // pixels in a row of the image

	_ [4]int // used by the assembly
}

// dwColumns is a class of output columns. Distances are in columns and taps.
type dwColumns struct {
	first, step int // columns first, first+step, … of the output
	n           int
	srcStep     int // between columns of the input
	tapStep     int
	passes      int
	pass        [dwMaxPasses]dwPass
}

// addPass adds the taps first, first+tapStep, … of a row of a filter, of which
// the first reads pixel at for the first column. It reports whether the
// assembly can compute it.
func (c *dwColumns) addPass(first, kernel, at, width, step int) bool {
	if c.passes == dwMaxPasses {
		return false
	}
	p := &c.pass[c.passes]
	c.passes++
	p.w = first
	p.src = at
	p.before = ceilDiv(-at, c.srcStep)
	p.width = ceilDiv(width-(at+p.before*c.srcStep), c.srcStep)
	p.step = step
	taps := ceilDiv(kernel-first, c.tapStep)
	p.code = taps + 16*(step-1)
	return p.before < taps && p.before+p.width > (c.n-1)*step &&
		(taps <= 7 || taps == 9 || taps == 11 || taps == 13)
}

// forwardColumns describes class i of the columns of a convolution. It
// reports whether the assembly can compute it.
func (g *DW) forwardColumns(c *dwColumns, i int) bool {
	common := gcd(g.Stride, g.Dilation)
	c.first, c.step = i, g.Dilation/common
	c.n = ceilDiv(g.OutW-i, c.step)
	c.passes = 0
	if g.Kernel == 3 && g.Stride == 2*common {
		c.tapStep = 1
		c.srcStep = g.Dilation
		return c.addPass(0, g.Kernel, i*g.Stride-g.PadLeft, g.W, 2)
	}
	c.tapStep = g.Stride / common
	c.srcStep = g.Stride * c.step
	ok := true
	for tap := range min(c.tapStep, g.Kernel) {
		ok = c.addPass(tap, g.Kernel, i*g.Stride+tap*g.Dilation-g.PadLeft, g.W, 1) && ok
	}
	return ok
}

// gradColumns describes class i of the columns of the input's gradient.
func (g *DW) gradColumns(c *dwColumns, i int) bool {
	common := gcd(g.Stride, g.Dilation)
	c.first, c.step = i, g.Stride*g.Dilation/common
	c.n = ceilDiv(g.W-i, c.step)
	c.tapStep = g.Stride / common
	c.srcStep = g.Dilation / common
	c.passes = 0
	at := i + g.PadLeft - (g.Kernel-1)*g.Dilation
	if tap := g.gradTap(at); tap >= 0 {
		return c.addPass(tap, g.Kernel, (at+tap*g.Dilation)/g.Stride, g.OutW, 1)
	}
	c.pass[0] = dwPass{code: 1, step: 1} // reads nothing
	c.passes = 1
	return true
}

// gradTap returns the first tap of a reversed filter that reads an output
// position, when tap 0 is at position at/g.Stride; -1 if none does.
func (g *DW) gradTap(at int) int {
	for tap := range min(g.Stride, g.Kernel) {
		if (at+tap*g.Dilation)%g.Stride == 0 {
			return tap
		}
	}
	return -1
}
