package vision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/vision/internal/bmp"
	"github.com/mixnet-go/mixnet/vision/internal/codec"
	"github.com/mixnet-go/mixnet/vision/internal/png"
	"github.com/mixnet-go/mixnet/vision/internal/pnm"
	"github.com/mixnet-go/mixnet/vision/internal/tiff"
	"github.com/mixnet-go/mixnet/vision/internal/webp"
)

// Format is the encoding of a picture file, told from its first bytes.
type Format string

// The formats that [Decode] reads.
const (
	JPEG Format = "jpeg"
	PNG  Format = "png"
	GIF  Format = "gif"
	WebP Format = "webp"
	BMP  Format = "bmp"
	TIFF Format = "tiff"
	PNM  Format = "pnm" // PBM, PGM and PPM
)

// Extensions returns how the names of picture files end, in lower case with
// their dots: those that [IsPicture] knows.
func Extensions() []string {
	return []string{
		".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib",
		".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm",
	}
}

// IsPicture says whether a file's name ends as those of pictures that can be
// read do, in upper or lower case. What the file is, its content says: see
// [Sniff].
func IsPicture(name string) bool {
	return slices.Contains(Extensions(), strings.ToLower(path.Ext(name)))
}

// Errors of a picture file; every error of a decode wraps one of them, or
// [ErrImage], or is that of the [Decoder]'s context.
var (
	// ErrFormat says that the bytes are no picture, or one of a kind that is
	// not read.
	ErrFormat = codec.ErrFormat
	// ErrTruncated says that the file ends too early.
	ErrTruncated = codec.ErrTruncated
	// ErrCorrupt says that the file contradicts its format.
	ErrCorrupt = codec.ErrCorrupt
	// ErrTooLarge says that the picture has more pixels, or takes more memory
	// or work to decode, than the limit.
	ErrTooLarge = codec.ErrTooLarge
)

// Sniff returns the format of a file that begins with head (12 bytes are
// enough), whatever its name.
func Sniff(head []byte) (Format, error) {
	begins := func(magic string) bool { return strings.HasPrefix(string(head[:min(len(head), 12)]), magic) }
	switch {
	case len(head) == 0:
		return "", fmt.Errorf("%w: it is empty", ErrTruncated)
	case begins("\xff\xd8"):
		return JPEG, nil
	case begins(png.Magic):
		return PNG, nil
	case begins("GIF87a"), begins("GIF89a"):
		return GIF, nil
	case webp.Sniff(head):
		return WebP, nil
	case begins(bmp.Magic):
		return BMP, nil
	case tiff.Sniff(head):
		return TIFF, nil
	case pnm.Sniff(head):
		return PNM, nil
	}
	return "", fmt.Errorf("%w: a file that begins with %q is no JPEG, PNG, WebP, BMP, GIF, TIFF or PNM", ErrFormat, head[:min(len(head), 8)])
}

// Info is what the header of a picture file says.
type Info struct {
	Format Format
	// W and H are the size of the upright picture: after Orientation.
	W, H int
	// Orientation is how the stored picture must be turned.
	Orientation Orientation
}

// Inspect reads the header of a picture file, without decoding it and without
// any limit on its size.
func Inspect(data []byte) (Info, error) {
	f, err := Sniff(data)
	if err != nil {
		return Info{}, err
	}
	info := Info{Format: f, Orientation: Upright}
	switch f {
	case JPEG:
		info.W, info.H, info.Orientation, err = inspectJPEG(data)
	case PNG:
		var h png.Header
		var exif []byte
		h, exif, err = png.Inspect(data)
		info.W, info.H, info.Orientation = h.W, h.H, orientationTIFF(exif)
	case WebP:
		var h webp.Header
		h, err = webp.Inspect(data)
		info.W, info.H, info.Orientation = h.W, h.H, orientationTIFF(h.EXIF)
	case GIF:
		info.W, info.H, err = inspectGIF(data)
	case BMP:
		var h *bmp.Header
		if h, err = bmp.Inspect(data); err == nil {
			info.W, info.H = h.W, h.H
		}
	case TIFF:
		var h tiff.Header
		h, err = tiff.Inspect(data)
		info.W, info.H, info.Orientation = h.W, h.H, orientationTIFF(data)
	case PNM:
		var h pnm.Header
		h, err = pnm.Inspect(data)
		info.W, info.H = h.W, h.H
	}
	if err == nil && (info.W < 1 || info.H < 1) {
		err = fmt.Errorf("%w: size %d×%d", ErrCorrupt, info.W, info.H)
	}
	if err != nil {
		return Info{}, decodeError(f, err)
	}
	if info.Orientation.swaps() {
		info.W, info.H = info.H, info.W
	}
	return info, nil
}

// decodeError names the format and makes the complaints of other packages wrap
// one of ours.
func decodeError(f Format, err error) error {
	for _, ours := range []error{ErrTruncated, ErrCorrupt, ErrFormat, ErrTooLarge, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ours) {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: %w", f, ErrTruncated)
	}
	return fmt.Errorf("%s: %w: %w", f, ErrCorrupt, err)
}
