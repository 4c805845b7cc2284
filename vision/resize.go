package vision

import (
	"fmt"
	"image"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/vision/internal/pixel"
)

// Resizer scales images as Pillow's Image.resize does: an antialiased filter
// whose support grows with the reduction, two passes with 8 bits in between,
// fixed-point weights. Its result equals that of Pillow 13 in every bit;
// earlier versions differ by a grey level where a tall picture is reduced,
// because they never take the vertical pass first. The zero value is ready; it keeps its tables and buffer, so that a
// reused Resizer does not allocate. It serves one goroutine at a time.
type Resizer struct {
	plan   scaling
	x, y   pixel.Taps
	w      []float64
	xs, ys []int32 // source columns and rows of the nearest-neighbour filter
	middle []uint8
}

// scaling is what the tables depend on: an image of inW×inH scaled to
// outW×outH, of which the window is wanted.
type scaling struct {
	filter     input.Interpolation
	inW, inH   int
	outW, outH int
	window     image.Rectangle
}

// verticalFirst says whether the vertical pass comes first: if the height
// shrinks by more than twice what the width does, as in Pillow.
func (s *scaling) verticalFirst() bool {
	return s.outH < s.inH && s.inH-s.outH > 2*(s.inW-s.outW)
}

// Resize returns the image scaled to w×h.
func (m *Image) Resize(w, h int, filter input.Interpolation) (*Image, error) {
	var r Resizer
	dst := new(Image)
	if err := r.Resize(dst, m, w, h, filter); err != nil {
		return nil, err
	}
	return dst, nil
}

// Resize scales src to w×h into dst, reusing dst's memory.
func (r *Resizer) Resize(dst, src *Image, w, h int, filter input.Interpolation) error {
	if err := src.Check(); err != nil {
		return err
	}
	return r.Window(dst, src, image.Rect(0, 0, src.W, src.H), w, h, image.Rect(0, 0, w, h), filter)
}

// Window scales the part of src inside box to w×h, pixels outside the box
// having no influence, and puts the part of the result inside window into dst,
// reusing dst's memory.
func (r *Resizer) Window(dst, src *Image, box image.Rectangle, w, h int, window image.Rectangle, filter input.Interpolation) error {
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
	r.prepare(scaling{filter, box.Dx(), box.Dy(), w, h, window})
	r.run(dst, src, image.Point{}.Sub(box.Min))
	return nil
}

// prepare computes the tables for plan unless they are there.
func (r *Resizer) prepare(plan scaling) {
	if r.plan == plan {
		return
	}
	r.plan = plan
	win := plan.window
	if plan.filter == input.Nearest {
		r.xs = nearestIndex(r.xs, plan.inW, plan.outW, win.Min.X, win.Max.X)
		r.ys = nearestIndex(r.ys, plan.inH, plan.outH, win.Min.Y, win.Max.Y)
		return
	}
	if plan.inW != plan.outW {
		r.w = computeTaps(&r.x, r.w, plan.filter, plan.inW, plan.outW, win.Min.X, win.Max.X)
	}
	if plan.inH != plan.outH {
		r.w = computeTaps(&r.y, r.w, plan.filter, plan.inH, plan.outH, win.Min.Y, win.Max.Y)
	}
}

// needs returns the part of the input that the prepared plan reads.
func (r *Resizer) needs() image.Rectangle {
	need := r.plan.window
	if r.plan.filter == input.Nearest {
		return image.Rect(int(r.xs[0]), int(r.ys[0]), int(r.xs[len(r.xs)-1])+1, int(r.ys[len(r.ys)-1])+1)
	}
	if r.plan.inW != r.plan.outW {
		need.Min.X, need.Max.X = r.x.Span()
	}
	if r.plan.inH != r.plan.outH {
		need.Min.Y, need.Max.Y = r.y.Span()
	}
	return need
}

// run carries out the prepared plan. Pixel (0, 0) of src is the plan's input
// pixel at origin; src holds at least what the plan needs.
func (r *Resizer) run(dst, src *Image, origin image.Point) {
	c, plan := src.C, &r.plan
	win := plan.window
	dst.reset(win.Dx(), win.Dy(), c)
	switch {
	case plan.inW == plan.outW && plan.inH == plan.outH:
		copyRegion(dst, src, win.Sub(origin))
		return
	case plan.filter == input.Nearest:
		r.nearest(dst, src, origin)
		return
	}
	stride, width := src.W*c, dst.W*c
	at := func(x, y int) []uint8 { return src.Pix[(y-origin.Y)*stride+(x-origin.X)*c:] }
	need := r.needs()
	switch {
	case plan.inH == plan.outH:
		for y := range dst.H {
			r.x.Row(dst.Pix[y*width:][:width], at(need.Min.X, win.Min.Y+y), c)
		}
	case plan.inW == plan.outW:
		r.y.Columns(dst.Pix, at(win.Min.X, need.Min.Y), width, stride)
	case plan.verticalFirst():
		wide := need.Dx() * c
		r.middle = resized(r.middle, dst.H*wide)
		r.y.Columns(r.middle, at(need.Min.X, need.Min.Y), wide, stride)
		for y := range dst.H {
			r.x.Row(dst.Pix[y*width:][:width], r.middle[y*wide:], c)
		}
	default:
		r.middle = resized(r.middle, need.Dy()*width)
		for y := range need.Dy() {
			r.x.Row(r.middle[y*width:][:width], at(need.Min.X, need.Min.Y+y), c)
		}
		r.y.Columns(dst.Pix, r.middle, width, width)
	}
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
		row := src.Pix[(int(r.ys[y])-origin.Y)*src.W*c:][:src.W*c]
		out := dst.Pix[y*dst.W*c:][:dst.W*c]
		for x, sx := range r.xs {
			copy(out[x*c:x*c+c], row[(int(sx)-origin.X)*c:])
		}
	}
}

// Part returns a copy of the pixels of m inside r, which lies inside m.
func (m *Image) Part(r image.Rectangle) *Image {
	part := NewImage(r.Dx(), r.Dy(), m.C)
	copyRegion(part, m, r)
	return part
}

// copyRegion copies the part of src inside box to dst, which has its size.
func copyRegion(dst, src *Image, box image.Rectangle) {
	n := dst.W * dst.C
	for y := range dst.H {
		copy(dst.Pix[y*n:(y+1)*n], src.Pix[((box.Min.Y+y)*src.W+box.Min.X)*src.C:])
	}
}
