// Package tiff decodes the first picture of a TIFF file: gray, palette and RGB
// of 1, 8 or 16 bits a sample, in strips or tiles, plain or compressed with LZW,
// deflate, PackBits or as a fax. It guards golang.org/x/image/tiff, which reads
// them, against files that would have it take any amount of memory.
package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"

	"golang.org/x/image/tiff"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// Sniff says whether a file begins as TIFF does.
func Sniff(head []byte) bool {
	return len(head) >= 4 && (string(head[:4]) == "II*\x00" || string(head[:4]) == "MM\x00*")
}

// Header is what the tags say.
type Header struct {
	W, H          int
	rowsPerStrip  int
	tileW, tileH  int
	bits, samples int // of a sample, of a pixel
	photometric   int
	compression   int
	planar        int
}

// The tags that are looked at, and their values.
const (
	tagWidth        = 256
	tagHeight       = 257
	tagBits         = 258
	tagCompression  = 259
	tagPhotometric  = 262
	tagSamples      = 277
	tagRowsPerStrip = 278
	tagPlanar       = 284
	tagTileWidth    = 322
	tagTileHeight   = 323

	compressionNone = 1
	compressionG3   = 3
	compressionG4   = 4
	blackIsZero     = 1
	planesApart     = 2
)

// Inspect reads the tags of the first picture.
func Inspect(data []byte) (Header, error) {
	h := Header{bits: 1, samples: 1}
	if !Sniff(data) || len(data) < 8 {
		return h, codec.ErrTruncated
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return h, codec.ErrTruncated
	}
	const entrySize = 12
	n, entries := int(order.Uint16(data[at:])), data[at+2:]
	if len(entries) < n*entrySize {
		return h, codec.ErrTruncated
	}
	for ; n > 0; n-- {
		if err := h.tag(order, data, entries[:entrySize]); err != nil {
			return h, err
		}
		entries = entries[entrySize:]
	}
	if h.W < 1 || h.H < 1 {
		return h, codec.Corrupt("size %d×%d", h.W, h.H)
	}
	if h.planar == planesApart && h.samples > 1 {
		return h, codec.Unsupported("TIFF with a plane for each color")
	}
	return h, nil
}

// tag takes over an entry of the directory.
func (h *Header) tag(order binary.ByteOrder, data, entry []byte) error {
	var field *int
	count := order.Uint32(entry[4:])
	switch order.Uint16(entry) {
	case tagWidth:
		field = &h.W
	case tagHeight:
		field = &h.H
	case tagBits:
		field = &h.bits
		h.samples = max(h.samples, int(min(count, 1<<16)))
	case tagCompression:
		field = &h.compression
	case tagPhotometric:
		field = &h.photometric
	case tagSamples:
		var v int
		if err := first(&v, order, data, entry); err != nil {
			return err
		}
		h.samples = max(h.samples, v)
		return nil
	case tagRowsPerStrip:
		field = &h.rowsPerStrip
	case tagPlanar:
		field = &h.planar
	case tagTileWidth:
		field = &h.tileW
	case tagTileHeight:
		field = &h.tileH
	default:
		return nil
	}
	return first(field, order, data, entry)
}

// first reads the first number of an entry: where x/image/tiff finds it, or the
// bounds of this package would not be those of what is decoded.
func first(v *int, order binary.ByteOrder, data, entry []byte) error {
	kind, count, values := order.Uint16(entry[2:]), uint64(order.Uint32(entry[4:])), entry[8:12]
	size := map[uint16]uint64{1: 1, 3: 2, 4: 4}[kind]
	if size == 0 {
		return codec.Corrupt("tag %d has numbers of type %d", order.Uint16(entry), kind)
	}
	if *v = 0; count == 0 {
		return nil
	}
	if size*count > 4 {
		at := uint64(order.Uint32(values))
		if at+size > uint64(len(data)) {
			return codec.ErrTruncated
		}
		values = data[at:]
	}
	var n uint32
	switch size {
	case 1:
		n = uint32(values[0])
	case 2:
		n = uint32(order.Uint16(values))
	case 4:
		n = order.Uint32(values)
	}
	*v = int(min(n, 1<<31-1))
	return nil
}

