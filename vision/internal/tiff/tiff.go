// Package tiff decodes the first picture of a TIFF file: gray, palette and RGB
// of 1, 8 or 16 bits a sample, in strips or tiles, plain or compressed with LZW,
// deflate, PackBits or as a fax. It guards golang.org/x/image/tiff, which reads
// them, against files that would have it take any amount of memory.
package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"

	"golang.org/x/image/tiff"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// Sniff says whether a file begins as TIFF does.
func Sniff(head []byte) bool {
	return len(head) >= 4 && (string(head[:4]) == "II*\x00" || string(head[:4]) == "MM\x00*")
}

// Header is what the tags say.
type Header struct {
	W, H         int
	blockW       int // of a strip or tile
	blockH       int
	bits         int // of a sample
	samples      int // of a pixel
	planar       bool
	uncompressed bool
	fax          bool
	blackIsZero  bool
}

// The tags that are looked at.
const (
	tagWidth         = 256
	tagHeight        = 257
	tagBits          = 258
	tagCompression   = 259
	tagPhotometric   = 262
	tagSamples       = 277
	tagRowsPerStrip  = 278
	tagPlanar        = 284
	tagTileWidth     = 322
	tagTileHeight    = 323
	planesApart      = 2
	compressionNone  = 1
	compressionG3    = 3
	compressionG4    = 4
	blackIsZero      = 1
	entryBytes       = 12
	typeByte         = 1
	typeShort        = 3
	typeLong         = 4
	highestDimension = 1<<31 - 1
)

// Inspect reads the tags of the first picture.
func Inspect(data []byte) (Header, error) {
	h := Header{bits: 1, samples: 1, uncompressed: true}
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
	n, entries := int(order.Uint16(data[at:])), data[at+2:]
	if len(entries) < n*entryBytes {
		return h, codec.ErrTruncated
	}
	for ; n > 0; n-- {
		if err := h.tag(order, data, entries[:entryBytes]); err != nil {
			return h, err
		}
		entries = entries[entryBytes:]
	}
	if h.W < 1 || h.H < 1 {
		return h, codec.Corrupt("size %d×%d", h.W, h.H)
	}
	if h.planar && h.samples > 1 {
		return h, codec.Unsupported("TIFF with a plane for each color")
	}
	if h.blockW == 0 {
		h.blockW = h.W
	}
	if h.blockH == 0 || h.blockW == h.W && h.blockH > h.H {
		h.blockH = h.H
	}
	return h, nil
}

// tag takes over an entry of the directory.
func (h *Header) tag(order binary.ByteOrder, data, entry []byte) error {
	var v int64
	field := entry[8:]
	count := order.Uint32(entry[4:])
	switch order.Uint16(entry[2:]) {
	case typeByte:
		v = int64(field[0])
	case typeShort:
		if count > 2 { // too many for the entry
			at := int64(order.Uint32(field))
			if at+2 > int64(len(data)) {
				return codec.ErrTruncated
			}
			field = data[at:]
		}
		v = int64(order.Uint16(field))
	case typeLong:
		v = int64(order.Uint32(field))
	default:
		return nil
	}
	size := int(min(v, highestDimension))
	switch order.Uint16(entry) {
	case tagWidth:
		h.W = size
	case tagHeight:
		h.H = size
	case tagBits:
		h.bits = size
	case tagCompression:
		h.uncompressed = v <= compressionNone
		h.fax = v == compressionG3 || v == compressionG4
	case tagPhotometric:
		h.blackIsZero = v == blackIsZero
	case tagSamples:
		h.samples = size
	case tagRowsPerStrip, tagTileHeight:
		h.blockH = size
	case tagTileWidth:
		h.blockW = size
	case tagPlanar:
		h.planar = v == planesApart
	}
	return nil
}

// memory returns how much golang.org/x/image/tiff takes for a picture.
func (h *Header) memory() int64 {
	pixel := int64(1)
	if h.samples > 1 {
		pixel = 4
	}
	if h.bits > 8 {
		pixel *= 2
	}
	// It holds a block of at most 8 bytes a pixel, in a buffer that grows to
	// up to twice as much and is copied then.
	block := int64(h.blockW) * int64(h.blockH)
	if h.uncompressed {
		block *= pixel
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
	// No compression shrinks by more than deflate's 1032 but that of faxes,
	// which write a white row of any length in a bit.
	if int64(h.H)*int64(h.W)/(1<<16) > int64(len(data)) {
		return nil, codec.ErrTruncated
	}
	if h.blockW > h.W+1024 || h.blockH > h.H+1024 {
		return nil, codec.Corrupt("tiles of %d×%d", h.blockW, h.blockH)
	}
	memory := int64(region.Dx())*int64(region.Dy())*int64(channels) + h.memory()
	if err := limits.Memory(memory); err != nil {
		return nil, err
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
	for y := region.Min.Y; y < region.Max.Y; y++ {
		row(rgb, y)
		if h.fax && h.blackIsZero {
			// A fax's white is the sample 0, which x/image overlooks.
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
		return codec.Unsupported("TIFF: %s", string(unsupported))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return codec.ErrTruncated
	}
	return err
}
