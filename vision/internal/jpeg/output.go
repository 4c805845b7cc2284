package jpeg

import "github.com/mixnet-go/mixnet/vision/internal/pixel"

// output holds what one row of the picture is made from.
type output struct {
	rows [4][]uint8 // a row of every component at full resolution
	sums []uint16   // chroma filtered vertically, with a sample more on each side
	rgb  []uint8
}

// write converts the wanted part of the planes to dst.
func (d *Decoder) write(dst []uint8, channels int) {
	width := d.region.Dx()
	convert := d.converter()
	d.rgb = resized(d.rgb, 3*width)
	var rows [4][]uint8
	for y := d.region.Min.Y; y < d.region.Max.Y; y++ {
		for i := range d.comp {
			rows[i] = d.row(i, y)[:width]
		}
		out := dst[:width*channels]
		dst = dst[width*channels:]
		switch {
		case len(d.comp) == 1 && channels == 1:
			copy(out, rows[0])
		case len(d.comp) == 1:
			spread(out, rows[0])
		case channels == 1:
			convert(d.rgb, &rows)
			gray(out, d.rgb)
		default:
			convert(out, &rows)
		}
	}
}

// converter chooses the colour space as libjpeg does.
func (d *Decoder) converter() func(dst []uint8, rows *[4][]uint8) {
	const adobePlain, adobeYCC = 0, 1
	if len(d.comp) == 4 {
		if d.adobe > adobePlain {
			return fromYCCK
		}
		return fromCMYK
	}
	if len(d.comp) == 3 && !d.jfif {
		ids := [3]byte{d.comp[0].id, d.comp[1].id, d.comp[2].id}
		if d.adobe == adobePlain || d.adobe < 0 && ids == [3]byte{'R', 'G', 'B'} {
			return fromRGB
		}
	}
	return fromYCC
}

// line returns row y of the plane, from column x on.
func (c *component) line(x, y int) []uint8 {
	return c.plane[(y-8*c.y0)*c.stride+x-8*c.x0 : (y-8*c.y0+1)*c.stride]
}

// row returns row y of component i at full resolution, from the left edge of
// the region on. As in libjpeg, chroma at half the resolution is filtered with
// a triangle in the directions it is reduced, unless it is two samples wide or
// less; any other reduction repeats samples.
func (d *Decoder) row(i, y int) []uint8 {
	c := &d.comp[i]
	left, right := d.region.Min.X, d.region.Max.X
	fx, fy := d.hMax/c.h, d.vMax/c.v
	from, to := left/fx, (right-1)/fx+1
	switch {
	case fx == 1 && fy == 1:
		return c.line(left, y)
	case fx == 1 && fy == 2:
		s := d.vertical(c, from, to, y)
		out := resized(d.rows[i], len(s))
		d.rows[i] = out
		bias := uint16(1 + y&1)
		for x, v := range s[1 : len(s)-1] {
			out[x] = uint8((v + bias) >> 2)
		}
		return out
	case fx == 2 && fy <= 2 && c.w > 2:
		var s []uint16
		if fy == 2 {
			s = d.vertical(c, from, to, y)
		} else {
			s = d.plain(c, from, to, y)
		}
		out := resized(d.rows[i], 2*(to-from))
		d.rows[i] = out
		if fy == 2 {
			pixel.Widen(out, s, 8, 7, 4)
		} else {
			pixel.Widen(out, s, 1, 2, 2)
		}
		return out[left-2*from:]
	default:
		out := resized(d.rows[i], (to-from)*fx)
		d.rows[i] = out
		for x, v := range c.line(from, y/fy)[:to-from] {
			for j := range fx {
				out[x*fx+j] = v
			}
		}
		return out[left-from*fx:]
	}
}

// vertical returns three times the nearest row of c plus the next nearest to
// row y of the picture, for the samples [from-1, to+1).
func (d *Decoder) vertical(c *component, from, to, y int) []uint16 {
	s := resized(d.sums, to-from+2)
	d.sums = s
	near := y / 2
	far := min(max(near-1+2*(y&1), 0), c.hgt-1)
	pixel.SumRows(s[1:len(s)-1], c.line(from, near), c.line(from, far))
	s[0], s[len(s)-1] = s[1], s[len(s)-2]
	if from > 0 {
		s[0] = 3*uint16(c.line(from-1, near)[0]) + uint16(c.line(from-1, far)[0])
	}
	if to < c.w {
		s[len(s)-1] = 3*uint16(c.line(to, near)[0]) + uint16(c.line(to, far)[0])
	}
	return s
}

// plain returns row y of c for the samples [from-1, to+1).
func (d *Decoder) plain(c *component, from, to, y int) []uint16 {
	s := resized(d.sums, to-from+2)
	d.sums = s
	for x, v := range c.line(from, y)[:to-from] {
		s[x+1] = uint16(v)
	}
	s[0], s[len(s)-1] = s[1], s[len(s)-2]
	if from > 0 {
		s[0] = uint16(c.line(from-1, y)[0])
	}
	if to < c.w {
		s[len(s)-1] = uint16(c.line(to, y)[0])
	}
	return s
}
