package vision

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"github.com/mixnet-go/mixnet/vision/internal/jpeg"
)

// DefaultMaxPixels is the size of picture that a [Decoder] refuses to exceed
// unless told otherwise.
const DefaultMaxPixels = 100_000_000

// maxFileBytes bounds what is read of a stream.
const maxFileBytes = 1 << 30

// Decoder turns picture files into images: JPEG (baseline, progressive, grey,
// CMYK, YCCK), PNG, WebP, BMP and the first frame of a GIF, whatever the
// file's name says. It turns them upright by their EXIF orientation and
// converts them as [FromImage] does. The zero value is ready; it keeps its
// buffers, and serves one goroutine at a time.
type Decoder struct {
	// MaxPixels is the largest width times height that is decoded, checked in
	// the header before memory is taken; 0 means DefaultMaxPixels.
	MaxPixels int64
	// IgnoreOrientation leaves the picture as it is stored.
	IgnoreOrientation bool

	jpeg        jpeg.Decoder
	whole, part Image
}

// Decode decodes a picture file to RGB with the default limits.
func Decode(data []byte) (*Image, error) {
	var d Decoder
	dst := new(Image)
	if err := d.Decode(dst, data, 3); err != nil {
		return nil, err
	}
	return dst, nil
}

// DecodeReader is [Decode] of all that r holds.
func DecodeReader(r io.Reader) (*Image, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read image: %w", err)
	}
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("%w: the file has more than %d bytes", ErrTooLarge, maxFileBytes)
	}
	return Decode(data)
}

// Decode decodes a picture file into dst, reusing its memory, with 3 channels
// (RGB) or 1 (grey).
func (d *Decoder) Decode(dst *Image, data []byte, channels int) error {
	info, err := d.Inspect(data)
	if err != nil {
		return err
	}
	return d.Region(dst, data, info, image.Rect(0, 0, info.W, info.H), channels)
}

// Inspect is the package's [Inspect] under the decoder's settings: it fails
// for a picture over the limit.
func (d *Decoder) Inspect(data []byte) (Info, error) {
	info, err := Inspect(data)
	if err != nil {
		return Info{}, err
	}
	limit := d.MaxPixels
	if limit <= 0 {
		limit = DefaultMaxPixels
	}
	if int64(info.W) > limit/int64(info.H) {
		return Info{}, fmt.Errorf("%s: %w: %d×%d pixels, the limit is %d in all", info.Format, ErrTooLarge, info.W, info.H, limit)
	}
	if d.IgnoreOrientation {
		if info.Orientation.swaps() {
			info.W, info.H = info.H, info.W
		}
		info.Orientation = Upright
	}
	return info, nil
}

// Region decodes the part of the upright picture inside r, which costs less
// than all of it for a JPEG; info is what [Decoder.Inspect] said of data.
func (d *Decoder) Region(dst *Image, data []byte, info Info, r image.Rectangle, channels int) error {
	if r.Empty() || !r.In(image.Rect(0, 0, info.W, info.H)) {
		return fmt.Errorf("%w: region %v of a %d×%d image", ErrImage, r, info.W, info.H)
	}
	w, h := info.W, info.H
	if info.Orientation.swaps() {
		w, h = h, w
	}
	stored := info.Orientation.stored(r, w, h)
	target := dst
	if info.Orientation != Upright {
		target = &d.part
	}
	if err := d.stored(target, data, info.Format, w, h, stored, channels); err != nil {
		return err
	}
	if info.Orientation != Upright {
		info.Orientation.orient(dst, target)
	}
	return nil
}

// stored decodes the part of the w×h picture inside r as it is stored.
func (d *Decoder) stored(dst *Image, data []byte, f Format, w, h int, r image.Rectangle, channels int) error {
	if f == JPEG {
		pix, err := d.jpeg.Decode(dst.Pix, data, r, channels)
		if err != nil {
			return decodeError(f, err)
		}
		*dst = Image{W: r.Dx(), H: r.Dy(), C: channels, Pix: pix}
		return nil
	}
	whole := r.Dx() == w && r.Dy() == h
	target := dst
	if !whole {
		target = &d.whole
	}
	if err := decodeStored(target, data, f, w, h, channels); err != nil {
		return decodeError(f, err)
	}
	if target.W != w || target.H != h {
		return fmt.Errorf("%s: %w: the header says %d×%d, the picture is %d×%d", f, ErrCorrupt, w, h, target.W, target.H)
	}
	if !whole {
		dst.reset(r.Dx(), r.Dy(), channels)
		copyRegion(dst, target, r)
	}
	return nil
}

// decodeStored decodes all of the w×h picture as it is stored.
func decodeStored(dst *Image, data []byte, f Format, w, h, channels int) error {
	var img image.Image
	var err error
	r := bytes.NewReader(data)
	switch f {
	case GIF:
		return decodeGIF(dst, data, channels)
	case PNG:
		// Deflate shrinks by at most 1032; a sample takes at least a bit.
		if int64(w)*int64(h)/8/1032 > int64(len(data)) {
			return ErrTruncated
		}
		img, err = png.Decode(r)
	case WebP:
		if img, err = webp.Decode(r); err == nil {
			switch m := img.(type) {
			case *image.YCbCr:
				convertVP8(dst, m, channels)
				return nil
			case *image.NYCbCrA:
				convertVP8(dst, &m.YCbCr, channels)
				return nil
			}
		}
	default:
		if int64(w)*int64(h)/8 > int64(len(data)) {
			return ErrTruncated // a pixel takes at least a bit
		}
		img, err = bmp.Decode(r)
	}
	if err != nil {
		return err
	}
	return convert(dst, img, channels)
}
