package vision

import (
	"fmt"
	"image"
)

// Resizer scales images as Pillow's Image.resize does: an antialiased filter
// whose support grows with the reduction, the horizontal pass first, 8 bits
// between the passes, fixed-point weights. Its result equals Pillow's in every
// bit. The zero value is ready; it keeps its tables and buffer, so that a
// reused Resizer does not allocate. It serves one goroutine at a time.
type Resizer struct {
	key    resizeKey
	x, y   taps
	xs     []int32 // source columns of the nearest-neighbour filter
	middle []uint8
}

// resizeKey is what the taps depend on.
type resizeKey struct {
	filter     Interpolation
	inW, inH   int
	outW, outH int
	window     image.Rectangle
}

// Resize returns the image scaled to w×h.
func (m *Image) Resize(w, h int, filter Interpolation) (*Image, error) {
	var r Resizer
	dst := new(Image)
	if err := r.Resize(dst, m, w, h, filter); err != nil {
		return nil, err
	}
	return dst, nil
}

// Resize scales src to w×h into dst, reusing dst's memory.
func (r *Resizer) Resize(dst, src *Image, w, h int, filter Interpolation) error {
	if err := src.Check(); err != nil {
		return err
	}
	return r.Window(dst, src, image.Rect(0, 0, src.W, src.H), w, h, image.Rect(0, 0, w, h), filter)
}

// Window scales the part of src inside box to w×h, pixels outside the box
// having no influence, and puts the part of the result inside window into dst,
// reusing dst's memory.
func (r *Resizer) Window(dst, src *Image, box image.Rectangle, w, h int, window image.Rectangle, filter Interpolation) error {
	if err := src.Check(); err != nil {
		return err
	}
	if err := filter.Validate(); err != nil {
		return err
	}
	if w < 1 || h < 1 || w > 1<<20 || h > 1<<20 {
		return fmt.Errorf("%w: resize to %d×%d", ErrImage, w, h)
	}
	if box.Empty() || !box.In(image.Rect(0, 0, src.W, src.H)) {
		return fmt.Errorf("%w: box %v of a %d×%d image", ErrImage, box, src.W, src.H)
	}
	if window.Empty() || !window.In(image.Rect(0, 0, w, h)) {
		return fmt.Errorf("%w: window %v of a %d×%d result", ErrImage, window, w, h)
	}
	dst.reset(window.Dx(), window.Dy(), src.C)
	if box.Dx() == w && box.Dy() == h {
		copyRegion(dst, src, window.Add(box.Min))
		return nil
	}
	r.prepare(resizeKey{filter, box.Dx(), box.Dy(), w, h, window})
	if filter == Nearest {
		r.nearest(dst, src, box.Min)
		return nil
	}
	r.filter(dst, src, box)
	return nil
}

// prepare computes the tables for key unless they are there.
func (r *Resizer) prepare(key resizeKey) {
	if r.key == key {
		return
	}
	win := key.window
	if key.filter == Nearest {
		r.xs = nearestIndex(r.xs, key.inW, key.outW, win.Min.X, win.Max.X)
		r.y.first = nearestIndex(r.y.first, key.inH, key.outH, win.Min.Y, win.Max.Y)
	} else {
		r.x.compute(key.filter, key.inW, key.outW, win.Min.X, win.Max.X)
		r.y.compute(key.filter, key.inH, key.outH, win.Min.Y, win.Max.Y)
	}
	r.key = key
}

// filter runs the passes that are needed: a side that keeps its size has none.
func (r *Resizer) filter(dst, src *Image, box image.Rectangle) {
	c, key := src.C, r.key
	stride := src.W * c
	at := func(x, y int) []uint8 { return src.Pix[(box.Min.Y+y)*stride+(box.Min.X+x)*c:] }
	if key.inH == key.outH {
		for y := range dst.H {
			r.x.row(dst.Pix[y*dst.W*c:(y+1)*dst.W*c], at(0, key.window.Min.Y+y), c)
		}
		return
	}
	from, to := r.y.span()
	rows, rowStride := at(key.window.Min.X, 0), stride
	if key.inW != key.outW {
		rowStride = dst.W * c
		r.middle = resized(r.middle, (to-from)*rowStride)
		for y := from; y < to; y++ {
			r.x.row(r.middle[(y-from)*rowStride:(y-from+1)*rowStride], at(0, y), c)
		}
		rows = r.middle
	} else {
		from = 0
	}
	r.y.columns(dst.Pix, rows, dst.W*c, rowStride, from)
}

// row is the horizontal pass of one row of c channels.
func (t *taps) row(dst, src []uint8, c int) {
	if c == 3 {
		t.rowRGB(dst, src)
		return
	}
	for i := range t.first {
		k := t.weight[i*t.stride:][:t.count[i]]
		p := src[t.first[i]:][:len(k)]
		sum := int32(1 << (precisionBits - 1))
		for j, w := range k {
			sum += int32(p[j]) * w
		}
		dst[i] = clip8(sum)
	}
}

func (t *taps) rowRGB(dst, src []uint8) {
	for i := range t.first {
		k := t.weight[i*t.stride:][:t.count[i]]
		p := src[3*t.first[i]:][:3*len(k)]
		const half = 1 << (precisionBits - 1)
		r, g, b := int32(half), int32(half), int32(half)
		for _, w := range k {
			r += int32(p[0]) * w
			g += int32(p[1]) * w
			b += int32(p[2]) * w
			p = p[3:]
		}
		d := dst[3*i : 3*i+3]
		d[0], d[1], d[2] = clip8(r), clip8(g), clip8(b)
	}
}

// columns is the vertical pass: rows of width bytes, stride apart, the first of
// them being input row from.
func (t *taps) columns(dst, rows []uint8, width, stride, from int) {
	for i := range t.first {
		k := t.weight[i*t.stride:][:t.count[i]]
		at := (int(t.first[i]) - from) * stride
		out := dst[i*width:][:width]
		for x := range out {
			sum := int32(1 << (precisionBits - 1))
			o := at + x
			for _, w := range k {
				sum += int32(rows[o]) * w
				o += stride
			}
			out[x] = clip8(sum)
		}
	}
}

// clip8 rounds a fixed-point sum, half already added, to a sample.
func clip8(v int32) uint8 {
	v >>= precisionBits
	if uint32(v) > 255 {
		return uint8(^(v >> 31)) // 0 below, 255 above
	}
	return uint8(v)
}

// nearestIndex returns the source index of the outputs [from, to), summed up
// from the first as Pillow does.
func nearestIndex(idx []int32, in, out, from, to int) []int32 {
	idx = resized(idx, to-from)
	scale := float64(in) / float64(out)
	at := scale * 0.5
	for i := range to {
		if i >= from {
			idx[i-from] = int32(min(int(at), in-1))
		}
		at += scale
	}
	return idx
}

func (r *Resizer) nearest(dst, src *Image, origin image.Point) {
	c := src.C
	for y := range dst.H {
		row := src.Pix[((origin.Y+int(r.y.first[y]))*src.W+origin.X)*c:]
		out := dst.Pix[y*dst.W*c:][:dst.W*c]
		for x, sx := range r.xs {
			copy(out[x*c:x*c+c], row[int(sx)*c:])
		}
	}
}

// copyRegion copies the part of src inside box to dst, which has its size.
func copyRegion(dst, src *Image, box image.Rectangle) {
	n := dst.W * dst.C
	for y := range dst.H {
		copy(dst.Pix[y*n:(y+1)*n], src.Pix[((box.Min.Y+y)*src.W+box.Min.X)*src.C:])
	}
}
