package vision

import (
	"encoding/binary"
	"image"
)

// Orientation is EXIF's tag 0x0112: where the stored first row and column lie
// in the upright picture. 1 is upright; 2 to 4 mirror or turn it half way
// round; 5 to 8 also swap its sides.
type Orientation uint8

// Upright is the orientation of a picture stored as it is to be seen.
const Upright Orientation = 1

// swaps says whether turning the picture upright swaps its width and height.
func (o Orientation) swaps() bool { return o >= 5 && o <= 8 }

// orientationTIFF reads the orientation from the TIFF structure of an EXIF
// block. Anything malformed counts as upright.
func orientationTIFF(b []byte) Orientation {
	const tag, short, long = 0x0112, 3, 4
	if len(b) < 8 {
		return Upright
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return Upright
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return Upright
	}
	n := order.Uint16(b[at:])
	entries := b[at+2:]
	for ; n > 0 && len(entries) >= 12; n-- {
		if order.Uint16(entries) == tag {
			var v uint32
			switch order.Uint16(entries[2:]) {
			case short:
				v = uint32(order.Uint16(entries[8:]))
			case long: // what the standard does not provide for, but some write
				v = order.Uint32(entries[8:])
			}
			if v < 1 || v > 8 {
				return Upright
			}
			return Orientation(v)
		}
		entries = entries[12:]
	}
	return Upright
}

// stored returns the rectangle of a stored w×h picture that becomes r, a
// rectangle of the upright picture.
func (o Orientation) stored(r image.Rectangle, w, h int) image.Rectangle {
	if o.swaps() {
		r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
	}
	flipX, flipY := o.flips()
	if flipX {
		r.Min.X, r.Max.X = w-r.Max.X, w-r.Min.X
	}
	if flipY {
		r.Min.Y, r.Max.Y = h-r.Max.Y, h-r.Min.Y
	}
	return r
}

// Stored returns the size of the stored picture that becomes an upright one of
// w×h pixels.
func (o Orientation) Stored(w, h int) (storedW, storedH int) {
	if o.swaps() {
		return h, w
	}
	return w, h
}

// StoredBox returns the rectangle of the stored picture, of w×h pixels, that
// becomes b in the upright one.
func (o Orientation) StoredBox(b Box, w, h int) Box {
	if o.swaps() {
		b = Box{b.Y0, b.X0, b.Y1, b.X1}
	}
	return o.mirrored(b, w, h)
}

// UprightBox is the inverse of [Orientation.StoredBox].
func (o Orientation) UprightBox(b Box, w, h int) Box {
	b = o.mirrored(b, w, h)
	if o.swaps() {
		b = Box{b.Y0, b.X0, b.Y1, b.X1}
	}
	return b
}

// mirrored is the part of turning that is its own inverse.
func (o Orientation) mirrored(b Box, w, h int) Box {
	flipX, flipY := o.flips()
	if flipX {
		b.X0, b.X1 = float64(w)-b.X1, float64(w)-b.X0
	}
	if flipY {
		b.Y0, b.Y1 = float64(h)-b.Y1, float64(h)-b.Y0
	}
	return b
}

// flips says how the stored picture is read before its sides are swapped:
// from the right, from the bottom.
func (o Orientation) flips() (x, y bool) {
	switch o {
	case 2:
		return true, false
	case 3:
		return true, true
	case 4:
		return false, true
	case 6:
		return false, true
	case 7:
		return true, true
	case 8:
		return true, false
	}
	return false, false
}

// orient turns src upright into dst.
func (o Orientation) orient(dst, src *Image) {
	w, h := src.W, src.H
	if o.swaps() {
		w, h = h, w
	}
	c := src.C
	dst.reset(w, h, c)
	flipX, flipY := o.flips()
	at, stepX, stepY := 0, c, src.W*c
	if flipX {
		at, stepX = at+(src.W-1)*c, -c
	}
	if flipY {
		at, stepY = at+(src.H-1)*src.W*c, -src.W*c
	}
	if o.swaps() {
		stepX, stepY = stepY, stepX
	}
	out := dst.Pix
	for range h {
		p := at
		for range w {
			copy(out[:c], src.Pix[p:])
			out = out[c:]
			p += stepX
		}
		at += stepY
	}
}
