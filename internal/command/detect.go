package command

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/internal/parts"
)

type detectCmd struct {
	Images  []string `arg:"" name:"image" help:"Images (JPEG, PNG, WebP, TIFF, BMP, GIF, PNM), folders of images, or - for standard input."`
	Model   string   `short:"m" placeholder:"FILE" help:"Weights of a network that finds objects: a checkpoint, torchvision's .pth, a frozen TensorFlow graph (.pb). Default: the newest run in ./runs that finds objects, else the built-in person, which finds people."`
	Network string   `placeholder:"NAME" help:"The network of a weight file that does not say."`

	Score       float64  `default:"0.5" placeholder:"F" help:"Least score of an object, from 0 to 1. Default: ${default}."`
	IoU         float64  `name:"iou" placeholder:"F" help:"A box that overlaps a better one of its class by more than this part is left out. Default: the weights' own, 0.6 for person."`
	Max         int      `default:"100" placeholder:"N" help:"Most objects in an image. Default: ${default}."`
	Classes     []string `placeholder:"NAME,…" help:"Only objects of these classes."`
	AgnosticNMS bool     `name:"agnostic-nms" help:"Let a better box leave out one of another class too."`

	Draw  string `placeholder:"DIR" help:"Write each image with its boxes drawn into this folder."`
	Crops string `placeholder:"DIR" help:"Write each object, cut out, into a folder of its class in this folder."`
	COCO  string `name:"coco" placeholder:"FILE" help:"Write what was found as a COCO results file (.json)."`
	YOLO  string `name:"yolo" placeholder:"DIR" help:"Write what was found as YOLO label files into this folder, as parts of the upright image. Files that are there are left."`
	JSON  bool   `name:"json" help:"Print JSON."`
	JSONL bool   `name:"jsonl" help:"Print JSON lines, one an image."`
	precisionFlag
	shareFlags
}

// Help says what the boxes are places in.
func (c *detectCmd) Help() string {
	return `Images are looked at upright, as their EXIF data says. Boxes are in pixels of the image as it is stored, from its left top corner;
"orientation" in the JSON says how that is turned (1: it is upright). A COCO results file numbers images in the order of the arguments
unless their names are numbers, as in COCO's own sets, and categories from 1.`
}

// detection is the outcome for one image.
type detection struct {
	Image string `json:"image"`
	*mixnet.Found
	Drawn string   `json:"drawn,omitempty"`
	Crops []string `json:"crops,omitempty"`
	Error string   `json:"error,omitempty"`
}

func (c *detectCmd) Run(e *env) error {
	if err := c.check(); err != nil {
		return err
	}
	results := eachImage(c.Images, func(image, failure string) detection { return detection{Image: image, Error: failure} })
	if s, given, err := c.share(e); err != nil || given {
		if err == nil {
			err = c.detectShare(e, s, results)
		}
		return err
	}
	d, err := c.open(e)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := c.detect(e, d, results); err != nil {
		return err
	}
	if c.COCO != "" {
		if err := writeCOCO(c.COCO, results); err != nil {
			return err
		}
	}
	switch {
	case c.JSON:
		err = e.json(results)
	case c.JSONL:
		err = jsonLines(e, results)
	default:
		err = e.detections(results)
	}
	failed := 0
	for _, r := range results {
		if r.Error != "" {
			failed++
		}
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d images could not be looked at", failed, len(results))
	}
	return err
}

// detectShare does a part of the images and writes its file.
func (c *detectCmd) detectShare(e *env, s parts.Share, all []detection) error {
	f := c.weights()
	name, err := f.name(e)
	if err != nil {
		return err
	}
	c.Model = name
	weights, err := weightsID(name)
	if err != nil {
		return err
	}
	job := parts.Job{
		jobCommand: jobDetect, "weights": weights, "network": c.Network, "images": named(len(all), func(i int) string { return all[i].Image }),
		"options": fmt.Sprintf("score %v, iou %v, max %d, agnostic %v, classes %q", c.Score, c.IoU, c.Max, c.AgnosticNMS, c.Classes),
	}
	return doShare(e, c.Output, s, job, all, func(mine []detection) error {
		d, err := c.open(e)
		if err != nil {
			return err
		}
		defer d.Close()
		return c.detect(e, d, mine)
	})
}

