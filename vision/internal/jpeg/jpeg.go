// Package jpeg decodes JPEG files to the bit as libjpeg does with its default
// settings (accurate integer inverse DCT, triangle-filtered chroma, 16-bit
// fixed-point colour), which is what Pillow, and so most training pipelines,
// see. It can decode a part of a picture at less than the cost of the whole.
//
// Baseline, extended sequential and progressive Huffman coding with 8 bits a
// sample are read, with 1, 3 or 4 components.
package jpeg

import (
	"image"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// Decoder decodes one file after the other with the same buffers. The zero
// value is ready. It serves one goroutine at a time.
type Decoder struct {
	frame
	quant   [4][64]uint16 // in zigzag order
	dc, ac  [4]huffman
	restart int  // MCUs between restart markers, 0 for none
	jfif    bool // there was a JFIF marker
	adobe   int  // transform of the Adobe marker, -1 without one
	scans   int
	visits  int // blocks that scans went over
	limits  codec.Limits

	entropy entropy
	output
}

// keep is the memory for coefficients and planes, and that for entropy-coded
// bytes, that may outlive a decode.
const keep = 64 << 20

// Decode decodes the part of a JPEG file inside region, in the coordinates of
// the stored picture, to rows of channels 3 (RGB) or 1 (gray) samples. They are
// in buf's memory if it is large enough.
func (d *Decoder) Decode(buf []uint8, data []byte, region image.Rectangle, channels int, limits codec.Limits) ([]uint8, error) {
	d.limits = limits
	defer d.trim()
	if err := d.decode(data, region); err != nil {
		return nil, err
	}
	buf = resized(buf, region.Dx()*region.Dy()*channels)
	d.write(buf, channels)
	return buf, nil
}

// trim lets go of large buffers, which few files need.
func (d *Decoder) trim() {
	for i := range d.comps {
		c := &d.comps[i]
		if cap(c.coef)*2+cap(c.plane) > keep/len(d.comps) {
			c.coef, c.plane = nil, nil
		}
	}
	if cap(d.entropy.clean) > keep {
		d.entropy.clean = nil
	}
	d.limits = codec.Limits{}
}

// decode fills the planes.
func (d *Decoder) decode(data []byte, region image.Rectangle) error {
	d.reset()
	p := parser{rest: data}
	for {
		marker, body, err := p.next()
		if err != nil {
			return err
		}
		switch marker {
		case markerSOF0, markerSOF1, markerSOF2:
			if d.comp != nil {
				return codec.Corrupt("a second frame header")
			}
			if err := d.readFrame(body, marker == markerSOF2); err != nil {
				return err
			}
			if err := d.prepare(region, len(data)); err != nil {
				return err
			}
		case markerDHT:
			err = d.readHuffman(body)
		case markerDQT:
			err = d.readQuant(body)
		case markerDRI:
			if len(body) != 2 {
				return codec.Corrupt("restart interval of %d bytes", len(body))
			}
			d.restart = int(body[0])<<8 | int(body[1])
		case markerAPP0:
			d.jfif = d.jfif || len(body) >= 5 && string(body[:5]) == "JFIF\x00"
		case markerAPP14:
			if len(body) >= 12 && string(body[:5]) == "Adobe" {
				d.adobe = int(body[11])
			}
		case markerSOS:
			var whole bool
			if whole, err = d.readScan(body, &p); err == nil && whole {
				return nil
			}
		case markerEOI:
			return d.reconstruct()
		default:
			if marker >= markerSOF3 && marker <= markerSOF15 {
				return codec.Unsupported("process SOF%d", marker-markerSOF0)
			}
		}
		if err != nil {
			return err
		}
	}
}

// reset forgets what the last file said, but keeps its tables, which the next
// is likely to repeat, and its buffers.
func (d *Decoder) reset() {
	d.comp = nil
	d.restart, d.jfif, d.adobe, d.scans, d.visits = 0, false, -1, 0, 0
	d.quant = [4][64]uint16{}
	for i := range 4 {
		d.dc[i].defined, d.ac[i].defined = false, false
	}
}

// reconstruct fills the planes of a picture whose coefficients came in several
// scans.
func (d *Decoder) reconstruct() error {
	if d.comp == nil {
		return codec.Corrupt("no frame header")
	}
	for i := range d.comp {
		c := &d.comp[i]
		if !c.seen {
			return codec.Corrupt("no scan for component %d", c.id)
		}
		c.reconstruct(d.progressive)
	}
	return nil
}
