package command

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/vision"
)

// boxWriter writes what was found in an image: drawn, cut out and as labels.
type boxWriter struct {
	draw, crops, yolo string // folders, "" for none
	font              *opentype.Font
	decoder           vision.Decoder
}

func newBoxWriter(c *detectCmd, classes []string) (*boxWriter, error) {
	w := &boxWriter{draw: c.Draw, crops: c.Crops, yolo: c.YOLO}
	for flag, dir := range map[string]string{"--draw": c.Draw, "--crops": c.Crops, "--yolo": c.YOLO} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
	}
	if c.YOLO != "" {
		if err := nameClasses(filepath.Join(c.YOLO, "classes.txt"), classes); err != nil {
			return nil, fmt.Errorf("--yolo: %w", err)
		}
	}
	var err error
	w.font, err = opentype.Parse(goregular.TTF)
	return w, err
}

// nameClasses writes the names of classes into a file, unless they are there.
func nameClasses(path string, classes []string) error {
	text := strings.Join(classes, "\n") + "\n"
	there, err := os.ReadFile(path)
	switch {
	case err == nil && string(there) != text:
		return fmt.Errorf("%s names other classes: give another folder", path)
	case err == nil:
		return nil
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// write writes what is wanted of an image.
func (w *boxWriter) write(r *detection, content []byte) error {
	stem := strings.TrimSuffix(filepath.Base(r.Image), filepath.Ext(r.Image))
	if r.Image == "-" {
		stem = "stdin"
	}
	if w.yolo != "" {
		if err := w.label(filepath.Join(w.yolo, stem+".txt"), r.Found); err != nil {
			return fmt.Errorf("--yolo: %w", err)
		}
	}
	if w.draw == "" && w.crops == "" {
		return nil
	}
	var upright vision.Image
	if err := w.decoder.Decode(&upright, content, 3); err != nil {
		return err
	}
	img := image.NewRGBA(upright.Bounds())
	draw.Draw(img, img.Bounds(), &upright, image.Point{}, draw.Src)
	ext, encode := encoder(content)
	var err error
	if w.crops != "" {
		if r.Crops, err = w.cut(r.Found, img, stem, ext, encode); err != nil {
			return fmt.Errorf("--crops: %w", err)
		}
	}
	if w.draw == "" {
		return nil
	}
	if err := w.boxes(img, r.Found); err != nil {
		return err
	}
	r.Drawn, err = newFile(w.draw, stem, ext, func(f io.Writer) error { return encode(f, img) })
	if err != nil {
		err = fmt.Errorf("--draw: %w", err)
	}
	return err
}

// encoder returns how a picture is written: JPEG where it came as that, else PNG.
func encoder(content []byte) (ext string, encode func(io.Writer, image.Image) error) {
	if format, err := vision.Sniff(content); err == nil && format == vision.JPEG {
		return ".jpg", func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 92}) }
	}
	return ".png", png.Encode
}

// upright returns the place of an object in the upright image.
func upright(f *mixnet.Found, o mixnet.Object) vision.Box {
	return f.Orientation.UprightBox(vision.Box{X0: o.X1, Y0: o.Y1, X1: o.X2, Y1: o.Y2}, f.Width, f.Height)
}

// pixels returns the pixels that a box covers, at least one.
func pixels(b vision.Box, within image.Rectangle) image.Rectangle {
	r := image.Rect(int(b.X0), int(b.Y0), int(b.X1+0.999), int(b.Y1+0.999))
	r.Max = image.Pt(max(r.Max.X, r.Min.X+1), max(r.Max.Y, r.Min.Y+1))
	return r.Intersect(within)
}

// cut writes every object into a folder of its class.
func (w *boxWriter) cut(f *mixnet.Found, img *image.RGBA, stem, ext string, encode func(io.Writer, image.Image) error) ([]string, error) {
	files := []string{}
	for i, o := range f.Objects {
		dir := filepath.Join(w.crops, strings.Map(func(r rune) rune {
			if r == '/' || r == '\\' || r < ' ' {
				return '_'
			}
			return r
		}, o.Label))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return files, err
		}
		part := img.SubImage(pixels(upright(f, o), img.Bounds()))
		path, err := newFile(dir, fmt.Sprintf("%s-%d", stem, i+1), ext, func(out io.Writer) error { return encode(out, part) })
		if err != nil {
			return files, err
		}
		files = append(files, path)
	}
	return files, nil
}

// label writes a label file: class, center and size as parts of the upright
// image, which is what programs that read such files look at.
func (w *boxWriter) label(path string, f *mixnet.Found) error {
	width, height := f.Width, f.Height
	if f.Orientation >= 5 {
		width, height = height, width
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: give another folder", path)
	} else if err != nil {
		return err
	}
	for _, o := range f.Objects {
		b := upright(f, o)
		_, failed := fmt.Fprintf(file, "%d %.6f %.6f %.6f %.6f\n", o.Class,
			(b.X0+b.X1)/2/float64(width), (b.Y0+b.Y1)/2/float64(height), (b.X1-b.X0)/float64(width), (b.Y1-b.Y0)/float64(height))
		if err == nil {
			err = failed
		}
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// boxColors are told apart by most eyes, and white or black text on them read.
var boxColors = []color.RGBA{
	{0xd6, 0x27, 0x28, 0xff},
	{0x1f, 0x77, 0xb4, 0xff},
	{0x2c, 0x8a, 0x2c, 0xff},
	{0xd9, 0x6f, 0x0e, 0xff},
	{0x8e, 0x5b, 0xb5, 0xff},
	{0x8c, 0x56, 0x4b, 0xff},
	{0xc9, 0x4f, 0x9e, 0xff},
	{0x00, 0x8b, 0x8b, 0xff},
	{0x70, 0x70, 0x10, 0xff},
	{0x40, 0x50, 0xa0, 0xff},
}

// boxes draws every object, the surest on top.
func (w *boxWriter) boxes(img *image.RGBA, f *mixnet.Found) error {
	side := max(img.Rect.Dx(), img.Rect.Dy())
	width := max(2, side/350)
	face, err := opentype.NewFace(w.font, &opentype.FaceOptions{Size: float64(max(12, side/45)), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return err
	}
	defer face.Close()
	for i := len(f.Objects) - 1; i >= 0; i-- {
		o := f.Objects[i]
		c := image.NewUniform(boxColors[o.Class%len(boxColors)])
		r := pixels(upright(f, o), img.Rect)
		frame(img, r, c, width)
		label(img, face, c, r, fmt.Sprintf("%s %.2f", o.Label, o.Score))
	}
	return nil
}

// label writes text above a box, or inside where there is no room.
func label(img *image.RGBA, face font.Face, c image.Image, box image.Rectangle, text string) {
	const pad = 3
	m := face.Metrics()
	w, h := font.MeasureString(face, text).Ceil()+2*pad, (m.Ascent+m.Descent).Ceil()+pad
	at := image.Pt(box.Min.X, box.Min.Y-h)
	if at.Y < 0 {
		at.Y = box.Min.Y
	}
	at.X = max(0, min(at.X, img.Rect.Dx()-w))
	draw.Draw(img, image.Rectangle{at, at.Add(image.Pt(w, h))}.Intersect(img.Rect), c, image.Point{}, draw.Src)
	d := font.Drawer{Dst: img, Src: image.White, Face: face, Dot: fixed.P(at.X+pad, at.Y+pad/2+m.Ascent.Ceil())}
	d.DrawString(text)
}
