package command

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/vision"
)

// How many training pictures are drawn, and how many stand in a row of a sheet.
const (
	drawnPictures = 24
	sheetColumns  = 6
)

// rehearsal is what a dry run finds, in JSON.
type rehearsal struct {
	objectSummary
	Network string   `json:"network"`
	Data    string   `json:"data"`
	Images  int      `json:"images"`
	Epochs  int      `json:"epochs"`
	Drawn   []string `json:"drawn"`
}

// rehearse says what would be trained, and draws what it would be trained on.
func (c *trainCmd) rehearse(e *env) error {
	r, err := c.plan(e)
	if err != nil {
		return err
	}
	var files []string
	if c.Draw != "" {
		if files, err = c.drawTraining(e, r); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.json(rehearsal{
			objectSummary: c.objectSummary(e, r), Network: r.model.Network, Data: r.set.source, Images: r.set.Fit.Len(), Epochs: r.recipe.Epochs, Drawn: append([]string{}, files...),
		})
	}
	c.introduceObjects(e, r)
	for _, f := range files {
		e.printf("%s\n", f)
	}
	return nil
}

// drawTraining draws training pictures, as augmented, with their boxes: into
// files of a folder, or on one sheet.
func (c *trainCmd) drawTraining(e *env, r *run) ([]string, error) {
	font, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	n := min(drawnPictures, r.set.Fit.Len())
	var drawn []*image.RGBA
	for i := range n {
		if err := e.ctx.Err(); err != nil {
			return nil, err
		}
		img, err := r.augmented(i*r.set.Fit.Len()/n, uint64(i), font)
		if err != nil {
			e.warn("%v", err)
			continue
		}
		drawn = append(drawn, img)
	}
	if strings.EqualFold(filepath.Ext(c.Draw), ".png") {
		return []string{c.Draw}, atomicfile.Write(c.Draw, func(w io.Writer) error { return png.Encode(w, sheetOf(drawn)) })
	}
	if err := os.MkdirAll(c.Draw, 0o777); err != nil {
		return nil, fmt.Errorf("--draw: %w", err)
	}
	var files []string
	for i, img := range drawn {
		file, err := newFile(c.Draw, fmt.Sprintf("training-%02d", i+1), ".png", func(w io.Writer) error { return png.Encode(w, img) })
		if err != nil {
			return files, fmt.Errorf("--draw: %w", err)
		}
		files = append(files, file)
	}
	return files, nil
}

// augmented draws a training picture as the network would see it.
func (r *run) augmented(i int, seed uint64, f *opentype.Font) (*image.RGBA, error) {
	a, err := vision.NewAugmentation(r.recipe.Augment)
	if err != nil {
		return nil, err
	}
	p, err := vision.NewProcessor(r.model.Preprocess())
	if err != nil {
		return nil, err
	}
	var s data.Sample
	if err := r.set.Fit.Read(i, &s); err != nil {
		return nil, err
	}
	objects, _ := s.Target.(boxes.Objects)
	a = a.Around(objects.Boxes(nil))
	var out vision.Image
	t, err := p.Augment(&out, s.Picture, &a, rand.New(rand.NewPCG(r.recipe.Seed, seed)))
	if err != nil {
		return nil, err
	}
	const least = 320 // pixels of a side, for labels to be read
	scale := max((least+out.W-1)/out.W, 1)
	img := enlarged(&out, scale)
	return img, drawObjects(img, objects.Under(t).(boxes.Objects), float64(scale), r.set.Fit.Classes(), f)
}

// enlarged returns an image with every pixel as a square.
func enlarged(m *vision.Image, scale int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, m.W*scale, m.H*scale))
	for y := range m.H {
		for x := range m.W {
			c := m.At(x, y)
			draw.Draw(img, image.Rect(x*scale, y*scale, (x+1)*scale, (y+1)*scale), image.NewUniform(c), image.Point{}, draw.Src)
		}
	}
	return img
}

// drawObjects draws boxes with the names of their classes; crowds are marked so.
func drawObjects(img *image.RGBA, objects boxes.Objects, scale float64, classes []string, f *opentype.Font) error {
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: 12, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return err
	}
	defer face.Close()
	for _, o := range objects {
		c := image.NewUniform(boxColors[o.Class%len(boxColors)])
		r := pixels(vision.Box{X0: o.Box.X0 * scale, Y0: o.Box.Y0 * scale, X1: o.Box.X1 * scale, Y1: o.Box.Y1 * scale}, img.Rect)
		frame(img, r, c, 2)
		text := classes[o.Class]
		if o.Crowd {
			text += " (crowd)"
		}
		label(img, face, c, r, text)
	}
	return nil
}

// frame draws the edges of a box.
func frame(img *image.RGBA, r image.Rectangle, c image.Image, width int) {
	for _, edge := range []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, r.Min.Y+width)},
		{image.Pt(r.Min.X, r.Max.Y-width), r.Max},
		{r.Min, image.Pt(r.Min.X+width, r.Max.Y)},
		{image.Pt(r.Max.X-width, r.Min.Y), r.Max},
	} {
		draw.Draw(img, edge.Intersect(r), c, image.Point{}, draw.Src)
	}
}

// sheetOf puts images of one size on a sheet.
func sheetOf(all []*image.RGBA) *image.RGBA {
	const gap = 6
	if len(all) == 0 {
		return image.NewRGBA(image.Rect(0, 0, 1, 1))
	}
	size := all[0].Rect.Size()
	columns := min(sheetColumns, len(all))
	rows := (len(all) + columns - 1) / columns
	sheet := image.NewRGBA(image.Rect(0, 0, columns*(size.X+gap)-gap, rows*(size.Y+gap)-gap))
	draw.Draw(sheet, sheet.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	for i, img := range all {
		at := image.Pt(i%columns*(size.X+gap), i/columns*(size.Y+gap))
		draw.Draw(sheet, image.Rectangle{at, at.Add(size)}, img, image.Point{}, draw.Src)
	}
	return sheet
}
