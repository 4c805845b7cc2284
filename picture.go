package mixnet

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"strings"

	"github.com/mixnet-go/mixnet/vision"
)

// Picture is one of the pictures of a batch, made by File, Bytes or Image.
type Picture struct {
	path  string
	file  []byte
	image image.Image
}

// File returns the picture in a file, which is read when its turn comes.
func File(path string) Picture { return Picture{path: path} }

// Bytes returns the picture that is the content of a file.
func Bytes(file []byte) Picture { return Picture{file: file} }

// Image returns a picture that is decoded already.
func Image(img image.Image) Picture { return Picture{image: img} }

// limits bound what a picture may cost.
type limits struct {
	pixels, file int64
}

func newLimits(o Options) limits {
	l := limits{pixels: vision.DefaultMaxPixels, file: vision.MaxFileBytes}
	if o.MaxPixels > 0 {
		l.pixels = o.MaxPixels
	}
	if o.MaxFileBytes > 0 {
		l.file = o.MaxFileBytes
	}
	return l
}

// prepare scales and crops a picture to the network's input.
func (c *Classifier) prepare(ctx context.Context, w *worker, dst *vision.Image, p Picture) error {
	src, err := p.load(w.processor, c.limits, new(vision.Image))
	if err == nil {
		_, err = p.fit(ctx, w.processor, dst, src)
	}
	return err
}

// load returns the content of a picture; the pixels of one that is no file are
// converted into memory that may be reused.
func (p Picture) load(v *vision.Processor, l limits, pixels *vision.Image) (src vision.Picture, err error) {
	switch {
	case p.path != "":
		src.File, err = l.read(p.path)
	case p.image != nil:
		src.Pixels = pixels
		err = v.Decoder.Convert(src.Pixels, p.image, v.Preprocess().Channels)
	case p.file != nil:
		src.File = p.file
	default:
		err = errors.New("no picture: neither file nor image")
	}
	return src, err
}

// fit makes the content of a picture the network's input.
func (p Picture) fit(ctx context.Context, v *vision.Processor, dst *vision.Image, src vision.Picture) (vision.Transform, error) {
	v.Decoder.Context = ctx
	defer func() { v.Decoder.Context = nil }()
	t, err := v.Fit(dst, src)
	if err != nil && p.path != "" {
		err = fmt.Errorf("%s: %w", p.path, err)
	}
	return t, err
}

// read returns the content of a file that is not over the limit.
func (l limits) read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, l.file+1))
	if err == nil && int64(len(content)) > l.file {
		err = fmt.Errorf("%s: %w: more than %d bytes", path, vision.ErrTooLarge, l.file)
	}
	return content, err
}

// few lists names for a message.
func few(names []string) string {
	const most = 10
	text := strings.Join(names[:min(len(names), most)], ", ")
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
