package jpeg

import (
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
	"github.com/mixnet-go/mixnet/vision/internal/pixel"
)

// zigzag maps the order of coefficients in the file to their place in a block.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}

// A scan may cost a pass over all coefficients while its own bytes are few.
// Encoders write about ten scans; these bounds leave room for any that is meant.
const (
	maxScans   = 256     // of one picture
	maxPasses  = 32      // over all blocks,
	freeVisits = 1 << 24 // or as many visits of a block as cost nothing to speak of
)

// allow reports an error if the picture has too many scans.
func (d *Decoder) allow(s *scanHeader) error {
	all, visited := 0, 0
	for i := range d.comp {
		all += d.comp[i].paddedX * d.comp[i].paddedY
	}
	for _, c := range s.comp {
		visited += c.paddedX * c.paddedY
	}
	d.scans++
	d.visits += visited
	if d.scans > maxScans || d.visits > max(maxPasses*all, freeVisits) {
		return fmt.Errorf("%w: %d scans of %d×%d pixels", codec.ErrTooLarge, d.scans, d.w, d.h)
	}
	return nil
}

// scanHeader is what SOS says.
type scanHeader struct {
	comp        []*component
	list        [4]*component // comp's memory
	interleaved bool
	from, to    int  // coefficients
	high, low   uint // bits
}

