// Package png decodes PNG files row by row to RGB or gray, as Pillow's
// convert("RGB") has them: transparency is dropped and 16-bit samples keep
// their high byte. What pictures found in the wild do wrong and other decoders
// forgive is forgiven: more pixel data than rows, no checksum of it, no end
// chunk, and chunks that are out of order, repeated, or damaged where the
// pixels do not depend on them.
package png

import (
	"encoding/binary"
	"hash/crc32"
	"image"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// Magic is how a PNG file begins.
const Magic = "\x89PNG\r\n\x1a\n"

// Header is the IHDR chunk.
type Header struct {
	W, H       int
	depth      int
	colors     colorType
	interlaced bool
}

// colorType is how pixels are stored.
type colorType uint8

const (
	typeGray      colorType = 0
	typeRGB       colorType = 2
	typePalette   colorType = 3
	typeGrayAlpha colorType = 4
	typeRGBA      colorType = 6
)

// samples returns the number of samples of a pixel.
func (c colorType) samples() int {
	switch c {
	case typeRGB:
		return 3
	case typeGrayAlpha:
		return 2
	case typeRGBA:
		return 4
	}
	return 1
}

// depths says which numbers of bits a sample may have.
func (c colorType) depths() string {
	switch c {
	case typeGray:
		return "\x01\x02\x04\x08\x10"
	case typePalette:
		return "\x01\x02\x04\x08"
	case typeRGB, typeGrayAlpha, typeRGBA:
		return "\x08\x10"
	}
	return ""
}

// bits returns the number of bits of a pixel.
func (h *Header) bits() int { return h.depth * h.colors.samples() }

// rowBytes returns the number of bytes of w pixels.
func (h *Header) rowBytes(w int) int { return (w*h.bits() + 7) / 8 }

// Inspect reads the header, and the EXIF block (a TIFF structure) if there is
// one before the pixels.
func Inspect(data []byte) (h Header, exif []byte, err error) {
	c := chunks{rest: data[min(len(Magic), len(data)):]}
	if err := h.read(&c); err != nil {
		return h, nil, err
	}
	for c.next() && c.kind != "IDAT" {
		if c.kind == "eXIf" && c.whole() {
			return h, c.body, nil
		}
	}
	return h, nil, nil
}

// read reads IHDR, which ought to be the first chunk.
func (h *Header) read(c *chunks) error {
	for c.kind != "IHDR" {
		if !c.next() {
			return codec.ErrTruncated
		}
		switch c.kind {
		case "CgBI":
			return codec.Unsupported("Apple's variant of PNG")
		case "IDAT", "IEND":
			return codec.Corrupt("no IHDR before %s", c.kind)
		}
	}
	if !c.whole() {
		return codec.ErrTruncated
	}
	b := c.body
	if len(b) < 13 {
		return codec.Corrupt("IHDR of %d bytes", len(b))
	}
	w, height := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if w == 0 || height == 0 || w > 1<<31-1 || height > 1<<31-1 {
		return codec.Corrupt("size %d×%d", w, height)
	}
	*h = Header{W: int(w), H: int(height), depth: int(b[8]), colors: colorType(b[9]), interlaced: b[12] != 0}
	if !c.sound() {
		return codec.Corrupt("checksum of IHDR")
	}
	if b[11] != 0 || b[12] > 1 {
		return codec.Corrupt("filter method %d, interlace method %d", b[11], b[12])
	}
	for _, d := range h.colors.depths() {
		if int(d) == h.depth {
			return nil
		}
	}
	return codec.Corrupt("color type %d with %d bits a sample", h.colors, h.depth)
}

// Decode decodes the part of a file inside region to rows of channels 3 (RGB)
// or 1 (gray) samples, in buf's memory if it is large enough.
func Decode(buf []uint8, data []byte, region image.Rectangle, channels int, limits codec.Limits) ([]uint8, error) {
	c := chunks{rest: data[min(len(Magic), len(data)):]}
	d := decoder{limits: limits}
	if err := d.header.read(&c); err != nil {
		return nil, err
	}
	if err := codec.Inside(region, d.header.W, d.header.H); err != nil {
		return nil, err
	}
	seen := false
	for {
		if !c.next() {
			return nil, codec.ErrTruncated
		}
		if c.kind == "IDAT" {
			break
		}
		if c.kind == "IEND" {
			return nil, codec.Corrupt("no pixels")
		}
		if c.kind == "PLTE" && d.header.colors == typePalette {
			if !c.sound() {
				return nil, codec.Corrupt("checksum of PLTE")
			}
			seen = true
			d.setPalette(c.body)
		}
	}
	if d.header.colors == typePalette && !seen {
		return nil, codec.Corrupt("no palette")
	}
	// Deflate shrinks by at most 1032.
	if int64(d.header.W)*int64(d.header.H)*int64(d.header.bits())/8/1032 > int64(len(data)) {
		return nil, codec.ErrTruncated
	}
	memory := int64(region.Dx())*int64(region.Dy())*int64(channels) + 8*int64(d.header.rowBytes(d.header.W))
	if err := limits.Memory(memory); err != nil {
		return nil, err
	}
	d.raster = codec.NewRaster(buf, region, channels)
	if err := d.decode(&pixelData{chunks: c}); err != nil {
		return nil, err
	}
	return d.raster.Pix, nil
}

// setPalette takes over a palette of up to 256 colors; the rest is black.
func (d *decoder) setPalette(b []byte) {
	d.palette = codec.Palette{}
	for i := range min(len(b)/3, len(d.palette)) {
		copy(d.palette[i][:], b[3*i:])
	}
}

// chunks walks over the chunks of a file.
type chunks struct {
	rest []byte
	kind string
	body []byte // what there is of it
	size int    // what there should be
	sum  []byte // its checksum, short where the file ends
}

// next goes to the next chunk; it returns false at the end of the file.
func (c *chunks) next() bool {
	if len(c.rest) < 8 {
		return false
	}
	n := binary.BigEndian.Uint32(c.rest)
	c.kind = string(c.rest[4:8])
	c.rest = c.rest[8:]
	c.size = int(min(n, 1<<31-1))
	c.body, c.rest = cut(c.rest, c.size)
	c.sum, c.rest = cut(c.rest, 4)
	return true
}

// cut splits b after n bytes, or where it ends.
func cut(b []byte, n int) (head, tail []byte) {
	n = min(n, len(b))
	return b[:n], b[n:]
}

// whole says whether the chunk is complete but for its checksum.
func (c *chunks) whole() bool { return len(c.body) == c.size }

// sound says whether the checksum is right, or missing at the file's end.
func (c *chunks) sound() bool {
	return len(c.sum) < 4 || crc32.Update(crc32.ChecksumIEEE([]byte(c.kind)), crc32.IEEETable, c.body) == binary.BigEndian.Uint32(c.sum)
}
