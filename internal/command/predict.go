package command

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/internal/parts"
	"github.com/mixnet-go/mixnet/model"
)

type predictCmd struct {
	Images []string `arg:"" optional:"" name:"image" help:"Images (JPEG, PNG, WebP, TIFF, BMP, GIF, PNM), folders of images, or - for standard input."`
	modelFlags
	precisionFlag
	TopK      int     `short:"k" name:"topk" default:"5" placeholder:"N" help:"How many classes to name. Default: ${default}."`
	Threshold float64 `placeholder:"F" help:"Name only classes of at least this probability, from 0 to 1."`
	Size      int     `placeholder:"PX" help:"Input size; the network's own by default."`
	CropPct   float64 `placeholder:"F" help:"Part of the scaled image that is kept; the network's own by default."`
	Mirror    bool    `help:"Judge by the mirror image as well: twice the time, often a little more accurate."`
	Explain   string  `placeholder:"DIR" help:"Draw into this folder what in each image speaks for the classes named (red) and against them (blue)."`
	JSON      bool    `name:"json" help:"Print JSON."`
	JSONL     bool    `name:"jsonl" help:"Print JSON lines, one an image."`
	Stdin     bool    `help:"Read JSON lines from standard input, {\"id\": …, \"image\": PATH} or {\"id\": …, \"data\": BASE64}, and print one for each, in order; with --jsonl."`
	BadOK     bool    `name:"bad-ok" help:"With --stdin: exit with 0 although records were bad, which their lines say."`
	shareFlags
}

// prediction is the outcome for one image. It has either predictions, which
// --threshold may leave none of, or an error.
type prediction struct {
	Image       string              `json:"image"`
	Predictions []mixnet.Prediction `json:"predictions"`
	Maps        []string            `json:"maps,omitempty"` // drawings of --explain, in the order of the predictions
	Error       string              `json:"error,omitempty"`
}

func (c *predictCmd) Run(e *env) error {
	if err := c.check(); err != nil {
		return err
	}
	c.alone, c.task, c.precision = c.JSONL || c.Shard != "", taskClassify, c.Precision
	if c.Stdin {
		return c.predictRecords(e)
	}
	results := eachImage(c.Images, func(image, failure string) prediction { return prediction{Image: image, Error: failure} })
	if s, given, err := c.share(e); err != nil || given {
		if err == nil {
			err = c.predictShare(e, s, results)
		}
		return err
	}
	if err := c.predict(e, results); err != nil {
		return err
	}
	failed := 0
	for _, r := range results {
		if r.Error != "" {
			failed++
		}
	}
	var err error
	switch {
	case c.JSON:
		err = e.json(results)
	case c.JSONL:
		err = jsonLines(e, results)
	default:
		e.predictions(results)
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d images could not be named", failed, len(results))
	}
	return err
}

func (c *predictCmd) check() error {
	switch {
	case c.Stdin != (len(c.Images) == 0):
		return usagef("name images, or read records by --stdin")
	case c.Stdin && (!c.JSONL || c.JSON || c.Explain != "" || c.Shard != ""):
		return usagef("--stdin reads and prints JSON lines: give --jsonl, and neither --json, --explain nor --shard")
	case c.JSON && c.JSONL:
		return usagef("--json and --jsonl: one at a time")
	case c.BadOK && !c.Stdin:
		return usagef("--bad-ok is about the records of --stdin")
	case c.Shard != "" && (c.JSON || c.Explain != "" || slices.Contains(c.Images, "-")):
		return usagef("--shard writes JSON lines about files: leave out --json, --explain and -")
	case c.TopK < 1:
		return usagef("--topk %d: name at least one class", c.TopK)
	case !(c.Threshold >= 0 && c.Threshold <= 1):
		return usagef("--threshold %v: a probability is between 0 and 1", c.Threshold)
	case c.Size < 0:
		return usagef("--size %d: at least 1", c.Size)
	case !(c.CropPct >= 0 && c.CropPct <= 1):
		return usagef("--crop-pct %v: above 0 and at most 1", c.CropPct)
	}
	return nil
}

// predictShare does a part of the images and writes its file.
func (c *predictCmd) predictShare(e *env, s parts.Share, all []prediction) error {
	name, err := c.name(e)
	if err != nil {
		return err
	}
	c.Model = name
	weights, err := weightsID(name)
	if err != nil {
		return err
	}
	job := parts.Job{
		jobCommand: jobPredict, "weights": weights, "network": c.Network, "images": named(len(all), func(i int) string { return all[i].Image }),
		"options": fmt.Sprintf("topk %d, threshold %v, size %d, crop %v, mirror %v", c.TopK, c.Threshold, c.Size, c.CropPct, c.Mirror),
	}
	return doShare(e, c.Output, s, job, all, func(mine []prediction) error { return c.predict(e, mine) })
}

// jsonLines prints a line of JSON for each of some results.
func jsonLines[T any](e *env, results []T) error {
	for i := range results {
		if err := e.jsonLine(&results[i]); err != nil {
			return err
		}
	}
	return nil
}

