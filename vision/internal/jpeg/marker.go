package jpeg

import (
	"bytes"
	"image"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

const (
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerSOF3  = 0xc3
	markerDHT   = 0xc4
	markerSOF15 = 0xcf
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP14 = 0xee
)

// parser walks over the marker segments.
type parser struct{ rest []byte }

// next returns the next marker and its segment, skipping bytes that belong to
// none.
func (p *parser) next() (marker byte, body []byte, err error) {
	for {
		at := bytes.IndexByte(p.rest, 0xff)
		if at < 0 || at+1 >= len(p.rest) {
			return 0, nil, codec.ErrTruncated
		}
		marker, p.rest = p.rest[at+1], p.rest[at+1:]
		switch {
		case marker == 0xff:
			continue // fill byte
		case marker <= 0x01, marker >= markerRST0 && marker <= markerSOI:
			p.rest = p.rest[1:]
			continue // no segment
		case marker == markerEOI:
			p.rest = p.rest[1:]
			return marker, nil, nil
		}
		if len(p.rest) < 3 {
			return 0, nil, codec.ErrTruncated
		}
		n := int(p.rest[1])<<8 | int(p.rest[2])
		if n < 2 {
			return 0, nil, codec.Corrupt("segment of %d bytes", n)
		}
		if len(p.rest) < 1+n {
			return 0, nil, codec.ErrTruncated
		}
		body, p.rest = p.rest[3:1+n], p.rest[1+n:]
		return marker, body, nil
	}
}

// frame is what the frame header says.
type frame struct {
	w, h         int
	progressive  bool
	hMax, vMax   int
	mcusX, mcusY int
	region       image.Rectangle // the part that is wanted
	memory       int64           // that decoding takes
	comp         []component
	comps        [4]component // comp's memory
}

// component is one plane of the picture.
type component struct {
	id               byte
	h, v             int // sampling factors
	tq               byte
	w, hgt           int // samples that count
	blocksX, blocksY int // blocks that hold them
	paddedX, paddedY int // blocks in whole MCUs
	x0, y0, x1, y1   int // blocks that are wanted
	stride           int
	plane            []uint8   // the samples of those
	coef             []int16   // all coefficients, if they come in several scans
	seen             bool      // in a scan
	steps            [128]step // by place in zigzag order
	dc, ac           *huffman
	pred             int
}

// step is where a coefficient goes, and what it is multiplied by. Beyond the 64th
// there is room for what a wrong run of zeros points at.
type step struct {
	quant int16
	at    uint16
}

// setSteps takes over a quantisation table.
func (c *component) setSteps(quant *[64]uint16) {
	for k := range c.steps {
		c.steps[k] = step{at: 63}
		if k < 64 {
			c.steps[k] = step{int16(quant[k]), uint16(zigzag[k])}
		}
	}
}

// readFrame reads SOF0, SOF1 or SOF2.
func (d *Decoder) readFrame(b []byte, progressive bool) error {
	if len(b) < 6 || len(b) != 6+3*int(b[5]) {
		return codec.Corrupt("frame header of %d bytes", len(b))
	}
	if b[0] != 8 {
		return codec.Unsupported("%d bits a sample", b[0])
	}
	f := &d.frame
	f.progressive = progressive
	f.h, f.w = int(b[1])<<8|int(b[2]), int(b[3])<<8|int(b[4])
	if f.h == 0 || f.w == 0 {
		return codec.Corrupt("size %d×%d", f.w, f.h)
	}
	n := int(b[5])
	if n != 1 && n != 3 && n != 4 {
		return codec.Unsupported("%d components", n)
	}
	f.comp = f.comps[:n]
	f.hMax, f.vMax = 1, 1
	for i := range f.comp {
		s := b[6+3*i:]
		c := &f.comp[i]
		*c = component{id: s[0], h: int(s[1] >> 4), v: int(s[1] & 15), tq: s[2], plane: c.plane, coef: c.coef}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.tq > 3 {
			return codec.Corrupt("component %d: sampling %d×%d, table %d", c.id, c.h, c.v, c.tq)
		}
		f.hMax, f.vMax = max(f.hMax, c.h), max(f.vMax, c.v)
	}
	f.mcusX, f.mcusY = ceilDiv(f.w, 8*f.hMax), ceilDiv(f.h, 8*f.vMax)
	for i := range f.comp {
		c := &f.comp[i]
		if f.hMax%c.h != 0 || f.vMax%c.v != 0 {
			return codec.Unsupported("component %d is sampled %d×%d of %d×%d", c.id, c.h, c.v, f.hMax, f.vMax)
		}
		c.w, c.hgt = ceilDiv(f.w*c.h, f.hMax), ceilDiv(f.h*c.v, f.vMax)
		c.blocksX, c.blocksY = ceilDiv(c.w, 8), ceilDiv(c.hgt, 8)
		c.paddedX, c.paddedY = f.mcusX*c.h, f.mcusY*c.v
	}
	return nil
}

// prepare lays out the planes for the region of a file of size bytes.
func (d *Decoder) prepare(region image.Rectangle, size int) error {
	if err := codec.Inside(region, d.w, d.h); err != nil {
		return err
	}
	d.region = region
	blocks := 0
	for i := range d.comp {
		blocks += d.comp[i].blocksX * d.comp[i].blocksY
	}
	if blocks/8 > size {
		return codec.ErrTruncated // a block takes at least one bit
	}
	memory := 3*int64(region.Dx())*int64(region.Dy()) + int64(size) // entropy-coded bytes are copied
	for i := range d.comp {
		c := &d.comp[i]
		// Interpolation reads one sample beyond.
		x0, x1 := region.Min.X*c.h/d.hMax-1, (region.Max.X-1)*c.h/d.hMax+2
		y0, y1 := region.Min.Y*c.v/d.vMax-1, (region.Max.Y-1)*c.v/d.vMax+2
		c.x0, c.x1 = max(x0, 0)/8, ceilDiv(min(x1, c.w), 8)
		c.y0, c.y1 = max(y0, 0)/8, ceilDiv(min(y1, c.hgt), 8)
		c.stride = 8 * (c.x1 - c.x0)
		memory += int64(c.stride) * int64(8*(c.y1-c.y0))
		if d.progressive {
			memory += 2 * 64 * int64(c.paddedX) * int64(c.paddedY)
		}
	}
	if err := d.limits.Memory(memory); err != nil {
		return err
	}
	for i := range d.comp {
		c := &d.comp[i]
		c.plane = resized(c.plane, c.stride*8*(c.y1-c.y0))
	}
	d.memory = memory
	return nil
}

// readQuant reads DQT.
func (d *Decoder) readQuant(b []byte) error {
	for len(b) > 0 {
		wide, id := b[0]>>4, b[0]&15
		n := 64 << wide
		if wide > 1 || id > 3 || len(b) < 1+n {
			return codec.Corrupt("quantisation table")
		}
		t := &d.quant[id]
		for i := range t {
			if wide == 0 {
				t[i] = uint16(b[1+i])
			} else {
				t[i] = uint16(b[1+2*i])<<8 | uint16(b[2+2*i])
			}
		}
		b = b[1+n:]
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// resized returns a slice of n elements, in s's memory where it is large
// enough. The elements are not cleared.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
