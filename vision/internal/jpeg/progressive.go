package jpeg

import "github.com/mixnet-go/mixnet/vision/internal/pixel"

// refine decodes an MCU of a progressive scan.
func (s *scanHeader) refine(r *reader, mx, my int, eobRun *int32) bool {
	for _, c := range s.comp {
		h, v := c.h, c.v
		if !s.interleaved {
			h, v = 1, 1
		}
		for y := my * v; y < (my+1)*v; y++ {
			for x := mx * h; x < (mx+1)*h; x++ {
				if !s.progressiveBlock(r, c, c.at(x, y), eobRun) {
					return false
				}
			}
		}
	}
	return true
}

// progressiveBlock decodes one block of one of the four kinds of scan.
func (s *scanHeader) progressiveBlock(r *reader, c *component, b *[64]int16, eobRun *int32) bool {
	switch {
	case s.from == 0 && s.high == 0:
		if !r.dcBlock(c) {
			return false
		}
		b[0] = int16(c.pred << s.low)
		return true
	case s.from == 0:
		b[0] |= int16(r.bits(1) << s.low)
		return true
	case s.high == 0:
		return s.firstAC(r, c.ac, b, eobRun)
	default:
		return s.refineAC(r, c.ac, b, eobRun)
	}
}

// firstAC decodes the high bits of a run of coefficients.
func (s *scanHeader) firstAC(r *reader, t *huffman, b *[64]int16, eobRun *int32) bool {
	if *eobRun > 0 {
		*eobRun--
		return true
	}
	for k := s.from; k <= s.to; k++ {
		symbol, ok := r.symbol(t)
		if !ok {
			return false
		}
		run, size := int(symbol>>4), int(symbol&15)
		if size == 0 {
			if run != 15 {
				*eobRun = endOfBand(r, run) - 1
				return true
			}
			k += 15
			continue
		}
		k += run
		if k > s.to {
			return false
		}
		b[zigzag[k]] = int16(extend(r.bits(size), size) << s.low)
	}
	return true
}

// endOfBand is how many blocks, this one included, have no more coefficients.
func endOfBand(r *reader, run int) int32 {
	n := int32(1) << run
	if run > 0 {
		n += r.bits(run)
	}
	return n
}

// refineAC adds one bit to every coefficient of a run that is not zero, and
// brings in new ones.
func (s *scanHeader) refineAC(r *reader, t *huffman, b *[64]int16, eobRun *int32) bool {
	if *eobRun > 0 && empty(b) {
		*eobRun--
		return true
	}
	bit := int16(1) << s.low
	k := s.from
	if *eobRun == 0 {
		for ; k <= s.to; k++ {
			symbol, ok := r.symbol(t)
			if !ok {
				return false
			}
			run, size := int(symbol>>4), int(symbol&15)
			fresh := int16(0)
			switch {
			case size == 0 && run != 15:
				*eobRun = endOfBand(r, run)
			case size == 1:
				if fresh = -bit; r.bits(1) == 1 {
					fresh = bit
				}
			case size > 1:
				return false
			}
			if *eobRun > 0 {
				break
			}
			if k = s.pass(r, b, k, run, bit); k > s.to {
				return size == 0
			}
			if fresh != 0 {
				b[zigzag[k]] = fresh
			}
		}
	}
	if *eobRun > 0 {
		*eobRun--
		s.pass(r, b, k, 64, bit)
	}
	return true
}

// empty says whether no coefficient of b but the first is other than zero.
func empty(b *[64]int16) bool {
	any := b[1] | b[2] | b[3]
	for i := 4; i < 64; i += 4 {
		any |= b[i] | b[i+1] | b[i+2] | b[i+3]
	}
	return any == 0
}

// pass refines the coefficients from k on that are not zero, passing over run
// zeros, and returns the place of the zero after them.
func (s *scanHeader) pass(r *reader, b *[64]int16, k, run int, bit int16) int {
	for ; k <= s.to; k++ {
		p := &b[zigzag[k]]
		if *p == 0 {
			if run == 0 {
				break
			}
			run--
			continue
		}
		if r.bits(1) == 1 && *p&bit == 0 {
			if *p > 0 {
				*p += bit
			} else {
				*p -= bit
			}
		}
	}
	return k
}

// reconstruct turns the wanted blocks' coefficients into samples. Those of a
// progressive picture are yet to be multiplied by their quantiser.
func (c *component) reconstruct(progressive bool) {
	var b [64]int16
	for y := c.y0; y < c.y1; y++ {
		for x := c.x0; x < c.x1; x++ {
			b = *c.at(x, y)
			if progressive {
				for _, t := range c.steps[:64] {
					b[t.at] *= t.quant
				}
			}
			pixel.IDCT(c.plane[(y-c.y0)*8*c.stride+(x-c.x0)*8:], c.stride, &b)
		}
	}
}
