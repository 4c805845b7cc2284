package jpeg

import (
	"errors"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// scanHeader is what SOS says.
type scanHeader struct {
	comp        []*component
	list        [4]*component // comp's memory
	interleaved bool
	from, to    int  // coefficients
	high, low   uint // bits
}

// readScanHeader reads SOS.
func (d *Decoder) readScanHeader(s *scanHeader, b []byte) error {
	if d.comp == nil {
		return codec.Corrupt("a scan before the frame header")
	}
	if len(b) < 1 || len(b) != 4+2*int(b[0]) || b[0] < 1 || int(b[0]) > len(d.comp) {
		return codec.Corrupt("scan header of %d bytes", len(b))
	}
	n := int(b[0])
	s.comp = s.list[:n]
	blocks := 0
	tail := b[1+2*n:]
	s.from, s.to, s.high, s.low = int(tail[0]), int(tail[1]), uint(tail[2]>>4), uint(tail[2]&15)
	if !d.progressive {
		s.from, s.to, s.high, s.low = 0, 63, 0, 0
	}
	if s.from > s.to || s.to > 63 || s.high > 13 || s.low > 13 || s.high > 0 && s.low != s.high-1 ||
		d.progressive && (s.from == 0 && s.to != 0 || s.from > 0 && n > 1) {
		return codec.Corrupt("scan of coefficients %d to %d, bits %d to %d, %d components", s.from, s.to, s.high, s.low, n)
	}
	for i := range n {
		id, dc, ac := b[1+2*i], b[2+2*i]>>4, b[2+2*i]&15
		for j := range d.comp {
			if c := &d.comp[j]; c.id == id && s.comp[i] == nil {
				s.comp[i] = c
			}
		}
		c := s.comp[i]
		if c == nil {
			return codec.Corrupt("a scan of component %d, which the frame lacks", id)
		}
		for _, other := range s.comp[:i] {
			if other == c {
				return codec.Corrupt("a scan of component %d twice", id)
			}
		}
		if dc > 3 || ac > 3 {
			return codec.Corrupt("Huffman tables %d and %d", dc, ac)
		}
		c.dc, c.ac = &d.dc[dc], &d.ac[ac]
		if !d.progressive {
			if err := errors.Join(c.dc.orStandard(&standardDC, dc), c.ac.orStandard(&standardAC, ac)); err != nil {
				return err
			}
		}
		if s.from == 0 && s.high == 0 && !c.dc.defined || s.to > 0 && !c.ac.defined {
			return codec.Corrupt("a scan without its Huffman table")
		}
		blocks += c.h * c.v
	}
	s.interleaved = n > 1
	if s.interleaved && blocks > 10 {
		return codec.Corrupt("%d blocks in an MCU", blocks)
	}
	return nil
}
