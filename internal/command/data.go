package command

import (
	"cmp"
	"io"
	"slices"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

type dataCmd struct {
	Dir       string   `arg:"" optional:"" placeholder:"DIR" help:"A folder or file with images and their classes, as --data takes it. Default: the built-in Fashion-MNIST subset."`
	Task      string   `default:"auto" enum:"auto,classify,detect" help:"What the set is for: its classes (classify) or the boxes around objects (detect); auto takes what is there."`
	Layout    string   `default:"" enum:",coco,voc,yolo,csv" help:"Of a set with boxes: the layout of its labels, where there are several that differ."`
	Images    string   `placeholder:"DIR" help:"Of a set with boxes: the folder with the images, where they do not lie with the labels."`
	Files     bool     `help:"Compare files as they are, without decoding them: that is faster, and finds neither broken images nor near duplicates."`
	Grid      string   `placeholder:"FILE" help:"Draw some images of every class into a PNG file."`
	Augmented string   `placeholder:"FILE" help:"Draw images as training sees them, changed by the recipe, into a PNG file."`
	Recipe    string   `default:"finetune" placeholder:"NAME|FILE" help:"The recipe of --augmented: small, mixnet, finetune, transfer, or a TOML file. Default: ${default}."`
	Set       []string `placeholder:"KEY=VALUE" sep:"none" help:"Change a setting of the recipe, such as augment.flip=0. May be repeated."`
	Size      int      `placeholder:"PX" help:"Size of the images of --augmented. Default: the images' own, 224 at most."`
	Seed      uint64   `default:"0" placeholder:"N" help:"Seed of what is drawn. Default: ${default}."`
	JSON      bool     `name:"json" help:"Print JSON, with all that was found."`
}

// dataReport is what is found, in JSON. Parts of the whole are fractions.
type dataReport struct {
	Data string `json:"data"`
	data.Summary
	Decoded bool `json:"decoded"`
	// Sizes of the images that can be read; nil if there are none.
	Sizes         *sizeReport       `json:"sizes"`
	Broken        []brokenResult    `json:"broken"`
	BrokenPart    float64           `json:"broken_part"`
	Duplicates    []duplicateResult `json:"duplicates"`
	DuplicatePart float64           `json:"duplicate_part"` // of the images that another is the same as
	Leaked        int               `json:"leaked"`         // images not of train that train has too
}

type brokenResult struct {
	Part  string `json:"part"`
	Name  string `json:"name"`
	Error string `json:"error"`
}

type duplicateResult struct {
	Leak bool `json:"leak"` // some are trained on, others are not
	data.Duplicates
}

// sizeReport is about the sizes of images in pixels.
type sizeReport struct {
	Width  spread `json:"width"`
	Height spread `json:"height"`
	Aspect spread `json:"aspect"` // width over height
}

type spread struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// spreadOf returns the spread of values, of which there is one at least.
func spreadOf[T cmp.Ordered](values []T, number func(T) float64) spread {
	s := slices.Sorted(slices.Values(values))
	return spread{number(s[0]), number(s[len(s)/2]), number(s[len(s)-1])}
}

func (c *dataCmd) Run(e *env) error {
	if c.Size < 0 {
		return usagef("--size %d: at least 1", c.Size)
	}
	for _, file := range []string{c.Grid, c.Augmented} {
		if file != "" && !hasExtension(file, ".png") {
			return usagef("%s: want a name that ends in .png", file)
		}
	}
	boxed, err := c.boxed()
	if err != nil {
		return err
	}
	if boxed {
		return c.runObjects(e)
	}
	splits, err := e.openData(c.Dir)
	if err != nil {
		return err
	}
	checked, err := e.check(splits.Parts(), data.CheckOptions{Decode: !c.Files})
	if err != nil {
		return err
	}
	for _, sheet := range []struct {
		file string
		draw func(*env, *data.Splits) (pngWriter, error)
	}{{c.Grid, c.grid}, {c.Augmented, c.augmented}} {
		if sheet.file == "" {
			continue
		}
		s, err := sheet.draw(e, splits)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(sheet.file, func(w io.Writer) error { return s.WritePNG(w) }); err != nil {
			return err
		}
	}
	r := c.report(splits, checked)
	if c.JSON {
		return e.json(r)
	}
	return r.print(e)
}

// pngWriter is something drawn.
type pngWriter interface{ WritePNG(io.Writer) error }

// check looks at all images, showing progress.
func (e *env) check(parts []data.Part, o data.CheckOptions) (*data.Report, error) {
	total := 0
	for _, p := range parts {
		total += p.Set.Len()
	}
	bar := e.newProgress("looking at images", "images", int64(total))
	defer bar.done()
	o.Workers = e.cores()
	o.Progress = func(done, _ int) { bar.update(int64(done), "") }
	return data.Check(e.ctx, parts, o)
}

// report gathers what is found.
func (c *dataCmd) report(s *data.Splits, found *data.Report) *dataReport {
	r := &dataReport{Data: source(c.Dir), Summary: s.Summary(), Decoded: !c.Files, Broken: []brokenResult{}, Duplicates: []duplicateResult{}}
	if len(found.Widths) > 0 {
		aspects := make([]float64, len(found.Widths))
		for i, w := range found.Widths {
			aspects[i] = float64(w) / float64(found.Heights[i])
		}
		number := func(v int) float64 { return float64(v) }
		r.Sizes = &sizeReport{spreadOf(found.Widths, number), spreadOf(found.Heights, number), spreadOf(aspects, func(v float64) float64 { return v })}
	}
	for _, b := range found.Broken {
		r.Broken = append(r.Broken, brokenResult{b.Part, b.Name, b.Err.Error()})
	}
	duplicates := 0
	for _, d := range found.Duplicates {
		r.Duplicates = append(r.Duplicates, duplicateResult{d.Leak(), d})
		if d.Exact {
			duplicates += len(d.Members)
		}
	}
	for _, d := range found.Leaks() {
		for _, m := range d.Members {
			if m.Part != s.Parts()[0].Name {
				r.Leaked++
			}
		}
	}
	if found.Images > 0 {
		r.BrokenPart = float64(len(r.Broken)) / float64(found.Images)
		r.DuplicatePart = float64(duplicates) / float64(found.Images)
	}
	return r
}
