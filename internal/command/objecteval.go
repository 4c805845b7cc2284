package command

import (
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/evaluate/coco"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/vision"
)

// evalObjects judges a network that finds objects.
func (c *evalCmd) evalObjects(e *env, m *model.Model) error {
	if len(c.Confusion) > 0 || len(c.Errors) > 0 || c.Mirror || c.Size > 0 || c.CropPct > 0 {
		return usagef("%s finds objects: --confusion, --errors, --mirror, --size and --crop-pct do not go with it", m.Network)
	}
	if c.Shard != "" || c.Output != "" {
		return usagef("%s finds objects: --shard is for networks that classify", m.Network)
	}
	on, err := c.objects(e)
	if err != nil {
		return err
	}
	if on.set, err = matchObjects(on.set, m); err != nil && c.Data == "" && on.run == "" {
		return fmt.Errorf("%s finds objects: in which images? give --data DIR: %w", m.Network, err)
	} else if err != nil {
		return err
	}
	changeMaxBad(&on.maxBad, c.MaxBad)
	o := e.running()
	o.Precision = c.Precision
	j, err := judgeObjects(e, m, on.set, on.maxBad, 0, o)
	if err != nil {
		return err
	}
	out := j.report()
	if c.Draw != "" {
		if out.Drawn, err = c.drawObjectMistakes(e, j, on.set); err != nil {
			return fmt.Errorf("--draw: %w", err)
		}
	}
	out.Run, out.Model, out.Network, out.Data, out.Split, out.TrainedOn = on.run, c.Model, m.Network, on.source, on.part, on.trainedOn
	if c.COCO != "" {
		if err := writeCOCOFiles(c.COCO, j); err != nil {
			return fmt.Errorf("--coco: %w", err)
		}
	}
	if c.JSON {
		if !c.PerClass {
			out.Classes = nil
		}
		return e.json(out)
	}
	for _, s := range out.Skipped {
		e.note("skipped %s\n", s)
	}
	if c.PerClass {
		if err := e.table(cocoClasses(j.result)); err != nil {
			return err
		}
		e.printf("\n")
	}
	e.printf("%s", cocoText(j.result.Summary))
	e.printf("\n%s on %s (%s): %s, %s, %s images/s\n", out.Network, out.Data, out.Split, plural(out.Images, "image"), plural(out.Truths, "object"), formatRate(out.PerSecond))
	e.printf("%s\n", out.line())
	if len(out.Drawn) > 0 {
		e.printf("%s with most mistakes drawn in %s\n", plural(len(out.Drawn), "image"), c.Draw)
	}
	return nil
}

// drawObjectMistakes draws the images with most mistakes.
func (c *evalCmd) drawObjectMistakes(e *env, j *judgedObjects, set data.Dataset) ([]string, error) {
	var s data.Sample
	var d vision.Decoder
	w := worstDrawing{dir: c.Draw, most: c.Worst, score: c.Score, read: func(m coco.Image) (*vision.Image, error) {
		if err := set.Read(int(m.ID-1), &s); err != nil || s.Pixels != nil {
			return s.Pixels, err
		}
		img := new(vision.Image)
		return img, d.Decode(img, s.File, 3)
	}}
	return e.drawWorst(w, j.set, j.found)
}

// objects returns what to judge on: what --data names, else what the model's run
// has held out, else the pictures that come with the command.
func (c *evalCmd) objects(e *env) (*evalImages, error) {
	dir := runOf(c.Model)
	on := &evalImages{run: dir}
	var of *runImages
	if dir != "" {
		var err error
		if of, err = imagesOfRun(e, dir); err != nil && c.Data == "" {
			return nil, err
		} else if err == nil {
			on.maxBad = of.maxBad
		} else {
			of = nil
		}
	}
	switch {
	case of != nil && c.Data == "" && c.Split == "auto":
		on.set, on.part, on.source = of.judge, of.part, of.source
		if on.set == nil {
			return nil, fmt.Errorf("the run %s has held no images out: give others with --data", dir)
		}
	case of != nil && c.Data == "":
		var err error
		on.source = of.source
		if on.set, on.part, err = split(of.splits, c.Split); err != nil {
			return nil, err
		}
	default:
		s, set, err := e.openObjects(c.Data, boxes.Options{Layout: boxes.Layout(c.Layout), Images: c.Images})
		if err != nil {
			return nil, err
		}
		if !c.JSON {
			summary := summarizeObjects(s.Kind, set, s.Parts())
			for _, line := range summary.lines() {
				e.note("%s\n", line)
			}
		}
		on.source = (&setFlags{Task: taskDetect, Data: c.Data}).source()
		if on.set, on.part, err = split(s, c.Split); err != nil {
			return nil, err
		}
	}
	if of != nil {
		if on.trainedOn = of.trainedOn(on.set); on.trainedOn > 0 {
			e.warn("the run %s was trained on %d of these %d images, so that the precision on others will be lower", dir, on.trainedOn, on.set.Len())
		}
	}
	return on, nil
}

// matchObjects returns a set of boxes with the classes of a model, by their
// names.
func matchObjects(d data.Dataset, m *model.Model) (data.Dataset, error) {
	set, ok := d.(boxes.Labelled)
	if !ok {
		return nil, fmt.Errorf("%s finds objects, and the images have no boxes", m.Network)
	}
	out, err := boxes.Relabel(set, labels(m))
	if err != nil {
		return nil, fmt.Errorf("the set's classes are not the network's: %w", err)
	}
	return out, nil
}
