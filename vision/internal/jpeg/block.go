package jpeg

import "github.com/mixnet-go/mixnet/vision/internal/pixel"

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
