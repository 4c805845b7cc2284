package command

import (
	"fmt"
	"io"
	"strconv"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
)

type evalCmd struct {
	modelFlags
	precisionFlag
	Data      string   `short:"d" placeholder:"DIR" help:"Class folders, ImageNet's validation folders, IDX or CIFAR files; of a network that finds objects, labels as COCO's, Pascal VOC's, YOLO's or of a CSV list. Default: the images that the model's run has held out, else the built-in Fashion-MNIST test images."`
	Layout    string   `default:"" enum:",coco,voc,yolo,csv" help:"Of a network that finds objects: the layout of the labels of --data, where there are several that differ."`
	Images    string   `placeholder:"DIR" help:"Of a network that finds objects: the folder with the images, where they do not lie with the labels."`
	Split     string   `default:"auto" enum:"auto,train,val,test" help:"Which part to use: auto takes what the model's run is judged on; of other images test, else val, else all."`
	BatchSize int      `short:"b" default:"32" placeholder:"N" help:"Images at a time. Default: ${default}."`
	Size      int      `placeholder:"PX" help:"Input size; the network's own by default."`
	CropPct   float64  `placeholder:"F" help:"Part of the scaled image that is kept; the network's own by default."`
	MaxBad    *int     `placeholder:"N" help:"Unreadable images to skip before giving up. Default: one in a hundred, at least one."`
	Mirror    bool     `help:"Classify the mirror images as well and add the logits: twice the time, often a little more accurate."`
	PerClass  bool     `help:"Show the accuracy of every class."`
	Confusion []string `sep:"none" placeholder:"FILE" help:"Write the confusion matrix: .csv as a table, .png, .svg or .pdf as a picture. May be repeated."`
	Errors    []string `sep:"none" placeholder:"FILE" help:"Write the mistakes: .html as a page with the worst ones as pictures, .csv as a table of all. May be repeated."`
	Worst     int      `default:"60" placeholder:"N" help:"How many mistakes the page of --errors shows, or --draw draws. Default: ${default}."`
	Draw      string   `placeholder:"DIR" help:"Of objects: draw the images with most mistakes into this folder, boxes coloured by what is wrong with them."`
	COCO      string   `name:"coco" placeholder:"DIR" help:"Of objects: write what is there and what was found into this folder as COCO's files, annotations.json and results.json, as --results and other programs read them."`
	Score     float64  `default:"0.5" placeholder:"F" help:"With --draw: the least score of a detection that is drawn. Default: ${default}."`
	JSON      bool     `name:"json" help:"Print JSON."`
	shareFlags

	Results     string `placeholder:"FILE" help:"Judge these detections instead, a COCO results file of any program, by --annotations: COCO's twelve numbers, equal to pycocotools'. No network is needed."`
	Annotations string `placeholder:"FILE" help:"With --results: the COCO annotation file."`
	Against     string `placeholder:"FILE" help:"With --results: a second results file on the same images. By how much AP differs is said with an interval, of images drawn anew for both together."`
}

// evalReport is the outcome in JSON.
type evalReport struct {
	evaluate.Report
	TrainedOn int          `json:"trained_on"` // images that the model's run was trained on
	Confused  []pairResult `json:"confused"`
}

// pairResult says how often images of one class were taken for another.
type pairResult struct {
	Class     string  `json:"class"`
	Predicted string  `json:"predicted"`
	Images    int64   `json:"images"`
	Part      float64 `json:"part"` // of the images of Class
}

// shownPairs is how many confused pairs are listed.
const shownPairs = 5

// confused are the pairs that are listed.
func confused(o *evaluate.Outcomes, labels []string) []pairResult {
	pairs := []pairResult{}
	for _, p := range o.Confusion().Pairs(shownPairs) {
		pairs = append(pairs, pairResult{labels[p.Truth], labels[p.Predicted], p.Count, p.Part})
	}
	return pairs
}

// from takes over where another report comes from.
func (r *evalReport) from(other *evaluate.Report) {
	r.Run, r.Model, r.Network, r.Data, r.Split = other.Run, other.Model, other.Network, other.Data, other.Split
}

