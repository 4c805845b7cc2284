package vision

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"io/fs"

	"github.com/mixnet-go/mixnet/vision/internal/bmp"
	"github.com/mixnet-go/mixnet/vision/internal/codec"
	"github.com/mixnet-go/mixnet/vision/internal/jpeg"
	"github.com/mixnet-go/mixnet/vision/internal/png"
	"github.com/mixnet-go/mixnet/vision/internal/pnm"
	"github.com/mixnet-go/mixnet/vision/internal/tiff"
	"github.com/mixnet-go/mixnet/vision/internal/webp"
)

// Limits of a [Decoder], unless told otherwise.
const (
	// DefaultMaxPixels is the largest width times height.
	DefaultMaxPixels = 100_000_000
	// DefaultMaxMemory is the most memory, in bytes.
	DefaultMaxMemory = 800_000_000
)

// MaxFileBytes bounds what [ReadFile] reads.
const MaxFileBytes = 400_000_000

// Decoder turns picture files into images: JPEG (baseline, progressive, gray,
// CMYK, YCCK), PNG, WebP, BMP, TIFF, PNM and the first frame of a GIF, an
// animated WebP or PNG, whatever the file's name says. It turns them upright by
// their EXIF orientation and converts them as [FromImage] does. The zero value
// is ready; it keeps its buffers, and serves one goroutine at a time.
type Decoder struct {
	// MaxPixels is the largest width times height that is decoded, checked in
	// the header before memory is taken; 0 means DefaultMaxPixels.
	MaxPixels int64
	// MaxMemory bounds the bytes that decoding one picture takes, with the
	// result but without the file, estimated from the header; 0 means
	// DefaultMaxMemory, or 8 bytes for each of MaxPixels if that is more. 3 to
	// 15 bytes a pixel are needed: few for PNG and baseline JPEG, many for
	// progressive JPEG and lossless WebP.
	MaxMemory int64
	// Context, unless it is nil, ends the decoding of a picture when it is
	// done; the error wraps its own. It may be set anew for each picture.
	Context context.Context
	// IgnoreOrientation leaves the picture as it is stored.
	IgnoreOrientation bool

	jpeg jpeg.Decoder
	part Image
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
	data, err := ReadFile(r)
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

// ReadFile reads a picture file to its end. It fails early if the first bytes
// are those of no picture, and with [ErrTooLarge] beyond [MaxFileBytes].
func ReadFile(r io.Reader) ([]byte, error) { return readFile(r, MaxFileBytes) }

func readFile(r io.Reader, limit int) ([]byte, error) {
	var buf bytes.Buffer
	if _, err := io.CopyN(&buf, r, 12); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read image: %w", err)
	}
	if _, err := Sniff(buf.Bytes()); err != nil {
		return nil, err
	}
	if f, ok := r.(fs.File); ok {
		if info, err := f.Stat(); err == nil && info.Size() < int64(limit) {
			buf.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	if _, err := io.CopyN(&buf, r, int64(limit)+1-12); err == nil {
		return nil, fmt.Errorf("%w: the file has more than %d bytes", ErrTooLarge, limit)
	} else if err != io.EOF {
		return nil, fmt.Errorf("read image: %w", err)
	}
	return buf.Bytes(), nil
}

// Decode decodes a picture file into dst, reusing its memory, with 3 channels
// (RGB) or 1 (gray).
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
	if err := checkPixels(info.W, info.H, d.MaxPixels); err != nil {
		return Info{}, fmt.Errorf("%s: %w", info.Format, err)
	}
	if d.IgnoreOrientation {
		if info.Orientation.swaps() {
			info.W, info.H = info.H, info.W
		}
		info.Orientation = Upright
	}
	return info, nil
}

// checkPixels reports an error for a picture of more pixels than the limit, 0
// meaning the default.
func checkPixels(w, h int, limit int64) error {
	if limit <= 0 {
		limit = DefaultMaxPixels
	}
	if int64(w) > limit/int64(h) {
		return fmt.Errorf("%w: %d×%d pixels, the limit is %d in all", ErrTooLarge, w, h, limit)
	}
	return nil
}

// Region decodes the part of the upright picture inside r, which costs less
// than all of it for a JPEG; info is what [Decoder.Inspect] said of data.
func (d *Decoder) Region(dst *Image, data []byte, info Info, r image.Rectangle, channels int) error {
	if r.Empty() || !r.In(image.Rect(0, 0, info.W, info.H)) {
		return fmt.Errorf("%w: region %v of a %d×%d image", ErrImage, r, info.W, info.H)
	}
	if err := checkSize(r.Dx(), r.Dy(), channels); err != nil {
		return err
	}
	w, h := info.W, info.H
	if info.Orientation.swaps() {
		w, h = h, w
	}
	part := info.Orientation.stored(r, w, h)
	limits := d.limits()
	target := dst
	if info.Orientation != Upright {
		target = &d.part
		limits.Bytes -= int64(r.Dx()) * int64(r.Dy()) * int64(channels)
		defer d.part.trim()
	}
	pix, err := d.stored(target.Pix, data, info.Format, part, channels, limits)
	if err != nil {
		return decodeError(info.Format, err)
	}
	*target = Image{W: part.Dx(), H: part.Dy(), C: channels, Pix: pix}
	if info.Orientation != Upright {
		info.Orientation.orient(dst, target)
	}
	return nil
}

// limits returns what decoding a picture may cost.
func (d *Decoder) limits() codec.Limits {
	limits := codec.Limits{Bytes: d.MaxMemory}
	if limits.Bytes <= 0 {
		limits.Bytes = max(DefaultMaxMemory, 8*min(d.MaxPixels, 1<<40))
	}
	if d.Context != nil {
		limits.Stop = d.Context.Err
	}
	return limits
}

// stored decodes the part of the picture inside r as it is stored, into buf's
// memory if it is large enough.
func (d *Decoder) stored(buf, data []byte, f Format, r image.Rectangle, channels int, limits codec.Limits) ([]uint8, error) {
	switch f {
	case JPEG:
		return d.jpeg.Decode(buf, data, r, channels, limits)
	case PNG:
		return png.Decode(buf, data, r, channels, limits)
	case WebP:
		return webp.Decode(buf, data, r, channels, limits)
	case GIF:
		return decodeGIF(buf, data, r, channels, limits)
	case BMP:
		return bmp.Decode(buf, data, r, channels, limits)
	case TIFF:
		return tiff.Decode(buf, data, r, channels, limits)
	case PNM:
		return pnm.Decode(buf, data, r, channels, limits)
	}
	return nil, codec.Unsupported("%q", f)
}
