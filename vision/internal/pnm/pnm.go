// Package pnm decodes the portable any-maps of Netpbm (PBM, PGM and PPM, plain
// or raw), as Pillow's convert("RGB") has them, except that gray of 16 bits
// keeps its high byte.
package pnm

import (
	"bytes"
	"image"
	"math"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// Header is what precedes the pixels.
type Header struct {
	W, H    int
	kind    byte // '1' to '6'
	highest int  // sample
	pixels  int  // where they begin
}

// Sniff says whether a file begins as one of the kinds.
func Sniff(head []byte) bool {
	return len(head) >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' && space(head[2])
}

// space says whether b separates numbers.
func space(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// Inspect reads the header.
func Inspect(data []byte) (Header, error) {
	if !Sniff(data) {
		return Header{}, codec.ErrTruncated
	}
	h := Header{kind: data[1], highest: 1}
	s := scanner{data: data, pos: 2}
	values := []*int{&h.W, &h.H, &h.highest}
	if h.bitmap() {
		values = values[:2]
	}
	for _, v := range values {
		var err error
		if *v, err = s.number(1<<31 - 1); err != nil {
			return h, err
		}
	}
	if h.W < 1 || h.H < 1 || h.highest < 1 || h.highest > 1<<16-1 {
		return h, codec.Corrupt("size %d×%d, samples up to %d", h.W, h.H, h.highest)
	}
	if s.pos < len(data) && !space(data[s.pos]) {
		return h, codec.Corrupt("%q after the header", data[s.pos])
	}
	h.pixels = min(s.pos+1, len(data)) // one separator
	return h, nil
}

func (h *Header) bitmap() bool { return h.kind == '1' || h.kind == '4' }
func (h *Header) plain() bool  { return h.kind <= '3' }

// samples returns the number of samples of a row.
func (h *Header) samples() int {
	if h.kind == '3' || h.kind == '6' {
		return 3 * h.W
	}
	return h.W
}

// scanner reads numbers.
type scanner struct {
	data []byte
	pos  int
}

// skip passes over white space and comments.
func (s *scanner) skip() {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case space(c):
			s.pos++
		case c == '#':
			n := bytes.IndexAny(s.data[s.pos:], "\r\n")
			if n < 0 {
				n = len(s.data) - s.pos
			}
			s.pos += n
		default:
			return
		}
	}
}

// number reads the next number.
func (s *scanner) number(highest int) (int, error) {
	s.skip()
	start, v := s.pos, 0
	for ; s.pos < len(s.data); s.pos++ {
		c := s.data[s.pos]
		if c < '0' || c > '9' {
			break
		}
		if v = 10*v + int(c-'0'); v > highest {
			return 0, codec.Corrupt("a number above %d", highest)
		}
	}
	if s.pos == len(s.data) && s.pos == start {
		return 0, codec.ErrTruncated
	}
	if s.pos == start {
		return 0, codec.Corrupt("%q instead of a number", s.data[s.pos])
	}
	return v, nil
}

// bit reads the next digit of a plain bitmap.
func (s *scanner) bit() (uint8, error) {
	s.skip()
	if s.pos == len(s.data) {
		return 0, codec.ErrTruncated
	}
	c := s.data[s.pos]
	s.pos++
	if c != '0' && c != '1' {
		return 0, codec.Corrupt("%q instead of 0 or 1", c)
	}
	return c - '0', nil
}

// Decode decodes the part of a file inside region to rows of channels 3 (RGB)
// or 1 (gray) samples, in buf's memory if it is large enough.
func Decode(buf []uint8, data []byte, region image.Rectangle, channels int, limits codec.Limits) ([]uint8, error) {
	h, err := Inspect(data)
	if err != nil {
		return nil, err
	}
	if err := codec.Inside(region, h.W, h.H); err != nil {
		return nil, err
	}
	row := int64(h.samples()) // least bytes
	switch {
	case h.kind == '4':
		row = (row + 7) / 8
	case !h.plain() && h.highest > 255:
		row *= 2
	}
	if row*int64(h.H) > int64(len(data)-h.pixels) {
		return nil, codec.ErrTruncated
	}
	memory := int64(region.Dx())*int64(region.Dy())*int64(channels) + int64(h.samples()) + 1<<16
	if err := limits.Memory(memory); err != nil {
		return nil, err
	}
	d := decoder{Header: h, scan: scanner{data, h.pixels}, row: make([]uint8, h.samples())}
	if !h.bitmap() {
		d.scale = h.scale()
	}
	raster := codec.NewRaster(buf, region, channels)
	for y := range h.H {
		if err := limits.Stopped(); err != nil {
			return nil, err
		}
		if err := d.next(); err != nil {
			return nil, err
		}
		if h.samples() > h.W {
			raster.RGB(y, d.row)
		} else {
			raster.Gray(y, d.row)
		}
	}
	return raster.Pix, nil
}

// scale maps samples to 8 bits, rounding halves to even.
func (h *Header) scale() []uint8 {
	out := make([]uint8, h.highest+1)
	for v := range out {
		share := float64(v) / float64(h.highest)
		if h.samples() == h.W && h.highest > 255 {
			out[v] = uint8(int(math.RoundToEven(share*65535)) >> 8)
		} else {
			out[v] = uint8(math.RoundToEven(share * 255))
		}
	}
	return out
}

// decoder reads row after row.
type decoder struct {
	Header
	scan  scanner
	scale []uint8
	row   []uint8
}

// next reads a row.
func (d *decoder) next() error {
	b := d.scan.data[d.scan.pos:]
	switch {
	case d.kind == '4':
		for i := range d.row {
			d.row[i] = ^-(b[i/8] >> (7 - i%8) & 1)
		}
		d.scan.pos += (len(d.row) + 7) / 8
	case d.kind == '1':
		for i := range d.row {
			v, err := d.scan.bit()
			if err != nil {
				return err
			}
			d.row[i] = ^-v
		}
	case d.plain():
		for i := range d.row {
			v, err := d.scan.number(d.highest)
			if err != nil {
				return err
			}
			d.row[i] = d.scale[v]
		}
	case d.highest > 255:
		for i := range d.row {
			d.row[i] = d.scale[min(int(b[2*i])<<8|int(b[2*i+1]), d.highest)]
		}
		d.scan.pos += 2 * len(d.row)
	default:
		for i := range d.row {
			d.row[i] = d.scale[min(int(b[i]), d.highest)]
		}
		d.scan.pos += len(d.row)
	}
	return nil
}
