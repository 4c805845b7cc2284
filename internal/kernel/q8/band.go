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

// bandBytes is how large a band is at most, if it has more than two groups:
// something less than the first-level cache.
const bandBytes = 24 << 10

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
