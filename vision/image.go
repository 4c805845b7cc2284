// Package vision turns picture files into the input of a network: it decodes,
// turns upright, resizes exactly as Pillow does, crops, normalises and, for
// training, augments.
package vision

import (
	"errors"
	"fmt"
	"image"
	"image/color"
)

// Image is an 8-bit picture, rows from the top, channels innermost: channel c
// of the pixel in row y and column x is Pix[(y·W+x)·C+c]. C is 3 (RGB) or 1
// (gray). *Image is an [image.Image] whose pixels are opaque.
type Image struct {
	W, H, C int
	Pix     []uint8
}

// ErrImage is wrapped by every error about an [Image] that is not well formed.
var ErrImage = errors.New("invalid image")

// NewImage returns a black image.
func NewImage(w, h, c int) *Image {
	return &Image{W: w, H: h, C: c, Pix: make([]uint8, w*h*c)}
}

// ColorModel returns [color.GrayModel] or [color.RGBAModel].
func (m *Image) ColorModel() color.Model {
	if m.C == 1 {
		return color.GrayModel
	}
	return color.RGBAModel
}

// Bounds returns the rectangle from (0, 0) to (W, H).
func (m *Image) Bounds() image.Rectangle { return image.Rect(0, 0, m.W, m.H) }

// At returns the color of the pixel in column x and row y; outside the picture
// it is transparent, or for gray pictures black.
func (m *Image) At(x, y int) color.Color {
	inside := image.Pt(x, y).In(m.Bounds())
	i := (y*m.W + x) * m.C
	switch {
	case m.C == 1 && inside:
		return color.Gray{m.Pix[i]}
	case m.C == 1:
		return color.Gray{}
	case inside:
		return color.RGBA{m.Pix[i], m.Pix[i+1], m.Pix[i+2], 255}
	}
	return color.RGBA{}
}

// Opaque says that no pixel is transparent; encoders ask for it.
func (m *Image) Opaque() bool { return true }

// Check reports an error unless the sizes are positive and Pix has their
// length.
func (m *Image) Check() error {
	if m == nil {
		return fmt.Errorf("%w: nil", ErrImage)
	}
	if err := checkSize(m.W, m.H, m.C); err != nil {
		return err
	}
	if len(m.Pix) != m.W*m.H*m.C {
		return fmt.Errorf("%w: %d×%d×%d with %d bytes", ErrImage, m.W, m.H, m.C, len(m.Pix))
	}
	return nil
}

// reset gives m a size, reusing its memory where it is large enough. The
// pixels are not cleared.
func (m *Image) reset(w, h, c int) {
	n := w * h * c
	if cap(m.Pix) < n {
		m.Pix = make([]uint8, n)
	}
	m.W, m.H, m.C, m.Pix = w, h, c, m.Pix[:n]
}

// keep is the memory that buffers may hold from one picture to the next.
const keep = 64 << 20

// trim lets go of m's memory if there is much of it.
func (m *Image) trim() {
	if cap(m.Pix) > keep {
		*m = Image{}
	}
}

// checkSize reports an error unless an image may have these sizes.
func checkSize(w, h, c int) error {
	if w < 1 || h < 1 || (c != 1 && c != 3) {
		return fmt.Errorf("%w: %d×%d with %d channels", ErrImage, w, h, c)
	}
	return nil
}