func (c *detectCmd) check() error {
	switch {
	case c.Model == "" && c.Network != "":
		return usagef("--network says what is in a weight file: name that with --model")
	case c.JSON && c.JSONL:
		return usagef("--json and --jsonl: one at a time")
	case c.Shard != "" && (c.JSON || c.Draw != "" || c.Crops != "" || c.COCO != "" || c.YOLO != "" || slices.Contains(c.Images, "-")):
		return usagef("--shard writes JSON lines about files: leave out --json, --draw, --crops, --yolo and -; --coco is merge's")
	case !(c.Score >= 0 && c.Score < 1):
		return usagef("--score %v: want 0 to less than 1", c.Score)
	case !(c.IoU >= 0 && c.IoU <= 1):
		return usagef("--iou %v: want 0 to 1", c.IoU)
	case c.Max < 1:
		return usagef("--max %d: at least 1", c.Max)
	case c.COCO != "" && !strings.EqualFold(filepath.Ext(c.COCO), ".json"):
		return usagef("--coco %s: a results file's name ends in .json", c.COCO)
	}
	return nil
}

func (c *detectCmd) options() mixnet.DetectOptions {
	o := mixnet.DetectOptions{Score: c.Score, IoU: c.IoU, Max: c.Max, Classes: c.Classes, Agnostic: c.AgnosticNMS}
	if o.Score == 0 {
		o.Score = math.SmallestNonzeroFloat32
	}
	return o
}

// weights says which network and weights to use.
func (c *detectCmd) weights() modelFlags {
	return modelFlags{Model: c.Model, Network: c.Network, Offline: true, fallback: people, task: taskDetect, precision: c.Precision}
}

// open makes the model ready.
func (c *detectCmd) open(e *env) (*mixnet.Detector, error) {
	f := c.weights()
	name, err := f.name(e)
	if err != nil {
		return nil, err
	}
	if m, err := linked(name); err != nil {
		return nil, err
	} else if m != nil {
		return mixnet.NewDetector(m, f.running(e))
	}
	d, err := mixnet.OpenDetector(e.ctx, name, mixnet.OpenOptions{LoadOptions: f.where(e), Options: f.running(e)})
	if err != nil {
		return nil, unknownModel(name, err)
	}
	e.assumed(name, d.Header())
	return d, nil
}

// detect fills in the results.
func (c *detectCmd) detect(e *env, d *mixnet.Detector, results []detection) error {
	if err := d.Check(c.options()); err != nil {
		return err
	}
	out, err := newBoxWriter(c, d.Classes())
	if err != nil {
		return err
	}
	bar := e.newProgress("detecting", "images", int64(len(results)))
	defer bar.done()
	for i := range results {
		r := &results[i]
		if r.Error != "" {
			continue
		}
		if err := e.ctx.Err(); err != nil {
			return err
		}
		content, err := readImage(e, r.Image)
		if err == nil && len(content) == 0 {
			err = fmt.Errorf("the file is empty")
		}
		if err == nil {
			r.Found, err = d.DetectBytes(e.ctx, content, c.options())
		}
		if err == nil {
			err = out.write(r, content)
		}
		if err != nil {
			if e.ctx.Err() != nil {
				return e.ctx.Err()
			}
			r.Found, r.Error = nil, err.Error()
		}
		bar.update(int64(i+1), r.Image)
	}
	return nil
}

// detections prints a table, or for a program that reads it, one line an object
// with tabs between image, label, score and the corners of the box.
func (e *env) detections(results []detection) error {
	_, screen := terminal(e.stdout)
	for _, r := range results {
		switch {
		case r.Error != "":
			e.note("%s\n", (&prediction{Image: r.Image, Error: r.Error}).failure())
			continue
		case screen:
			e.printf("%s  %d×%d, %s\n", oneLine(r.Image), r.Width, r.Height, plural(len(r.Objects), "object"))
		}
		rows := [][]string{{"", "LABEL", "SCORE", "X1", "Y1", "X2", "Y2"}}
		for _, o := range r.Objects {
			if !screen {
				e.printf("%s\t%s\t%.4f\t%.1f\t%.1f\t%.1f\t%.1f\n", styled(field(r.Image)), styled(field(o.Label)), o.Score, o.X1, o.Y1, o.X2, o.Y2)
				continue
			}
			row := []string{"", o.Label, fmt.Sprintf("%.3f", o.Score)}
			for _, v := range [...]float64{o.X1, o.Y1, o.X2, o.Y2} {
				row = append(row, fmt.Sprintf("%.0f", v))
			}
			rows = append(rows, row)
		}
		if screen && len(r.Objects) > 0 {
			if err := e.table(rows); err != nil {
				return err
			}
		}
	}
	return nil
}
