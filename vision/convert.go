package vision

import (
	"image"
	"reflect"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// FromImage converts any picture to 8 bits, with channels 3 (RGB) or 1 (grey),
// as Pillow's convert does: alpha is dropped, not blended; 16-bit samples keep
// their high byte; grey is (19595·R + 38470·G + 7471·B + 32768) / 65536. A
// premultiplied color is divided by its alpha first. A picture of more than
// [DefaultMaxPixels] is refused with [ErrTooLarge].
func FromImage(img image.Image, channels int) (*Image, error) {
	var d Decoder
	dst := new(Image)
	if err := d.Convert(dst, img, channels); err != nil {
		return nil, err
	}
	return dst, nil
}

// Convert is [FromImage] into dst, reusing its memory, under the decoder's
// MaxPixels.
func (d *Decoder) Convert(dst *Image, img image.Image, channels int) error {
	if v := reflect.ValueOf(img); img == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return (*Image)(nil).Check()
	}
	b := img.Bounds()
	if err := checkSize(b.Dx(), b.Dy(), channels); err != nil {
		return err
	}
	if err := checkPixels(b.Dx(), b.Dy(), d.MaxPixels); err != nil {
		return err
	}
	if m, ok := img.(*Image); ok {
		if err := m.Check(); err != nil {
			return err
		}
		dst.convert(m, channels)
		return nil
	}
	raster := codec.NewRaster(dst.Pix, image.Rect(0, 0, b.Dx(), b.Dy()), channels)
	rgb, row := make([]uint8, 3*b.Dx()), codec.Rows(img)
	for y := range b.Dy() {
		row(rgb, y)
		raster.RGB(y, rgb)
	}
	*dst = Image{W: b.Dx(), H: b.Dy(), C: channels, Pix: raster.Pix}
	return nil
}

// Convert returns m with the given channels, 3 or 1; m itself if it has them.
func (m *Image) Convert(channels int) (*Image, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	if m.C == channels {
		return m, nil
	}
	if err := checkSize(m.W, m.H, channels); err != nil {
		return nil, err
	}
	dst := new(Image)
	dst.convert(m, channels)
	return dst, nil
}

// convert makes dst a copy of src with the given channels.
func (m *Image) convert(src *Image, channels int) {
	m.reset(src.W, src.H, channels)
	switch {
	case src.C == channels:
		copy(m.Pix, src.Pix)
	case channels == 1:
		p := src.Pix
		for i := range m.Pix {
			m.Pix[i] = codec.Luma(p[0], p[1], p[2])
			p = p[3:]
		}
	default:
		p := m.Pix
		for _, v := range src.Pix {
			p[0], p[1], p[2] = v, v, v
			p = p[3:]
		}
	}
}