// block returns the size of a strip or tile.
func (h *Header) block() (w, height int) {
	switch {
	case h.tileW != 0:
		return h.tileW, h.tileH
	case h.rowsPerStrip > 0 && h.rowsPerStrip < h.H:
		return h.W, h.rowsPerStrip
	}
	return h.W, h.H
}

// checkBlocks reports an error for strips and tiles that no writer makes, which
// all may share their few bytes.
func (h *Header) checkBlocks() error {
	const most = 1 << 17
	w, height := h.block()
	if w < 1 || height < 1 || w > h.W+1024 || height > h.H+1024 {
		return codec.Corrupt("tiles of %d×%d pixels", w, height)
	}
	across, down := (h.W+w-1)/w, (h.H+height-1)/height
	if across > most/down {
		return fmt.Errorf("%w: %d×%d strips or tiles", codec.ErrTooLarge, across, down)
	}
	return nil
}

// memory returns how much golang.org/x/image/tiff takes for a picture in a file
// of size bytes.
func (h *Header) memory(size int) int64 {
	pixel := int64(1)
	if h.samples > 1 {
		pixel = 4
	}
	if h.bits > 8 {
		pixel *= 2
	}
	// It holds a block of at most 8 bytes a pixel, in a buffer that grows to
	// twice as much and is copied then.
	w, height := h.block()
	block := int64(w) * int64(height)
	if h.compression <= compressionNone {
		block = min(8*block, 3*int64(size))
	} else {
		block *= 8 * 3
	}
	return int64(h.W)*int64(h.H)*pixel + block
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
	// No compression shrinks by more than deflate's 1032 but that of faxes,
	// which write a white row of any length in a bit.
	if int64(h.H)*int64(h.W)/(1<<16) > int64(len(data)) {
		return nil, codec.ErrTruncated
	}
	if err := h.checkBlocks(); err != nil {
		return nil, err
	}
	memory := int64(region.Dx())*int64(region.Dy())*int64(channels) + h.memory(len(data))
	if err := limits.Memory(memory); err != nil {
		return nil, err
	}
	if c, err := tiff.DecodeConfig(bytes.NewReader(data)); err != nil {
		return nil, named(err)
	} else if c.Width != h.W || c.Height != h.H {
		return nil, codec.Corrupt("two sizes, %d×%d and %d×%d", h.W, h.H, c.Width, c.Height)
	}
	m, err := tiff.Decode(reader{bytes.NewReader(data), limits})
	if err != nil {
		return nil, named(err)
	}
	if m.Bounds().Size() != image.Pt(h.W, h.H) {
		return nil, codec.Corrupt("pixels of another size")
	}
	raster := codec.NewRaster(buf, region, channels)
	rgb := make([]uint8, 3*h.W)
	row := codec.Rows(m)
	// A fax's white is the sample 0, which x/image/tiff overlooks.
	inverted := (h.compression == compressionG3 || h.compression == compressionG4) && h.photometric == blackIsZero
	for y := region.Min.Y; y < region.Max.Y; y++ {
		row(rgb, y)
		if inverted {
			for i := range rgb {
				rgb[i] = ^rgb[i]
			}
		}
		raster.RGB(y, rgb)
	}
	return raster.Pix, nil
}

// reader ends reading when decoding is to stop.
type reader struct {
	*bytes.Reader
	limits codec.Limits
}

// ReadAt makes reader an io.ReaderAt.
func (r reader) ReadAt(p []byte, at int64) (int, error) {
	if err := r.limits.Stopped(); err != nil {
		return 0, err
	}
	return r.Reader.ReadAt(p, at)
}

// named makes an error wrap one of package codec's where it can be told which.
func named(err error) error {
	var unsupported tiff.UnsupportedError
	if errors.As(err, &unsupported) {
		return codec.Unsupported("%s", string(unsupported))
	}
	var format tiff.FormatError
	if errors.As(err, &format) && strings.HasPrefix(string(format), "wrong number of samples") {
		return codec.Unsupported("%s", string(format)) // such as RGB with a fourth of unknown use
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return codec.ErrTruncated
	}
	return err
}
