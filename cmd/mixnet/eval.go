package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/imagenet"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/model"
)

type evalCmd struct {
	modelFlags
	Data         string  `short:"d" placeholder:"DIR" help:"Class folders, ImageNet's validation folders, IDX or CIFAR files. Default: the built-in Fashion-MNIST test images."`
	Split        string  `default:"auto" enum:"auto,train,val,test" help:"Which part to use: auto takes test, else val, else all."`
	BatchSize    int     `short:"b" default:"32" placeholder:"N" help:"Images at a time."`
	Size         int     `placeholder:"PX" help:"Input size; the network's own by default."`
	CropPct      float64 `placeholder:"F" help:"Part of the scaled image that is kept; the network's own by default."`
	MaxBad       *int    `placeholder:"N" help:"Unreadable images to skip before giving up. Default: one in a hundred, at least one."`
	Mirror       bool    `help:"Classify the mirror images as well and add the logits: twice the time, often a little more accurate."`
	PerClass     bool    `help:"Show the accuracy of every class."`
	ConfusionCSV string  `name:"confusion-csv" placeholder:"FILE" help:"Write the confusion matrix as CSV."`
	ConfusionPNG string  `name:"confusion-png" placeholder:"FILE" help:"Draw the confusion matrix."`
	JSON         bool    `name:"json" help:"Print JSON."`
}

func (c *evalCmd) Run(e *env) error {
	if c.BatchSize < 1 {
		return usagef("--batch-size %d: at least 1", c.BatchSize)
	}
	if c.Data == "" {
		c.fallback = clothes // as the data
	}
	m, err := c.load(e)
	if err != nil {
		return err
	}
	set, part, err := c.open(m)
	if err != nil {
		return err
	}
	run, err := mixnet.New(m, e.running())
	if err != nil {
		return err
	}
	defer run.Close()
	pre := m.Preprocess()
	if c.Size > 0 {
		pre.Size = [2]int{c.Size, c.Size}
	}
	if c.CropPct > 0 {
		pre.CropPct = c.CropPct
	}
	load := data.Config{Preprocess: pre, Batch: c.BatchSize, Workers: e.cores()}
	changeMaxBad(&load.MaxBad, c.MaxBad)
	loader, err := data.NewLoader(set, load)
	if err != nil {
		return err
	}
	bar := e.newProgress("evaluating", "images", int64(set.Len()))
	r, err := evaluate.Run(e.ctx, run.Program(), loader, evaluate.Options{
		Progress: func(r *evaluate.Result) {
			bar.update(int64(r.Images()), fmt.Sprintf("top-1 %.2f %%", 100*r.Top(1)))
		},
		Mirror: c.Mirror,
	})
	bar.done()
	if err != nil {
		return err
	}
	if err := c.write(r, m); err != nil {
		return err
	}
	return c.print(e, m, r, part)
}

// open returns the images under the classes of the model.
func (c *evalCmd) open(m *model.Model) (set data.Dataset, part string, err error) {
	splits, err := openData(c.Data)
	if err != nil {
		return nil, "", err
	}
	if set, part, err = split(splits, c.Split); err != nil {
		return nil, "", err
	}
	set, err = matchClasses(set, m)
	return set, part, err
}

// openData opens the set at a path, or the built-in one for "".
func openData(path string) (*data.Splits, error) {
	if path == "" {
		return data.OpenIDX(fashion.FS(), "fashion-mnist")
	}
	return data.Open(path)
}

// source names the set at a path.
func source(path string) string {
	if path == "" {
		return "built-in Fashion-MNIST subset"
	}
	return path
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

// matchClasses returns the set with the model's numbering of the classes: by
// name, by ImageNet's synset identifiers, or by order where the model has no
// names.
func matchClasses(d data.Dataset, m *model.Model) (data.Dataset, error) {
	names, classes := d.Classes(), m.Graph.Classes()
	if classes == len(imagenet.Synsets()) {
		if byID, err := data.Relabel(d, imagenet.Synsets()); err == nil {
			return byID, nil
		}
	}
	if len(m.Classes) == 0 {
		if len(names) != classes {
			return nil, fmt.Errorf("the data set has %d classes, the network %d", len(names), classes)
		}
		return d, nil
	}
	if slices.Equal(names, m.Classes) {
		return d, nil
	}
	byName, err := data.Relabel(d, m.Classes)
	if err != nil {
		return nil, fmt.Errorf("the data set's classes are not the network's: %w", err)
	}
	return byName, nil
}

// write stores the confusion matrix where asked to.
func (c *evalCmd) write(r *evaluate.Result, m *model.Model) error {
	if c.ConfusionCSV != "" {
		err := atomicfile.Write(c.ConfusionCSV, func(w io.Writer) error { return r.Confusion().WriteCSV(w, labels(m)) })
		if err != nil {
			return err
		}
	}
	if c.ConfusionPNG != "" {
		err := (&chart.Confusion{Title: "Confusion", Names: labels(m), Counts: r.Confusion().Counts}).WriteFile(c.ConfusionPNG)
		if err != nil {
			return err
		}
	}
	return nil
}

func labels(m *model.Model) []string {
	names := make([]string, m.Graph.Classes())
	for i := range names {
		names[i] = m.Label(i)
	}
	return names
}

func (c *evalCmd) print(e *env, m *model.Model, r *evaluate.Result, part string) error {
	out := r.Report(labels(m), 0)
	out.Model, out.Network, out.Data, out.Split = m.Network, m.Network, source(c.Data), part
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
	e.printf("%s on %s (%s): %d images, %s images/s, mean per class %.2f %%\n", out.Model, out.Data, out.Split, out.Images, formatRate(out.ImagesPerSecond), 100*out.MeanClass)
	e.printf("top-1 %.2f %%  top-5 %.2f %%\n", 100*out.Top1, 100*out.Top5)
	return nil
}
