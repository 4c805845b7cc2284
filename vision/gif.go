package vision

import (
	"compress/lzw"
	"encoding/binary"
	"fmt"
	"image"
	"io"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// gifFrame is the first frame of a GIF and the screen it lies on.
type gifFrame struct {
	w, h       int // screen
	x, y       int // frame
	fw, fh     int
	palette    []byte // RGB
	fill       uint8  // index that the screen shows outside the frame
	interlaced bool
	codeSize   int
	codes      []byte // LZW codes in their sub-blocks
}

// parseGIF reads up to the first frame's codes. The standard decoder is not
// used because it forgets the colour of the transparent index.
func parseGIF(data []byte) (f gifFrame, err error) {
	if len(data) < 13 {
		return f, ErrTruncated
	}
	f.w, f.h = int(binary.LittleEndian.Uint16(data[6:])), int(binary.LittleEndian.Uint16(data[8:]))
	flags, rest := data[10], data[13:]
	if f.palette, rest, err = gifPalette(flags, rest); err != nil {
		return f, err
	}
	for {
		if len(rest) < 2 {
			return f, ErrTruncated
		}
		switch rest[0] {
		case 0x21:
			kind := rest[1]
			body := rest[2:]
			if kind == 0xf9 && len(body) >= 6 && body[0] == 4 && body[1]&1 != 0 {
				f.fill = body[4]
			}
			if rest, err = gifSkip(body); err != nil {
				return f, err
			}
		case 0x2c:
			return f, f.descriptor(rest[1:])
		case 0x3b:
			return f, fmt.Errorf("%w: no frame", ErrCorrupt)
		default:
			return f, fmt.Errorf("%w: unknown block 0x%02x", ErrCorrupt, rest[0])
		}
	}
}

// descriptor reads the image descriptor and what follows it.
func (f *gifFrame) descriptor(b []byte) (err error) {
	if len(b) < 9 {
		return ErrTruncated
	}
	f.x, f.y = int(binary.LittleEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b[2:]))
	f.fw, f.fh = int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	flags, rest := b[8], b[9:]
	f.interlaced = flags&0x40 != 0
	local, rest, err := gifPalette(flags, rest)
	if err != nil {
		return err
	}
	if local != nil {
		f.palette = local
	}
	if f.fw == 0 || f.fh == 0 {
		return fmt.Errorf("%w: frame %d×%d", ErrCorrupt, f.fw, f.fh)
	}
	f.w, f.h = max(f.w, f.x+f.fw), max(f.h, f.y+f.fh) // as Pillow mends a screen that is too small
	if f.palette == nil {
		return fmt.Errorf("%w: no colour table", ErrCorrupt)
	}
	if len(rest) == 0 {
		return ErrTruncated
	}
	f.codeSize = int(rest[0])
	if f.codeSize < 2 || f.codeSize > 8 {
		return fmt.Errorf("%w: codes of %d bits", ErrCorrupt, f.codeSize)
	}
	f.codes = rest[1:]
	return nil
}

// gifPalette takes a colour table off b if the flags announce one.
func gifPalette(flags byte, b []byte) (palette, rest []byte, err error) {
	if flags&0x80 == 0 {
		return nil, b, nil
	}
	n := 3 << (flags&7 + 1)
	if len(b) < n {
		return nil, nil, ErrTruncated
	}
	return b[:n], b[n:], nil
}

// gifSkip returns what follows a list of sub-blocks.
func gifSkip(b []byte) ([]byte, error) {
	for len(b) > 0 {
		n := int(b[0])
		b = b[1:]
		if n == 0 {
			return b, nil
		}
		if len(b) < n {
			break
		}
		b = b[n:]
	}
	return nil, ErrTruncated
}

// gifBlocks reads the bytes of a list of sub-blocks.
type gifBlocks struct {
	rest  []byte
	block []byte
}

func (g *gifBlocks) fill() error {
	for len(g.block) == 0 {
		if len(g.rest) == 0 {
			return io.ErrUnexpectedEOF
		}
		n := int(g.rest[0])
		if n == 0 {
			return io.EOF
		}
		g.block = g.rest[1:min(1+n, len(g.rest))]
		g.rest = g.rest[1+len(g.block):]
	}
	return nil
}

func (g *gifBlocks) Read(p []byte) (int, error) {
	if err := g.fill(); err != nil {
		return 0, err
	}
	n := copy(p, g.block)
	g.block = g.block[n:]
	return n, nil
}

// ReadByte makes gifBlocks an io.ByteReader, which lzw reads without a buffer.
func (g *gifBlocks) ReadByte() (byte, error) {
	if err := g.fill(); err != nil {
		return 0, err
	}
	b := g.block[0]
	g.block = g.block[1:]
	return b, nil
}

// decodeGIF decodes the part of the screen inside region, with the first frame
// on it.
func decodeGIF(buf, data []byte, region image.Rectangle, channels int, limits codec.Limits) ([]uint8, error) {
	f, err := parseGIF(data)
	if err != nil {
		return nil, err
	}
	if err := codec.Inside(region, f.w, f.h); err != nil {
		return nil, err
	}
	// A code of at most 12 bits stands for less than 4096 pixels.
	if f.fw*f.fh > len(f.codes)*4096 {
		return nil, ErrTruncated
	}
	memory := int64(region.Dx())*int64(region.Dy())*int64(channels) + int64(f.fw)*int64(f.fh)
	if err := limits.Memory(memory); err != nil {
		return nil, err
	}
	codes := lzw.NewReader(&gifBlocks{rest: f.codes}, lzw.LSB, f.codeSize)
	defer codes.Close()
	index := make([]byte, f.fw*f.fh)
	if _, err := io.ReadFull(codes, index); err != nil {
		return nil, err
	}
	if err := limits.Stopped(); err != nil {
		return nil, err
	}
	var palette codec.Palette
	for i := range len(f.palette) / 3 {
		copy(palette[i][:], f.palette[3*i:])
	}
	raster := codec.NewRaster(buf, region, channels)
	row, rgb := make([]uint8, f.w), make([]uint8, 3*f.w)
	rows := f.rowOrder()
	for y := region.Min.Y; y < region.Max.Y; y++ {
		for x := range row {
			row[x] = f.fill
		}
		if fy := y - f.y; fy >= 0 && fy < f.fh {
			copy(row[f.x:], index[rows[fy]*f.fw:][:f.fw])
		}
		palette.Row(rgb, row)
		raster.RGB(y, rgb)
	}
	return raster.Pix, nil
}

// rowOrder returns where each row of the frame is among the decoded ones.
func (f *gifFrame) rowOrder() []int {
	rows := make([]int, f.fh)
	if !f.interlaced {
		for y := range rows {
			rows[y] = y
		}
		return rows
	}
	n := 0
	for _, pass := range [...]struct{ from, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		for y := pass.from; y < f.fh; y += pass.step {
			rows[y] = n
			n++
		}
	}
	return rows
}

// inspectGIF reads the size of the screen.
func inspectGIF(data []byte) (w, h int, err error) {
	f, err := parseGIF(data)
	return f.w, f.h, err
}
