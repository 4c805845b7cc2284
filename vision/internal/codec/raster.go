package codec

import "image"

// Raster takes the rows of a picture and keeps what is wanted of them: the part
// inside Region, with 3 samples a pixel (RGB) or 1 (gray), rows from the top.
type Raster struct {
	Pix      []uint8
	Region   image.Rectangle
	Channels int
}

// NewRaster returns a raster for a part of a picture, in buf's memory if it is
// large enough. The pixels are not cleared.
func NewRaster(buf []uint8, region image.Rectangle, channels int) Raster {
	n := region.Dx() * region.Dy() * channels
	if cap(buf) < n {
		buf = make([]uint8, n)
	}
	return Raster{buf[:n], region, channels}
}

// Inside reports an error unless a part is one of a w×h picture.
func Inside(region image.Rectangle, w, h int) error {
	if region.Empty() || !region.In(image.Rect(0, 0, w, h)) {
		return Corrupt("part %v of a picture of %d×%d pixels", region, w, h)
	}
	return nil
}

// row returns where row y goes, nil if it is not wanted.
func (r *Raster) row(y int) []uint8 {
	if y < r.Region.Min.Y || y >= r.Region.Max.Y {
		return nil
	}
	n := r.Region.Dx() * r.Channels
	return r.Pix[(y-r.Region.Min.Y)*n:][:n]
}

// RGB takes row y of the picture, 3 samples a pixel from its left edge on.
func (r *Raster) RGB(y int, rgb []uint8) {
	dst := r.row(y)
	if dst == nil {
		return
	}
	rgb = rgb[3*r.Region.Min.X : 3*r.Region.Max.X]
	if r.Channels == 3 {
		copy(dst, rgb)
		return
	}
	for i := range dst {
		dst[i] = Luma(rgb[3*i], rgb[3*i+1], rgb[3*i+2])
	}
}

// Gray takes row y of a gray picture, a sample a pixel.
func (r *Raster) Gray(y int, gray []uint8) {
	dst := r.row(y)
	if dst == nil {
		return
	}
	gray = gray[r.Region.Min.X:r.Region.Max.X]
	if r.Channels == 1 {
		copy(dst, gray)
		return
	}
	for i, v := range gray {
		dst[3*i], dst[3*i+1], dst[3*i+2] = v, v, v
	}
}

// Luma is the gray of a color, as Pillow and ITU-R 601 weigh it.
func Luma(r, g, b uint8) uint8 {
	return uint8((uint32(r)*19595 + uint32(g)*38470 + uint32(b)*7471 + 1<<15) >> 16)
}

// Palette maps the values of an indexed picture to RGB.
type Palette [256][3]uint8

// Row writes the colors of a row of indices to rgb.
func (p *Palette) Row(rgb, indices []uint8) {
	for i, v := range indices {
		c := &p[v]
		rgb[3*i], rgb[3*i+1], rgb[3*i+2] = c[0], c[1], c[2]
	}
}

// Spread takes pixels of row y that lie step apart, from column x on.
func (r *Raster) Spread(y, x, step int, rgb bool, row []uint8) {
	dst := r.row(y)
	if dst == nil {
		return
	}
	n := len(row)
	if rgb {
		n /= 3
	}
	for i := range n {
		at := x + i*step - r.Region.Min.X
		if at < 0 || at >= r.Region.Dx() {
			continue
		}
		p := [3]uint8{}
		if rgb {
			p = [3]uint8(row[3*i:])
		} else {
			p = [3]uint8{row[i], row[i], row[i]}
		}
		if r.Channels == 3 {
			copy(dst[3*at:], p[:])
		} else {
			dst[at] = Luma(p[0], p[1], p[2])
		}
	}
}