func (c *evalCmd) Run(e *env) error {
	if c.Results != "" || c.Annotations != "" || c.Against != "" {
		return c.judgeResults(e)
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.Data == "" {
		c.fallback = clothes // as the data
	}
	name, err := c.name(e)
	if err != nil {
		return err
	}
	c.Model = name
	m, err := c.load(e)
	if err != nil {
		return err
	}
	spec, err := m.Spec()
	if err != nil {
		return err
	}
	if _, finds := zoo.Finds(spec); finds {
		return c.evalObjects(e, m)
	}
	if c.Layout != "" || c.Images != "" || c.Draw != "" || c.COCO != "" {
		return usagef("--layout, --images, --draw and --coco are for networks that find objects: %s classifies", m.Network)
	}
	on, err := c.images(e, m)
	if err != nil {
		return err
	}
	how := judging{pre: m.Preprocess(), batch: c.BatchSize, maxBad: on.maxBad, mirror: c.Mirror, precision: c.Precision}
	if c.Size > 0 {
		how.pre.Size = [2]int{c.Size, c.Size}
	}
	if c.CropPct > 0 {
		how.pre.CropPct = c.CropPct
	}
	changeMaxBad(&how.maxBad, c.MaxBad)
	if on.share != nil {
		return c.part(e, m, on, how)
	}
	j, err := judge(e, m, on.set, how)
	if err != nil {
		return err
	}
	title := fmt.Sprintf("%s on %s (%s)", m.Network, on.source, on.part)
	if err := c.write(e, m, j, title); err != nil {
		return err
	}
	out := evalReport{Report: j.Report(j.labels, 0), TrainedOn: on.trainedOn, Confused: confused(j.Outcomes, j.labels)}
	out.from(on.report(c.Model, m))
	return c.print(e, &out)
}

// check reports flags that cannot be followed, before any work.
func (c *evalCmd) check() error {
	switch {
	case c.BatchSize < 1:
		return usagef("--batch-size %d: at least 1", c.BatchSize)
	case c.Size < 0:
		return usagef("--size %d: at least 1", c.Size)
	case !(c.CropPct >= 0 && c.CropPct <= 1):
		return usagef("--crop-pct %v: above 0 and at most 1", c.CropPct)
	case c.Worst < 1:
		return usagef("--worst %d: at least 1", c.Worst)
	case c.Shard != "" && (c.JSON || c.PerClass || len(c.Confusion) > 0 || len(c.Errors) > 0):
		return usagef("--shard: what one part gives is shown by merge, for all: leave out --json, --per-class, --confusion and --errors")
	}
	for _, file := range c.Confusion {
		if err := chart.CheckPath(file); err != nil && !hasExtension(file, ".csv") {
			return usagef("--confusion %w, or .csv", err)
		}
	}
	for _, file := range c.Errors {
		if !hasExtension(file, ".html", ".csv") {
			return usagef("--errors %s: want .html or .csv", file)
		}
	}
	return nil
}

// split picks a part of a set by name.
func split(s *data.Splits, name string) (data.Dataset, string, error) {
	var d data.Dataset
	switch name {
	case "train":
		d = s.Train
	case "val":
		d = s.Val
	case "test":
		d = s.Test
	default:
		name, d = s.Evaluation()
	}
	if d == nil {
		return nil, "", usagef("the data set has no part %q", name)
	}
	return d, name, nil
}

// matchClasses returns the set with the model's numbering of the classes, and
// says how they are matched if it is not by name.
func matchClasses(e *env, d data.Dataset, m *model.Model) (data.Dataset, error) {
	set, note, err := data.Match(d, m.Classes, m.Graph.Classes())
	if err == nil && note != "" {
		e.note("%s\n", note)
	}
	return set, err
}

// write stores the confusion matrix and the mistakes where asked to.
func (c *evalCmd) write(e *env, m *model.Model, j *judged, title string) error {
	for _, file := range c.Confusion {
		err := error(nil)
		if hasExtension(file, ".csv") {
			err = atomicfile.Write(file, func(w io.Writer) error { return j.Confusion().WriteCSV(w, j.labels) })
		} else {
			err = j.drawing(title).WriteFile(file)
		}
		if err != nil {
			return err
		}
	}
	for _, file := range c.Errors {
		write := func(w io.Writer) error { return j.mistakes(j.Images()).WriteCSV(w) }
		if hasExtension(file, ".html") {
			page, err := j.page(e, m, c.Worst)
			if err != nil {
				return err
			}
			page.Set = title
			write = func(w io.Writer) error { return page.WriteHTML(w, "Mistakes of "+title) }
		}
		if err := atomicfile.Write(file, write); err != nil {
			return err
		}
	}
	return nil
}

// print shows the outcome.
func (c *evalCmd) print(e *env, out *evalReport) error {
	if c.JSON {
		return e.json(out)
	}
	for _, s := range out.Skipped {
		e.note("skipped %s\n", s)
	}
	if c.PerClass {
		rows := [][]string{{"CLASS", "IMAGES", "CORRECT", "TOP-1"}}
		for _, k := range out.Classes {
			rows = append(rows, []string{k.Class, strconv.FormatInt(k.Images, 10), strconv.FormatInt(k.Correct, 10), inPercent(k.Top1)})
		}
		if err := e.table(rows); err != nil {
			return err
		}
	}
	if len(out.Confused) > 0 {
		if c.PerClass {
			e.printf("\n")
		}
		rows := [][]string{{"MOST OFTEN CONFUSED", "TAKEN FOR", "IMAGES", "OF THE CLASS"}}
		for _, p := range out.Confused {
			rows = append(rows, []string{p.Class, p.Predicted, strconv.FormatInt(p.Images, 10), fmt.Sprintf("%.1f %%", 100*p.Part)})
		}
		if err := e.table(rows); err != nil {
			return err
		}
	}
	if c.PerClass || len(out.Confused) > 0 {
		e.printf("\n")
	}
	e.printf("%s on %s (%s): %d images, %s images/s, mean per class %s\n", out.Network, out.Data, out.Split, out.Images, formatRate(out.ImagesPerSecond), inPercent(out.MeanClass))
	e.printf("top-1 %s  top-5 %s\n", inPercent(out.Top1), inPercent(out.Top5))
	return nil
}
