package vision

import (
	"image"
	"image/color"
	"reflect"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// FromImage converts any picture to 8 bits, with channels 3 (RGB) or 1 (grey),
// as Pillow's convert does: alpha is dropped, not blended; 16-bit samples keep
// their high byte; grey is (19595·R + 38470·G + 7471·B + 32768) / 65536. A
// premultiplied color is divided by its alpha first. A picture of more than
// [DefaultMaxPixels] is refused with [ErrTooLarge].
func FromImage(img image.Image, channels int) (*Image, error) {
	dst := new(Image)
	if err := convert(dst, img, channels); err != nil {
		return nil, err
	}
	return dst, nil
}

// convert is [FromImage] into dst's memory.
func convert(dst *Image, img image.Image, channels int) error {
	if v := reflect.ValueOf(img); img == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return (*Image)(nil).Check()
	}
	b := img.Bounds()
	if err := checkSize(b.Dx(), b.Dy(), channels); err != nil {
		return err
	}
	if err := checkPixels(b.Dx(), b.Dy(), 0); err != nil {
		return err
	}
	if m, ok := img.(*Image); ok {
		if err := m.Check(); err != nil {
			return err
		}
		dst.convert(m, channels)
		return nil
	}
	dst.reset(b.Dx(), b.Dy(), channels)
	w := writer{pix: dst.Pix, gray: channels == 1}
	switch m := img.(type) {
	case *image.Gray:
		for y := range dst.H {
			for _, v := range m.Pix[y*m.Stride:][:dst.W] {
				w.put(v, v, v)
			}
		}
	case *image.NRGBA:
		for y := range dst.H {
			for p := m.Pix[y*m.Stride:][:4*dst.W]; len(p) >= 4; p = p[4:] {
				w.put(p[0], p[1], p[2])
			}
		}
	case *image.Paletted:
		w.paletted(m)
	case *image.RGBA:
		for y := range dst.H {
			for p := m.Pix[y*m.Stride:][:4*dst.W]; len(p) >= 4; p = p[4:] {
				if p[3] == 255 {
					w.put(p[0], p[1], p[2])
				} else {
					c := color.NRGBAModel.Convert(color.RGBA{p[0], p[1], p[2], p[3]}).(color.NRGBA)
					w.put(c.R, c.G, c.B)
				}
			}
		}
	case *image.Gray16:
		for y := range dst.H {
			for p := m.Pix[y*m.Stride:][:2*dst.W]; len(p) >= 2; p = p[2:] {
				w.put(p[0], p[0], p[0])
			}
		}
	case *image.NRGBA64:
		for y := range dst.H {
			for p := m.Pix[y*m.Stride:][:8*dst.W]; len(p) >= 8; p = p[8:] {
				w.put(p[0], p[2], p[4])
			}
		}
	default:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				c := color.NRGBA64Model.Convert(img.At(x, y)).(color.NRGBA64)
				w.put(uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8))
			}
		}
	}
	return nil
}

// writer appends pixels to an image of 3 channels, or of 1.
type writer struct {
	pix  []uint8
	gray bool
}

func (w *writer) put(r, g, b uint8) {
	if w.gray {
		w.pix[0] = codec.Luma(r, g, b)
		w.pix = w.pix[1:]
		return
	}
	w.pix[0], w.pix[1], w.pix[2] = r, g, b
	w.pix = w.pix[3:]
}

func (w *writer) paletted(m *image.Paletted) {
	var palette [256][3]uint8
	for i, c := range m.Palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		palette[i&255] = [3]uint8{n.R, n.G, n.B}
	}
	width := m.Rect.Dx()
	for y := range m.Rect.Dy() {
		for _, v := range m.Pix[y*m.Stride:][:width] {
			w.put(palette[v][0], palette[v][1], palette[v][2])
		}
	}
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

// RGBA returns m as a standard image, for display and encoding.
func (m *Image) RGBA() *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, m.W, m.H))
	for i := range m.W * m.H {
		p := m.Pix[i*m.C:]
		d := out.Pix[4*i : 4*i+4]
		d[0], d[1], d[2], d[3] = p[0], p[m.C/2], p[m.C-1], 255
	}
	return out
}
