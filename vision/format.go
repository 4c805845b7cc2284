package vision

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"github.com/mixnet-go/mixnet/vision/internal/jpeg"
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
)

// Errors of a picture file; every error of a decode wraps one of them or
// [ErrImage].
var (
	// ErrFormat says that the bytes are no picture, or one of a kind that is
	// not read.
	ErrFormat = errors.New("unknown image format")
	// ErrTruncated says that the file ends too early.
	ErrTruncated = errors.New("image is cut short")
	// ErrCorrupt says that the file contradicts its format.
	ErrCorrupt = errors.New("image is corrupt")
	// ErrTooLarge says that the picture has more pixels than the limit.
	ErrTooLarge = errors.New("image is too large")
)

// Sniff returns the format of a file that begins with head (12 bytes are
// enough), whatever its name.
func Sniff(head []byte) (Format, error) {
	has := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && string(head[at:at+len(magic)]) == magic
	}
	switch {
	case len(head) == 0:
		return "", fmt.Errorf("%w: it is empty", ErrTruncated)
	case has(0, "\xff\xd8"):
		return JPEG, nil
	case has(0, "\x89PNG\r\n\x1a\n"):
		return PNG, nil
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return GIF, nil
	case has(0, "RIFF") && has(8, "WEBP"):
		return WebP, nil
	case has(0, "BM"):
		return BMP, nil
	}
	return "", fmt.Errorf("%w: a file that begins with %q is no JPEG, PNG, WebP, BMP or GIF", ErrFormat, head[:min(len(head), 8)])
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
		info.W, info.H, info.Orientation, err = inspectPNG(data)
	case WebP:
		var c image.Config
		c, err = webp.DecodeConfig(bytes.NewReader(data))
		info.W, info.H = c.Width, c.Height
		info.Orientation = orientationWebP(data)
	case GIF:
		info.W, info.H, err = inspectGIF(data)
	case BMP:
		var c image.Config
		c, err = bmp.DecodeConfig(bytes.NewReader(data))
		info.W, info.H = c.Width, c.Height
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

// decodeError names the format and makes the standard library's complaints
// wrap one of ours.
func decodeError(f Format, err error) error {
	switch {
	case errors.Is(err, ErrTruncated), errors.Is(err, ErrCorrupt), errors.Is(err, ErrFormat), errors.Is(err, ErrTooLarge):
		return fmt.Errorf("%s: %w", f, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, jpeg.ErrTruncated):
		return fmt.Errorf("%s: %w", f, ErrTruncated)
	case errors.Is(err, jpeg.ErrUnsupported):
		return fmt.Errorf("%s: %w: %w", f, ErrFormat, err)
	}
	return fmt.Errorf("%s: %w: %w", f, ErrCorrupt, err)
}

// inspectPNG reads IHDR, and eXIf if it comes before the pixels.
func inspectPNG(data []byte) (w, h int, o Orientation, err error) {
	const header = 8 + 8 + 13
	if len(data) < header {
		return 0, 0, 0, ErrTruncated
	}
	if string(data[12:16]) != "IHDR" {
		return 0, 0, 0, fmt.Errorf("%w: no IHDR", ErrCorrupt)
	}
	width, height := binary.BigEndian.Uint32(data[16:]), binary.BigEndian.Uint32(data[20:])
	if width > 1<<31-1 || height > 1<<31-1 {
		return 0, 0, 0, fmt.Errorf("%w: size %d×%d", ErrCorrupt, width, height)
	}
	o = Upright
	for rest := data[8:]; len(rest) >= 12; {
		n := binary.BigEndian.Uint32(rest)
		kind := string(rest[4:8])
		if kind == "IDAT" || uint64(n)+12 > uint64(len(rest)) {
			break
		}
		if kind == "eXIf" {
			o = orientationTIFF(rest[8 : 8+n])
			break
		}
		rest = rest[12+n:]
	}
	return int(width), int(height), o, nil
}

// orientationWebP reads the EXIF chunk of a RIFF file.
func orientationWebP(data []byte) Orientation {
	if len(data) < 12 {
		return Upright
	}
	for rest := data[12:]; len(rest) >= 8; {
		n := uint64(binary.LittleEndian.Uint32(rest[4:]))
		if 8+n > uint64(len(rest)) {
			break
		}
		if string(rest[:4]) == "EXIF" {
			return orientationTIFF(bytes.TrimPrefix(rest[8:8+n], []byte("Exif\x00\x00")))
		}
		rest = rest[min(8+n+n&1, uint64(len(rest))):]
	}
	return Upright
}
