package png

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// pixelData reads the bodies of consecutive IDAT chunks, beginning with the
// current one.
type pixelData struct {
	chunks
	started bool
	block   []byte
	ended   bool // by the end of the file
}

// Read makes pixelData an io.Reader.
func (p *pixelData) Read(b []byte) (int, error) {
	for len(p.block) == 0 {
		if p.started && !p.next() {
			p.ended = true
			return 0, io.ErrUnexpectedEOF
		}
		if p.kind != "IDAT" {
			p.ended = p.ended || p.kind == ""
			return 0, io.ErrUnexpectedEOF
		}
		p.started = true
		p.block = p.body
	}
	n := copy(b, p.block)
	p.block = p.block[n:]
	return n, nil
}

// sound says whether the checksums of all the chunks are right.
func (p pixelData) sound() bool {
	for ok := true; ok && p.kind == "IDAT"; ok = p.next() {
		if !p.chunks.sound() {
			return false
		}
	}
	return true
}

// decoder is the state of one decode.
type decoder struct {
	header  Header
	palette codec.Palette
	raster  codec.Raster
	limits  codec.Limits
	out     []uint8 // a row of 8-bit samples
}

// passes are the places of the pixels of an interlaced picture (Adam7).
var passes = [7]struct{ x, y, stepX, stepY int }{
	{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
}

// decode inflates the pixels.
func (d *decoder) decode(src *pixelData) error {
	in := bufio.NewReader(src)
	var head [2]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return d.fault(src, err)
	}
	if head[0]&15 != 8 || (int(head[0])<<8|int(head[1]))%31 != 0 || head[1]&32 != 0 {
		return codec.Corrupt("compression header %02x", head)
	}
	var inflated io.Reader = flate.NewReader(in)
	sum := adler32.New()
	sound := src.sound()
	if !sound {
		inflated = io.TeeReader(inflated, sum)
	}
	d.out = make([]uint8, 3*d.header.W)
	if err := d.pixels(inflated); err != nil {
		return d.fault(src, err)
	}
	if sound {
		return nil
	}
	// The sum of the pixels decides whether only the chunks' sums are wrong.
	if _, err := io.Copy(io.Discard, io.LimitReader(inflated, 1<<20)); err != nil {
		return codec.Corrupt("checksum of IDAT")
	}
	var want [4]byte
	if _, err := io.ReadFull(in, want[:]); err != nil || binary.BigEndian.Uint32(want[:]) != sum.Sum32() {
		return codec.Corrupt("checksums of IDAT and of the pixels")
	}
	return nil
}

// pixels decodes the inflated pixels.
func (d *decoder) pixels(inflated io.Reader) error {
	if d.header.interlaced {
		for _, p := range passes {
			w, h := (d.header.W-p.x+p.stepX-1)/p.stepX, (d.header.H-p.y+p.stepY-1)/p.stepY
			if w <= 0 || h <= 0 {
				continue
			}
			if err := d.rows(inflated, w, h, func(y int, rgb bool, row []uint8) {
				d.raster.Spread(p.y+y*p.stepY, p.x, p.stepX, rgb, row)
			}); err != nil {
				return err
			}
		}
		return nil
	}
	return d.rows(inflated, d.header.W, d.header.H, func(y int, rgb bool, row []uint8) {
		if rgb {
			d.raster.RGB(y, row)
		} else {
			d.raster.Gray(y, row)
		}
	})
}

// fault says what is wrong with pixel data that could not be inflated.
func (d *decoder) fault(src *pixelData, err error) error {
	var bad flate.CorruptInputError
	switch {
	case errors.As(err, &bad):
		return codec.Corrupt("compressed pixels")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if src.ended {
			return codec.ErrTruncated
		}
		return codec.Corrupt("fewer pixels than %d×%d", d.header.W, d.header.H)
	}
	return err
}

// rows decodes h rows of w pixels and hands each to put.
func (d *decoder) rows(in io.Reader, w, h int, put func(y int, rgb bool, row []uint8)) error {
	n := d.header.rowBytes(w)
	ahead := (d.header.bits() + 7) / 8 // bytes of a pixel
	// Each row has its filter's number, and room for a pixel, in front.
	cur, prev := make([]byte, ahead+n), make([]byte, ahead+n)
	var filter [1]byte
	for y := range h {
		if y%64 == 0 {
			if err := d.limits.Stopped(); err != nil {
				return err
			}
		}
		if _, err := io.ReadFull(in, filter[:]); err != nil {
			return err
		}
		if _, err := io.ReadFull(in, cur[ahead:]); err != nil {
			return err
		}
		if err := unfilter(filter[0], cur, prev, ahead); err != nil {
			return err
		}
		rgb, row := d.samples(cur[ahead:], w)
		put(y, rgb, row)
		cur, prev = prev, cur
	}
	return nil
}

// unfilter undoes the filter of a row. The first ahead bytes of both rows, those
// of the pixel to the left of the picture, are zero.
func unfilter(filter byte, cur, prev []byte, ahead int) error {
	switch filter {
	case 0:
	case 1:
		for i := ahead; i < len(cur); i++ {
			cur[i] += cur[i-ahead]
		}
	case 2:
		for i := ahead; i < len(cur); i++ {
			cur[i] += prev[i]
		}
	case 3:
		for i := ahead; i < len(cur); i++ {
			cur[i] += uint8((int(cur[i-ahead]) + int(prev[i])) / 2)
		}
	case 4:
		for i := ahead; i < len(cur); i++ {
			cur[i] += paeth(int(cur[i-ahead]), int(prev[i]), int(prev[i-ahead]))
		}
	default:
		return codec.Corrupt("filter %d", filter)
	}
	return nil
}

// paeth returns which of left, up and corner is nearest to left + up - corner.
func paeth(left, up, corner int) uint8 {
	pa, pb := up-corner, left-corner
	pc := pa + pb
	pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
	switch {
	case pa <= pb && pa <= pc:
		return uint8(left)
	case pb <= pc:
		return uint8(up)
	}
	return uint8(corner)
}

// samples converts a row of w pixels to 8 bits, 3 samples a pixel or 1.
func (d *decoder) samples(row []byte, w int) (rgb bool, out []uint8) {
	h := &d.header
	out = d.out[:3*w]
	size := h.depth / 8 // bytes of a sample, of which the first counts
	switch h.colors {
	case typePalette:
		if h.depth < 8 {
			unpack(out[2*w:], row, h.depth, 1)
			row = out[2*w:]
		}
		d.palette.Row(out, row[:w])
		return true, out
	case typeGray:
		switch h.depth {
		case 8:
			return false, row[:w]
		case 16:
			for i := range w {
				out[i] = row[2*i]
			}
		default:
			unpack(out[:w], row, h.depth, 255/(1<<h.depth-1))
		}
		return false, out[:w]
	case typeGrayAlpha:
		for i := range w {
			out[i] = row[2*size*i]
		}
		return false, out[:w]
	}
	if h.colors == typeRGB && size == 1 {
		return true, row[:3*w]
	}
	step := size * h.colors.samples()
	for i := range w {
		p, q := row[i*step:], out[3*i:3*i+3]
		q[0], q[1], q[2] = p[0], p[size], p[2*size]
	}
	return true, out
}

// unpack takes samples of 1, 2 or 4 bits apart, times scale.
func unpack(out, row []byte, depth, scale int) {
	per, mask := 8/depth, 1<<depth-1
	for i := range out {
		shift := 8 - depth*(i%per+1)
		out[i] = uint8(int(row[i/per]) >> shift & mask * scale)
	}
}
