// Package bmp decodes Windows and OS/2 bitmaps, of 1 to 32 bits a pixel, plain,
// run-length coded or with bit fields, as Pillow's convert("RGB") has them:
// alpha is dropped.
package bmp

import (
	"encoding/binary"
	"image"
	"math/bits"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// Magic is how a BMP file begins.
const Magic = "BM"

// compression is how the pixels are stored.
type compression uint32

const (
	plain          compression = 0
	rle8           compression = 1
	rle4           compression = 2
	bitFields      compression = 3
	alphaBitFields compression = 6
)

// Header is what precedes the pixels.
type Header struct {
	W, H        int
	topDown     bool
	bits        int // of a pixel
	compression compression
	masks       [3]uint32 // of red, green and blue, if there are more than 8 bits
	palette     codec.Palette
	pixels      int // where they begin
}

// fileHeader is the size of what precedes the information header.
const fileHeader = 14

// Inspect reads the header.
func Inspect(data []byte) (*Header, error) {
	if len(data) < fileHeader+4 {
		return nil, codec.ErrTruncated
	}
	size := binary.LittleEndian.Uint32(data[fileHeader:])
	h := &Header{pixels: int(binary.LittleEndian.Uint32(data[10:]))}
	switch size {
	case 12, 40, 52, 56, 64, 108, 124:
	default:
		return nil, codec.Unsupported("a BMP header of %d bytes", size)
	}
	if len(data) < fileHeader+int(size) {
		return nil, codec.ErrTruncated
	}
	info, rest := data[fileHeader:fileHeader+size], data[fileHeader+size:]
	if size == 12 {
		return h, h.core(info, rest)
	}
	return h, h.info(info, rest)
}

// core reads the header of OS/2 1 and Windows 2.
func (h *Header) core(b, rest []byte) error {
	h.W, h.H = int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	h.bits = int(binary.LittleEndian.Uint16(b[10:]))
	return h.finish(len(b), 0, 3, 0, rest)
}

// info reads a header of 40 bytes and more.
func (h *Header) info(b, rest []byte) error {
	h.W, h.H = int(int32(binary.LittleEndian.Uint32(b[4:]))), int(int32(binary.LittleEndian.Uint32(b[8:])))
	if h.H < 0 {
		h.H, h.topDown = -h.H, true
	}
	h.bits = int(binary.LittleEndian.Uint16(b[14:]))
	h.compression = compression(binary.LittleEndian.Uint32(b[16:]))
	colors := int(binary.LittleEndian.Uint32(b[32:]))
	maskBytes := 0
	if h.compression == bitFields || h.compression == alphaBitFields {
		masks := b[40:]
		if len(masks) == 0 {
			maskBytes = 12
			if h.compression == alphaBitFields {
				maskBytes = 16
			}
			if len(rest) < maskBytes {
				return codec.ErrTruncated
			}
			masks, rest = rest[:maskBytes], rest[maskBytes:]
		}
		for i := range h.masks {
			h.masks[i] = binary.LittleEndian.Uint32(masks[4*i:])
		}
	}
	return h.finish(len(b), maskBytes, 4, colors, rest)
}

// finish checks the header of size bytes and the masks after it, and reads the
// palette of that many bytes a color.
func (h *Header) finish(size, maskBytes, colorBytes, colors int, rest []byte) error {
	if h.W < 1 || h.H < 1 {
		return codec.Corrupt("size %d×%d", h.W, h.H)
	}
	if err := h.coding(size); err != nil {
		return err
	}
	if h.bits > 8 {
		if h.pixels == 0 {
			h.pixels = fileHeader + size + maskBytes
		}
		return nil
	}
	if colors == 0 {
		colors = 1 << h.bits
	}
	if colors < 0 || colors > 1<<16 {
		return codec.Corrupt("%d colors", colors)
	}
	if len(rest) < colorBytes*colors {
		return codec.ErrTruncated
	}
	ramp := true
	for i := range min(colors, len(h.palette)) {
		b := rest[i*colorBytes:]
		h.palette[i] = [3]uint8{b[2], b[1], b[0]}
		ramp = ramp && h.palette[i] == [3]uint8{uint8(i), uint8(i), uint8(i)}
	}
	for i := colors; ramp && i < len(h.palette); i++ {
		h.palette[i] = [3]uint8{uint8(i), uint8(i), uint8(i)} // Pillow takes it for a gray picture
	}
	if h.pixels == 0 || h.pixels == fileHeader+size {
		h.pixels = fileHeader + size + colorBytes*colors // some writers forget the palette, or all
	}
	return nil
}

// coding checks how pixels are stored, and fills in the usual bit fields.
func (h *Header) coding(size int) error {
	fits := false
	switch h.compression {
	case plain:
		fits = h.bits == 1 || h.bits == 2 || h.bits == 4 || h.bits == 8 || h.bits == 16 || h.bits == 24 || h.bits == 32
	case rle8:
		fits = h.bits == 8
	case rle4:
		fits = h.bits == 4
	case bitFields, alphaBitFields:
		fits = size != 64 && (h.bits == 16 || h.bits == 24 || h.bits == 32)
	}
	if !fits {
		return codec.Unsupported("BMP of %d bits a pixel with compression %d", h.bits, h.compression)
	}
	if h.bits <= 8 {
		return nil
	}
	if h.masks == [3]uint32{} {
		h.masks = [3]uint32{0xff0000, 0xff00, 0xff}
		if h.bits == 16 {
			h.masks = [3]uint32{0x7c00, 0x3e0, 0x1f}
		}
	}
	for _, m := range h.masks {
		if m == 0 || bits.Len32(m)-bits.TrailingZeros32(m) != bits.OnesCount32(m) || h.bits < bits.Len32(m) {
			return codec.Unsupported("BMP with bit fields %08x", h.masks)
		}
	}
	return nil
}

// Decode decodes the part of a file inside region to rows of channels 3 (RGB)
// or 1 (gray) samples, in buf's memory if it is large enough.
func Decode(buf []uint8, data []byte, region image.Rectangle, channels int, limits codec.Limits) ([]uint8, error) {
	h, err := Inspect(data)
	if err != nil {
		return nil, err
	}
	if err := codec.Inside(region, h.W, h.H); err != nil {
		return nil, err
	}
	if h.pixels < fileHeader || h.pixels > len(data) {
		return nil, codec.ErrTruncated
	}
	memory := int64(region.Dx()) * int64(region.Dy()) * int64(channels)
	if h.compression == rle8 || h.compression == rle4 {
		if err := limits.Memory(memory + int64(h.W)*int64(h.H)); err != nil {
			return nil, err
		}
		indices, err := h.runs(data, limits)
		if err != nil {
			return nil, err
		}
		raster := codec.NewRaster(buf, region, channels)
		h.rows(&raster, func(y int, rgb []uint8) { h.palette.Row(rgb, indices[y*h.W:][:h.W]) })
		return raster.Pix, nil
	}
	pixels := data[h.pixels:]
	used := (int64(h.W)*int64(h.bits) + 7) / 8
	stride := (used + 3) &^ 3
	if int64(h.H-1)*stride+used > int64(len(pixels)) {
		return nil, codec.ErrTruncated
	}
	if err := limits.Memory(memory + 3*int64(h.W)); err != nil {
		return nil, err
	}
	raster := codec.NewRaster(buf, region, channels)
	convert := h.converter()
	h.rows(&raster, func(y int, rgb []uint8) { convert(rgb, pixels[int64(y)*stride:][:used]) })
	return raster.Pix, nil
}

// rows fills the raster; row decodes the y-th row of the file.
func (h *Header) rows(raster *codec.Raster, row func(y int, rgb []uint8)) {
	rgb := make([]uint8, 3*h.W)
	for y := raster.Region.Min.Y; y < raster.Region.Max.Y; y++ {
		stored := y
		if !h.topDown {
			stored = h.H - 1 - y
		}
		row(stored, rgb)
		raster.RGB(y, rgb)
	}
}

// converter returns what makes RGB of a stored row.
func (h *Header) converter() func(rgb, row []uint8) {
	switch {
	case h.bits <= 8:
		indices := make([]uint8, h.W)
		return func(rgb, row []uint8) {
			per, mask := 8/h.bits, uint8(1<<h.bits-1)
			for i := range indices {
				indices[i] = row[i/per] >> (8 - h.bits*(i%per+1)) & mask
			}
			h.palette.Row(rgb, indices)
		}
	case h.bits == 16:
		return func(rgb, row []uint8) {
			for i := range h.W {
				h.pixel(rgb[3*i:], uint32(binary.LittleEndian.Uint16(row[2*i:])))
			}
		}
	}
	step := h.bits / 8
	if h.masks == [3]uint32{0xff0000, 0xff00, 0xff} {
		return func(rgb, row []uint8) {
			for i := range h.W {
				p, q := row[i*step:], rgb[3*i:3*i+3]
				q[0], q[1], q[2] = p[2], p[1], p[0]
			}
		}
	}
	return func(rgb, row []uint8) {
		for i := range h.W {
			p := row[i*step:]
			v := uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16
			if step == 4 {
				v |= uint32(p[3]) << 24
			}
			h.pixel(rgb[3*i:], v)
		}
	}
}

// pixel takes a pixel's bit fields apart.
func (h *Header) pixel(rgb []uint8, v uint32) {
	for c, m := range h.masks {
		shift := bits.TrailingZeros32(m)
		rgb[c] = uint8(uint64(v&m>>shift) * 255 / uint64(m>>shift))
	}
}
