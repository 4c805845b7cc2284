package command

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/mixnet-go/mixnet/evaluate/coco"
	"github.com/mixnet-go/mixnet/vision"
)

// outcomes are what a drawing says of boxes, and its colors, told apart by most
// eyes.
var outcomes = [...]struct {
	what  string
	color color.RGBA
}{
	coco.Found:  {"found", color.RGBA{0x2c, 0x8a, 0x2c, 0xff}},
	coco.Missed: {"missed", color.RGBA{0xd9, 0x6f, 0x0e, 0xff}},
	coco.False:  {"false", color.RGBA{0xd6, 0x27, 0x28, 0xff}},
	coco.Placed: {"badly placed", color.RGBA{0x8e, 0x5b, 0xb5, 0xff}},
}

// worstDrawing draws the images with most mistakes.
type worstDrawing struct {
	dir        string
	most       int
	score      float64 // least of the detections that are drawn
	categories map[int64]string
	font       *opentype.Font
	read       func(coco.Image) (*vision.Image, error) // upright
}

// drawWorst draws up to most images into a folder and returns the files. Images
// that cannot be read are told; it is an error if none can.
func (e *env) drawWorst(w worstDrawing, set *coco.Set, found []coco.Detection) ([]string, error) {
	all, err := set.Mistakes(found, w.score)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(w.dir, 0o777); err != nil {
		return nil, err
	}
	if w.font, err = opentype.Parse(goregular.TTF); err != nil {
		return nil, err
	}
	w.categories = map[int64]string{}
	for _, c := range set.Categories {
		w.categories[c.ID] = c.Name
	}
	files, failed := []string{}, []error{}
	for i := range all {
		m := &all[i]
		if m.Errors() == 0 || len(files)+len(failed) == w.most {
			break
		}
		if err := e.ctx.Err(); err != nil {
			return files, err
		}
		file, err := w.draw(m)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		files = append(files, file)
	}
	if len(files) == 0 && len(failed) > 0 {
		return nil, fmt.Errorf("none of the images with mistakes can be drawn; the first: %w", failed[0])
	}
	for _, err := range failed[:min(len(failed), 5)] {
		e.note("not drawn: %v\n", err)
	}
	return files, nil
}

// least is the shorter side of a drawing: smaller images are enlarged.
const leastSide = 320

// draw draws an image and what is wrong with its boxes.
func (w *worstDrawing) draw(m *coco.Mistakes) (string, error) {
	picture, err := w.read(m.Image)
	if err != nil {
		return "", err
	}
	scale := max(1, leastSide/min(picture.W, picture.H))
	img := image.NewRGBA(picture.Bounds())
	draw.Draw(img, img.Rect, picture, image.Point{}, draw.Src)
	if scale > 1 {
		img = enlarged(picture, scale)
	}
	face, err := opentype.NewFace(w.font, &opentype.FaceOptions{Size: float64(max(12, max(img.Rect.Dx(), img.Rect.Dy())/50)), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return "", err
	}
	defer face.Close()
	width := max(2, max(img.Rect.Dx(), img.Rect.Dy())/350)
	for _, only := range []bool{true, false} { // mistakes on top
		for _, b := range m.Boxes {
			if (b.Outcome == coco.Found) != only {
				continue
			}
			s := float64(scale)
			r := pixels(vision.Box{X0: max(b.Box.X, 0) * s, Y0: max(b.Box.Y, 0) * s, X1: (b.Box.X + b.Box.W) * s, Y1: (b.Box.Y + b.Box.H) * s}, img.Rect)
			c := image.NewUniform(outcomes[b.Outcome].color)
			frame(img, r, c, width)
			text := w.categories[b.Category]
			if b.Score > 0 {
				text += fmt.Sprintf(" %.2f", b.Score)
			}
			label(img, face, c, r, text)
		}
	}
	base := filepath.Base(m.Name)
	name := strings.TrimSuffix(base, filepath.Ext(base))
	if name == "" || name == "." {
		name = fmt.Sprint(m.ID)
	}
	return newFile(w.dir, name, ".png", func(to io.Writer) error { return png.Encode(to, withLegend(img, m, face)) })
}

// withLegend puts under an image what the colors mean and how many boxes there
// are of each.
func withLegend(img *image.RGBA, m *coco.Mistakes, face font.Face) *image.RGBA {
	counts := map[coco.Outcome]int{}
	for _, b := range m.Boxes {
		counts[b.Outcome]++
	}
	metrics := face.Metrics()
	line := (metrics.Ascent + metrics.Descent).Ceil() + 6
	type entry struct {
		text string
		c    color.RGBA
		at   image.Point
	}
	var entries []entry
	x, y := 6, 3
	for o, what := range outcomes {
		text := fmt.Sprintf("%d %s", counts[coco.Outcome(o)], what.what)
		wide := line + font.MeasureString(face, text).Ceil() + 14
		if x > 6 && x+wide > img.Rect.Dx() {
			x, y = 6, y+line
		}
		entries = append(entries, entry{text, what.color, image.Pt(x, y)})
		x += wide
	}
	h := img.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, img.Rect.Dx(), h+y+line+3))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(out, img.Rect, img, image.Point{}, draw.Src)
	for _, n := range entries {
		at := n.at.Add(image.Pt(0, h))
		draw.Draw(out, image.Rectangle{at.Add(image.Pt(0, 3)), at.Add(image.Pt(line-6, line-3))}, image.NewUniform(n.c), image.Point{}, draw.Src)
		d := font.Drawer{Dst: out, Src: image.Black, Face: face, Dot: fixed.P(at.X+line, at.Y+metrics.Ascent.Ceil()+2)}
		d.DrawString(n.text)
	}
	return out
}

// imageFinder looks for the images of an annotation file: in the folder that is
// named, or in those around the file.
func imageFinder(annotations, images string) func(coco.Image) (*vision.Image, error) {
	beside := filepath.Dir(annotations)
	folders := []string{beside, filepath.Dir(beside)}
	part := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(annotations), filepath.Ext(annotations)), "instances_")
	for _, sub := range []string{part, "images", filepath.Join("images", part)} {
		folders = append(folders, filepath.Join(filepath.Dir(beside), sub), filepath.Join(beside, sub))
	}
	if images != "" {
		folders = []string{images}
	}
	var decoder vision.Decoder
	return func(m coco.Image) (*vision.Image, error) {
		name := filepath.FromSlash(m.Name)
		for _, dir := range folders {
			for _, path := range []string{filepath.Join(dir, name), filepath.Join(dir, filepath.Base(name))} {
				content, err := os.ReadFile(path)
				if errors.Is(err, os.ErrNotExist) || m.Name == "" {
					continue
				}
				if err != nil {
					return nil, err
				}
				return uprightOf(&decoder, content, path, m)
			}
		}
		return nil, fmt.Errorf("image %d, %q: it is not in %s: --images names the folder", m.ID, m.Name, strings.Join(folders, ", "))
	}
}

// uprightOf decodes an image so that it has the size that the annotations say:
// upright, or as it is stored.
func uprightOf(d *vision.Decoder, content []byte, path string, m coco.Image) (*vision.Image, error) {
	for _, stored := range []bool{false, true} {
		d.IgnoreOrientation = stored
		img := new(vision.Image)
		if err := d.Decode(img, content, 3); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if m.Width == 0 || img.W == m.Width && img.H == m.Height {
			return img, nil
		}
	}
	return nil, fmt.Errorf("%s: the image is not of the %d×%d pixels that the annotations say", path, m.Width, m.Height)
}
