package pack

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/vision"
)

// packed is a picture as it is written.
type packed struct {
	file      []byte
	extension string
	resized   bool
	err       error
}

// packer makes pictures; it serves one goroutine.
type packer struct {
	sample  data.Sample
	decoder vision.Decoder
	resizer vision.Resizer
	whole   vision.Image
	small   vision.Image
}

// extensions are how the names of files of a format end.
var extensions = map[vision.Format]string{
	vision.JPEG: ".jpg", vision.PNG: ".png", vision.GIF: ".gif", vision.WebP: ".webp",
	vision.BMP: ".bmp", vision.TIFF: ".tif", vision.PNM: ".ppm",
}

// pack makes p the picture of an example.
func (k *packer) pack(p *packed, d data.Dataset, example int, o *Options) error {
	p.resized = false
	if err := d.Read(example, &k.sample); err != nil {
		return err
	}
	if m := k.sample.Pixels; m != nil {
		return k.encode(p, m, o)
	}
	info, err := k.decoder.Inspect(k.sample.File)
	if err != nil {
		return err
	}
	if o.Short == 0 || min(info.W, info.H) <= o.Short {
		p.file, p.extension = append(p.file[:0], k.sample.File...), extensions[info.Format]
		return nil
	}
	if err := k.decoder.Decode(&k.whole, k.sample.File, 3); err != nil {
		return err
	}
	return k.encode(p, &k.whole, o)
}

// encode makes p a file of m: JPEG if m is made smaller, else PNG, which loses
// nothing.
func (k *packer) encode(p *packed, m *vision.Image, o *Options) error {
	out := bytes.NewBuffer(p.file[:0])
	defer func() { p.file = out.Bytes() }()
	side := min(m.W, m.H)
	if o.Short == 0 || side <= o.Short {
		p.extension = extensions[vision.PNG]
		return png.Encode(out, toImage(m))
	}
	scaled := func(n int) int { return (n*o.Short + side/2) / side }
	if err := k.resizer.Resize(&k.small, m, scaled(m.W), scaled(m.H), input.Bicubic); err != nil {
		return err
	}
	p.extension, p.resized = extensions[vision.JPEG], true
	return jpeg.Encode(out, toImage(&k.small), &jpeg.Options{Quality: o.Quality})
}

// toImage is m for encoders, which are fast for the standard library's types.
func toImage(m *vision.Image) image.Image {
	if m.C == 1 {
		return &image.Gray{Pix: m.Pix, Stride: m.W, Rect: image.Rect(0, 0, m.W, m.H)}
	}
	out := image.NewRGBA(image.Rect(0, 0, m.W, m.H))
	for i := range m.W * m.H {
		copy(out.Pix[4*i:4*i+3], m.Pix[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	return out
}
