package command

import (
	"errors"
	"image"
	"image/draw"
	"image/png"
	"io"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// objectData is what is found of a set with boxes, in JSON.
type objectData struct {
	Data string `json:"data"`
	objectSummary
	Decoded       bool              `json:"decoded"`
	Sizes         *sizeReport       `json:"sizes"`
	Broken        []brokenResult    `json:"broken"`
	BrokenPart    float64           `json:"broken_part"`
	Duplicates    []duplicateResult `json:"duplicates"`
	DuplicatePart float64           `json:"duplicate_part"`
	Leaked        int               `json:"leaked"`
}

// boxed reports whether the set is one with boxes. Where it can be read both
// ways, that is an error.
func (c *dataCmd) boxed() (bool, error) {
	o := boxes.Options{Layout: boxes.Layout(c.Layout), Images: c.Images}
	switch {
	case c.Task != "auto":
		return c.Task == taskDetect, nil
	case c.Layout != "" || c.Images != "":
		return true, nil
	case c.Dir == "":
		return false, nil
	}
	layout, boxErr := boxes.Find(c.Dir, o)
	if errors.Is(boxErr, boxes.ErrNone) || errors.Is(boxErr, data.ErrLayout) && !errors.Is(boxErr, data.ErrAmbiguous) {
		return false, nil
	}
	if _, err := data.Open(c.Dir); err != nil {
		return true, nil
	}
	if boxErr != nil {
		return false, nil
	}
	return false, usagef("%s can be read as a set of classes and as %s: say which with --task classify or --task detect", c.Dir, layout)
}

// runObjects describes a set with boxes.
func (c *dataCmd) runObjects(e *env) error {
	if c.Augmented != "" {
		return usagef("--augmented is for sets of classes: %q draws training images with their boxes", e.command("train", "--task", "detect", "--data", c.Dir, "--dry-run", "--draw", c.Augmented))
	}
	splits, set, err := e.openObjects(c.Dir, boxes.Options{Layout: boxes.Layout(c.Layout), Images: c.Images})
	if err != nil {
		return err
	}
	checked, err := e.check(splits.Parts(), data.CheckOptions{Decode: !c.Files})
	if err != nil {
		return err
	}
	if c.Grid != "" {
		sheet, err := objectSheet(splits)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(c.Grid, func(w io.Writer) error { return png.Encode(w, sheet) }); err != nil {
			return err
		}
	}
	r, s := c.report(splits, checked), summarizeObjects(splits.Kind, set, splits.Parts())
	for _, d := range r.Duplicates { // an image with boxes is of no class
		for i := range d.Members {
			d.Members[i].Class = ""
		}
	}
	if c.JSON {
		return e.json(objectData{(&setFlags{Task: taskDetect, Data: c.Dir}).source(), s, r.Decoded, r.Sizes, r.Broken, r.BrokenPart, r.Duplicates, r.DuplicatePart, r.Leaked})
	}
	e.printf("%s, %s\n", s.Layout, plural(len(s.Classes), "class"))
	for _, line := range s.lines() {
		e.printf("%s\n", line)
	}
	e.printf("\n")
	if err := e.table(s.rows()); err != nil {
		return err
	}
	e.printf("\n")
	if z := r.Sizes; z != nil {
		e.printf("width %s; height %s; width over height %s\n", z.Width.text(0), z.Height.text(0), z.Aspect.text(2))
	}
	r.printBroken(e)
	r.printDuplicates(e)
	return nil
}

// gridSide is the side of an image on a sheet, in pixels.
const gridSide = 320

// objectSheet draws images of a set with their boxes.
func objectSheet(s *data.Splits) (*image.RGBA, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	d := s.Parts()[0].Set.(boxes.Labelled)
	n := min(drawnPictures, d.Len())
	var drawn []*image.RGBA
	var sample data.Sample
	for i := range n {
		at := i * d.Len() / n
		if err := d.Read(at, &sample); err != nil {
			continue // it is among the broken
		}
		img := decoded(&sample)
		if img == nil {
			continue
		}
		out := image.NewRGBA(image.Rect(0, 0, gridSide, gridSide))
		scale := float64(gridSide) / float64(max(img.W, img.H))
		small, err := img.Resize(max(int(float64(img.W)*scale), 1), max(int(float64(img.H)*scale), 1), input.Bilinear)
		if err != nil {
			return nil, err
		}
		draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(out, small.Bounds(), small, image.Point{}, draw.Src)
		if err := drawObjects(out, d.Objects(at), scale, d.Classes(), f); err != nil {
			return nil, err
		}
		drawn = append(drawn, out)
	}
	return sheetOf(drawn), nil
}
