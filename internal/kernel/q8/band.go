package q8

import "github.com/mixnet-go/mixnet/internal/kernel"

// band is a stretch of the input of a depthwise convolution, of 16 channels,
// laid out in quads for a number of groups of output rows.
type band struct {
	group  int // rows of output
	groups int // of a whole band
	quads  int // that a group reads of a column; the next group begins one later
	cols   int
}

// bandBytes is how large a band is at most, if it has more than two groups: a
// small part of the second-level cache. Smaller ones lay out more rows twice.
const bandBytes = 96 << 10

// newBand returns the bands of a geometry; without groups where there is no
// assembly.
func newBand(g *kernel.DW) band {
	f := DWFilter{Kernel: g.Kernel, Stride: g.Stride, Dilation: g.Dilation}
	b := band{group: f.group()}
	if b.group == 0 {
		return b
	}
	b.quads = f.quads()
	b.cols = (g.OutW-1)*g.Stride + f.span()
	most := ceilDiv(g.OutH, b.group)
	b.groups = min(most, max(2, bandBytes/b.pitch()-b.quads+1))
	return b
}

// pitch returns the bytes of a quad of all columns.
func (b *band) pitch() int { return b.cols * panelCols * quad }

// size returns the bytes of a band.
func (b *band) size() int { return (b.groups + b.quads - 1) * b.pitch() }

// floatsBand is what a depthwise convolution by way of floats computes at a
// time: rows of output, span rows of input, and a multiple of 16 channels.
type floatsBand struct {
	rows, span, channels int
	perChannel           int // bytes
}

// floatsBytes is how large input and output of a band are at most, if it has
// more than one row of 16 channels.
const floatsBytes = 64 << 10

func newFloatsBand(g *kernel.DW) (b floatsBand) {
	window := (g.Kernel-1)*g.Dilation + 1
	for b.rows = max(g.OutH, 1); ; b.rows = ceilDiv(b.rows, 2) {
		b.span = min((b.rows-1)*g.Stride+window, g.H)
		b.perChannel = 4 * (b.span*g.W + b.rows*g.OutW)
		if b.rows == 1 || panelCols*b.perChannel <= floatsBytes {
			break
		}
	}
	blocks := max(1, floatsBytes/2/(panelCols*max(b.perChannel, 1)))
	b.channels = min(blocks, ceilDiv(g.Channels, panelCols)) * panelCols
	return b
}

// size returns the bytes of a band.
func (b *floatsBand) size() int { return b.channels * b.perChannel }