// predict fills in the results of the images that have no error.
func (c *predictCmd) predict(e *env, results []prediction) error {
	todo := 0
	for _, r := range results {
		if r.Error == "" {
			todo++
		}
	}
	if todo == 0 {
		return nil
	}
	m, x, err := c.ready(e)
	if err != nil {
		return err
	}
	defer m.Close()
	var maps *mapWriter
	if x != nil {
		defer x.Close()
		if maps, err = newMapWriter(e, c.Explain, x, m.Header().Preprocess()); err != nil {
			return err
		}
	}
	bar := e.newProgress("predicting", "images", int64(todo))
	defer bar.done()
	done := int64(0)
	for group := range readGroups(e, results) {
		pictures := make([]mixnet.Picture, len(group))
		for i, g := range group {
			pictures[i] = mixnet.Bytes(g.content)
		}
		i := 0
		for found, err := range c.classify(e, m, pictures) {
			r := &results[group[i].index]
			if err == nil {
				r.Predictions = above(found, c.Threshold)
				if maps != nil {
					r.Maps, err = maps.write(r, group[i].content)
				}
			}
			if err != nil {
				r.Error = err.Error()
			}
			i++
			done++
			bar.update(done, r.Image)
		}
		if err := e.ctx.Err(); err != nil {
			return err
		}
	}
	return e.ctx.Err()
}

// classify judges pictures, together or, for JSON lines, each by itself, several
// at a time: what is said of one then depends neither on those that come with it
// nor on the number of threads, so that a job can be cut in parts anywhere.
func (c *predictCmd) classify(e *env, m *mixnet.Classifier, pictures []mixnet.Picture) iter.Seq2[[]mixnet.Prediction, error] {
	if !c.alone {
		return m.ClassifyBatch(e.ctx, pictures, c.TopK)
	}
	found, errs := make([][]mixnet.Prediction, len(pictures)), make([]error, len(pictures))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(e.cores(), len(pictures)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(pictures); i = int(next.Add(1)) - 1 {
				for found[i], errs[i] = range m.ClassifyBatch(e.ctx, pictures[i:i+1], c.TopK) {
				}
			}
		})
	}
	all.Wait()
	return func(yield func([]mixnet.Prediction, error) bool) {
		for i := range pictures {
			if !yield(found[i], errs[i]) {
				return
			}
		}
	}
}

// above returns the predictions of at least some probability.
func above(found []mixnet.Prediction, threshold float64) []mixnet.Prediction {
	for i, p := range found {
		if p.Probability < threshold {
			return found[:i]
		}
	}
	return found
}

// ready opens the model as the flags want it, and for --explain an explainer.
func (c *predictCmd) ready(e *env) (*mixnet.Classifier, *explain.Explainer, error) {
	if c.Size == 0 && c.CropPct == 0 && !c.Mirror && c.Explain == "" {
		m, err := c.open(e)
		return m, nil, err
	}
	m, err := c.load(e)
	if err != nil {
		return nil, nil, err
	}
	c.adapt(m)
	o := c.running(e)
	o.Mirror = c.Mirror
	run, err := mixnet.New(m, o)
	if err != nil || c.Explain == "" {
		return run, nil, err
	}
	x, err := explain.New(m, e.cores())
	if err != nil {
		return nil, nil, errors.Join(err, run.Close())
	}
	return run, x, nil
}

// adapt changes how images are prepared.
func (c *predictCmd) adapt(m *model.Model) {
	if c.Size > 0 {
		m.Input.Size = [2]int{c.Size, c.Size}
	}
	if c.CropPct > 0 {
		m.Input.CropPct = c.CropPct
	}
}

// predictions prints a table, or for a program that reads it, one line a class
// with tabs between image, rank, probability and name.
func (e *env) predictions(results []prediction) {
	if _, ok := terminal(e.stdout); !ok {
		for _, r := range results {
			if r.Error != "" {
				e.note("%s\n", r.failure())
			}
			for i, p := range r.Predictions {
				e.printf("%s\t%d\t%.4f\t%s\n", styled(field(r.Image)), i+1, p.Probability, styled(field(p.Label)))
			}
		}
		return
	}
	for _, r := range results {
		if r.Error != "" {
			e.printf("%s\n", r.failure())
			continue
		}
		e.printf("%s\n", oneLine(r.Image))
		for _, p := range r.Predictions {
			const cells = 24
			full := int(p.Probability*cells + 0.5)
			e.printf("  %5.1f %%  %s%s  %s\n", 100*p.Probability, strings.Repeat("█", full), strings.Repeat("·", cells-full), p.Label)
		}
		if len(r.Predictions) == 0 {
			e.printf("  no class is as probable as --threshold asks\n")
		}
	}
}

// failure is the error with the name of the image in it, once.
func (r *prediction) failure() string {
	if strings.Contains(r.Error, r.Image) && r.Image != "-" {
		return oneLine(r.Error)
	}
	return oneLine(r.Image) + ": " + oneLine(r.Error)
}
