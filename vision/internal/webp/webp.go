// Package webp decodes WebP files, lossy and lossless, to what libwebp and so
// Pillow's convert("RGB") makes of them: transparency is dropped. Of an animated
// file the first frame is decoded, on its canvas.
package webp

import (
	"bytes"
	"encoding/binary"
	"image"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// Sniff says whether a file begins as WebP does.
func Sniff(head []byte) bool {
	return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
}

// Header says where the picture is, or the first frame of several.
type Header struct {
	W, H int // of the canvas
	// EXIF is the metadata (a TIFF structure), if there is any.
	EXIF []byte

	frame    image.Rectangle // on the canvas
	lossless bool
	bits     []byte // of the frame
}

// Flags of an extended file.
const (
	animation = 1 << 1
	metadata  = 1 << 3 // EXIF
)

// Inspect reads the chunks of a file up to its end.
func Inspect(data []byte) (Header, error) {
	var h Header
	if !Sniff(data) {
		return h, codec.ErrTruncated
	}
	animated, described := false, false
	for rest := data[12:]; len(rest) >= 8; {
		kind := string(rest[:4])
		size := int(min(binary.LittleEndian.Uint32(rest[4:]), 1<<31-2))
		body := rest[8:min(8+size, len(rest))]
		whole := len(body) == size
		rest = rest[min(8+size+size&1, len(rest)):]
		switch {
		case kind == "VP8X" && h.W == 0: // where it belongs, in front
			if len(body) < 10 {
				return h, codec.ErrTruncated
			}
			animated, described = body[0]&animation != 0, body[0]&metadata != 0
			h.W, h.H = 1+uint24(body[4:]), 1+uint24(body[7:])
		case kind == "EXIF" && described && whole && h.EXIF == nil:
			h.EXIF = bytes.TrimPrefix(body, []byte("Exif\x00\x00"))
		case h.bits != nil:
		case kind == "ANMF" && animated:
			if err := h.anmf(body); err != nil {
				return h, err
			}
		case (kind == "VP8 " || kind == "VP8L") && !animated:
			if err := h.picture(kind, body, image.Point{}); err != nil {
				return h, err
			}
			if h.frame != image.Rect(0, 0, h.W, h.H) {
				return h, codec.Corrupt("a picture of %v on a canvas of %d×%d", h.frame.Size(), h.W, h.H)
			}
		}
	}
	if h.bits == nil && h.W == 0 {
		return h, codec.ErrTruncated
	}
	return h, nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// anmf reads the chunk of an animation's frame.
func (h *Header) anmf(b []byte) error {
	const header = 16 // its place, and sizes and times that do not matter here
	if len(b) < header {
		return codec.ErrTruncated
	}
	at := image.Pt(2*uint24(b), 2*uint24(b[3:]))
	for rest := b[header:]; len(rest) >= 8; {
		kind := string(rest[:4])
		n := int(min(binary.LittleEndian.Uint32(rest[4:]), 1<<31-2))
		if kind == "VP8 " || kind == "VP8L" {
			return h.picture(kind, rest[8:min(8+n, len(rest))], at)
		}
		rest = rest[min(8+n+n&1, len(rest)):]
	}
	return codec.ErrTruncated
}

// picture reads the header of a frame's bits.
func (h *Header) picture(kind string, b []byte, at image.Point) error {
	var w, height int
	if h.lossless = kind == "VP8L"; h.lossless {
		c, err := vp8l.DecodeConfig(bytes.NewReader(b))
		if err != nil {
			return err
		}
		w, height = c.Width, c.Height
	} else {
		d := vp8.NewDecoder()
		d.Init(bytes.NewReader(b), len(b))
		f, err := d.DecodeFrameHeader()
		if err != nil {
			return err
		}
		if w, height = f.Width, f.Height; w == 0 || height == 0 {
			return codec.Corrupt("no key frame")
		}
	}
	h.frame = image.Rectangle{Min: at, Max: at.Add(image.Pt(w, height))}
	h.bits = b
	if h.W == 0 {
		h.W, h.H = w, height
	}
	canvas := image.Rect(0, 0, h.W, h.H)
	if !h.frame.In(canvas) {
		return codec.Corrupt("a frame %v on a canvas of %d×%d", h.frame, h.W, h.H)
	}
	return nil
}

// Decode decodes the part of a file inside region to rows of channels 3 (RGB)
// or 1 (gray) samples, in buf's memory if it is large enough. A canvas is black
// where its first frame is not.
func Decode(buf []uint8, data []byte, region image.Rectangle, channels int, limits codec.Limits) ([]uint8, error) {
	h, err := Inspect(data)
	if err != nil {
		return nil, err
	}
	if err := codec.Inside(region, h.W, h.H); err != nil {
		return nil, err
	}
	if h.bits == nil {
		return nil, codec.ErrTruncated
	}
	pixels := int64(h.frame.Dx()) * int64(h.frame.Dy())
	if h.lossless {
		pixels *= 8 // the decoder holds 4 bytes a pixel, twice
	} else {
		pixels *= 2
	}
	memory := int64(region.Dx())*int64(region.Dy())*int64(channels) + pixels
	if err := limits.Memory(memory); err != nil {
		return nil, err
	}
	rows, err := h.decode()
	if err != nil {
		return nil, err
	}
	if err := limits.Stopped(); err != nil {
		return nil, err
	}
	raster := codec.NewRaster(buf, region, channels)
	if h.frame.Dx() < h.W || h.frame.Dy() < h.H {
		clear(raster.Pix)
	}
	rgb := make([]uint8, 3*h.W)
	for y := h.frame.Min.Y; y < h.frame.Max.Y; y++ {
		rows(rgb[3*h.frame.Min.X:3*h.frame.Max.X], y-h.frame.Min.Y)
		raster.RGB(y, rgb)
	}
	return raster.Pix, nil
}

// decode decodes the frame and returns what makes RGB of its row y.
func (h *Header) decode() (rows func(rgb []uint8, y int), err error) {
	if h.lossless {
		img, err := vp8l.Decode(bytes.NewReader(h.bits))
		if err != nil {
			return nil, err
		}
		m, ok := img.(*image.NRGBA)
		if !ok || m.Rect.Size() != h.frame.Size() {
			return nil, codec.Corrupt("a lossless frame of other pixels")
		}
		return func(rgb []uint8, y int) {
			row := m.Pix[y*m.Stride:]
			for i := range len(rgb) / 3 {
				copy(rgb[3*i:3*i+3], row[4*i:])
			}
		}, nil
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(h.bits), len(h.bits))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, err
	}
	m, err := d.DecodeFrame()
	if err != nil {
		return nil, err
	}
	return newLossy(m).row, nil
}