// readScan reads SOS and the scan after it. It reports whether the picture is
// complete: a sequential one whose components all came in this scan.
func (d *Decoder) readScan(b []byte, p *parser) (whole bool, err error) {
	var s scanHeader
	if err := d.readScanHeader(&s, b); err != nil {
		return false, err
	}
	if err := d.allow(&s); err != nil {
		return false, err
	}
	p.rest = d.entropy.unstuff(p.rest)
	whole = !d.progressive && len(s.comp) == len(d.comp)
	if !d.progressive && !whole {
		for _, c := range s.comp {
			d.memory += 2 * 64 * int64(c.paddedX) * int64(c.paddedY)
		}
		if err := d.limits.Memory(d.memory); err != nil {
			return false, err
		}
	}
	for _, c := range s.comp {
		if !whole && !c.seen {
			c.coef = resized(c.coef, 64*c.paddedX*c.paddedY)
			clear(c.coef)
		}
		if !c.seen {
			c.setSteps(&d.quant[c.tq])
			c.seen = true
		}
	}
	return whole, d.decodeScan(&s, whole)
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

// decodeScan decodes the MCUs. If the scan is the whole picture, wanted blocks
// become samples at once and others are passed over.
func (d *Decoder) decodeScan(s *scanHeader, whole bool) error {
	mcusX, mcusY := d.mcusX, d.mcusY
	if !s.interleaved {
		mcusX, mcusY = s.comp[0].blocksX, s.comp[0].blocksY
	}
	stop := mcusY
	if whole && d.entropy.ended {
		stop = d.lastRow(s)
	}
	var eobRun int32
	var r reader
	left, interval := 0, 0
	for my := range stop {
		if err := d.limits.Stopped(); err != nil {
			return err
		}
		for mx := 0; mx < mcusX; mx++ {
			if left == 0 {
				if interval > 0 && r.overrun() {
					return codec.ErrTruncated
				}
				var err error
				if r, err = d.entropy.reader(interval); err != nil {
					return err
				}
				interval++
				left, eobRun = d.restart, 0
				if left == 0 {
					left = mcusX * mcusY
				}
				for _, c := range s.comp {
					c.pred = 0
				}
			}
			if eobRun > 1 && s.from > 0 && s.high == 0 {
				// Blocks in a run of ends of bands stay as they are.
				n := min(int(eobRun), left, mcusX-mx)
				mx, left, eobRun = mx+n-1, left-n, eobRun-int32(n)
				continue
			}
			left--
			var ok bool
			switch {
			case whole:
				ok = s.samples(&r, mx, my)
			case d.progressive:
				ok = s.refine(&r, mx, my, &eobRun)
			default:
				ok = s.coefficients(&r, mx, my)
			}
			if !ok {
				if r.overrun() {
					return codec.ErrTruncated
				}
				return codec.Corrupt("entropy-coded data of MCU (%d, %d)", mx, my)
			}
		}
		if r.overrun() {
			return codec.ErrTruncated
		}
	}
	return nil
}

// lastRow returns the row of MCUs after the last one with a wanted block.
func (d *Decoder) lastRow(s *scanHeader) int {
	last := 0
	for _, c := range s.comp {
		v := c.v
		if !s.interleaved {
			v = 1
		}
		last = max(last, ceilDiv(c.y1, v))
	}
	return last
}

// samples decodes an MCU of a picture in one scan.
func (s *scanHeader) samples(r *reader, mx, my int) bool {
	var block [64]int16
	for _, c := range s.comp {
		h, v := c.h, c.v
		if !s.interleaved {
			h, v = 1, 1
		}
		for y := my * v; y < (my+1)*v; y++ {
			for x := mx * h; x < (mx+1)*h; x++ {
				if x < c.x0 || x >= c.x1 || y < c.y0 || y >= c.y1 {
					if !r.skip(c) {
						return false
					}
					continue
				}
				last, ok := r.block(&block, c)
				if !ok {
					return false
				}
				dst := c.plane[(y-c.y0)*8*c.stride+(x-c.x0)*8:]
				if last == 0 {
					pixel.FillBlock(dst, c.stride, block[0])
					block[0] = 0
				} else {
					pixel.IDCT(dst, c.stride, &block)
					block = [64]int16{}
				}
			}
		}
	}
	return true
}

// coefficients decodes an MCU of a sequential picture in several scans.
func (s *scanHeader) coefficients(r *reader, mx, my int) bool {
	for _, c := range s.comp {
		h, v := c.h, c.v
		if !s.interleaved {
			h, v = 1, 1
		}
		for y := my * v; y < (my+1)*v; y++ {
			for x := mx * h; x < (mx+1)*h; x++ {
				b := c.at(x, y)
				*b = [64]int16{}
				if _, ok := r.block(b, c); !ok {
					return false
				}
			}
		}
	}
	return true
}

// at returns the coefficients of a block.
func (c *component) at(x, y int) *[64]int16 {
	return (*[64]int16)(c.coef[64*(y*c.paddedX+x):])
}

// block decodes the dequantised coefficients of a block of zeros, and returns
// the place in zigzag order up to which they may be other than zero.
func (r *reader) block(b *[64]int16, c *component) (last int, ok bool) {
	if !r.dcBlock(c) {
		return 0, false
	}
	b[0] = int16(c.pred * int(c.steps[0].quant))
	data, pos, acc, n := r.data, r.pos, r.acc, r.n
	fast, steps := &c.ac.fast, &c.steps
	k := 1
	for k < 64 {
		if n < 32 {
			pos, acc, n = fill(data, pos, acc, n)
		}
		e := fast[acc>>(64-fastBits)]
		if e&entryValue != 0 {
			acc <<= e & 63
			n -= uint(e & 63)
			last = k + int(e>>8&15)
			t := steps[last&127]
			b[t.at&63] = int16(e>>16) * t.quant
			k = last + 1
			continue
		}
		l, symbol := uint(e&63), byte(e>>8)
		if l == 0 {
			if l, symbol, ok = c.ac.lookup(acc); !ok {
				r.pos, r.acc, r.n = pos, acc, n
				return 0, false
			}
		}
		acc <<= l
		n -= l
		run, size := int(symbol>>4), uint(symbol&15)
		if size == 0 {
			if run != 15 {
				break
			}
			k += 16
			continue
		}
		k += run
		v := extend(int32(acc>>(64-size)), int(size))
		acc <<= size
		n -= size
		last = k
		t := steps[k&127]
		b[t.at&63] = int16(v) * t.quant
		k++
	}
	r.pos, r.acc, r.n = pos, acc, n
	return last, k <= 64
}

// dcBlock decodes the difference of the first coefficient.
func (r *reader) dcBlock(c *component) bool {
	r.need()
	e := c.dc.fast[r.acc>>(64-fastBits)]
	if e&entryValue != 0 {
		r.take(uint(e & 63))
		c.pred += int(int16(e >> 16))
		return e>>8&15 == 0
	}
	l, symbol := uint(e&63), byte(e>>8)
	if l == 0 {
		var ok bool
		if l, symbol, ok = c.dc.lookup(r.acc); !ok {
			return false
		}
	}
	r.take(l)
	if symbol == 0 {
		return true
	}
	if symbol > 15 {
		return false
	}
	c.pred += int(extend(r.bits(int(symbol)), int(symbol)))
	return true
}

// skip passes over a block that is not wanted.
func (r *reader) skip(c *component) bool {
	if !r.dcBlock(c) {
		return false
	}
	data, pos, acc, n := r.data, r.pos, r.acc, r.n
	k := 1
	for k < 64 {
		if n < 32 {
			pos, acc, n = fill(data, pos, acc, n)
		}
		e := c.ac.fast[acc>>(64-fastBits)]
		if e&entryValue != 0 {
			l := uint(e & 63)
			acc <<= l
			n -= l
			k += int(e>>8&15) + 1
			continue
		}
		l, symbol := uint(e&63), byte(e>>8)
		if l == 0 {
			var ok bool
			if l, symbol, ok = c.ac.lookup(acc); !ok {
				r.pos, r.acc, r.n = pos, acc, n
				return false
			}
		}
		run, size := int(symbol>>4), uint(symbol&15)
		acc <<= l + size
		n -= l + size
		if size == 0 && run != 15 {
			break
		}
		k += run + 1
	}
	r.pos, r.acc, r.n = pos, acc, n
	return k <= 64
}
