package command

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/internal/parts"
	"github.com/mixnet-go/mixnet/model"
)

// evalImages are the images that a model is judged on.
type evalImages struct {
	set          data.Dataset // under the model's numbering of the classes
	source, part string
	run          string // the model's; "" if it is of none
	trainedOn    int    // images of the set that the run was trained on
	maxBad       int

	share *parts.Share // the part of the images that set is; nil if it is all of them
	all   string       // says which images there are, with those of the other parts
}

// report says where a result on the images comes from.
func (on *evalImages) report(name string, m *model.Model) *evaluate.Report {
	return &evaluate.Report{Run: on.run, Model: name, Network: m.Network, Data: on.source, Split: on.part}
}

// cut leaves the share that is to be judged: whole batches, for what is said of
// an image differs by rounding with those that it is judged with.
func (on *evalImages) cut(e *env, f *shareFlags, batch int) error {
	s, given, err := f.share(e)
	if err != nil || !given {
		return err
	}
	on.share, on.all = &s, named(on.set.Len(), on.set.Name)
	n := on.set.Len()
	from, to := s.Range((n + batch - 1) / batch)
	from, to = min(from*batch, n), min(to*batch, n)
	index := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		index = append(index, i)
	}
	on.set, err = data.Subset(on.set, index)
	return err
}

// part judges one part of the images and writes what it gives.
func (c *evalCmd) part(e *env, m *model.Model, on *evalImages, how judging) error {
	weights, err := weightsID(c.Model)
	if err != nil {
		return err
	}
	job := parts.Job{
		jobCommand: jobEval, "weights": weights, "network": m.Network, "images": on.all, "data": on.source + ", " + on.part,
		"options": fmt.Sprintf("size %d, crop %v, mirror %v, batch %d, precision %v", c.Size, c.CropPct, c.Mirror, c.BatchSize, c.Precision),
	}
	if done, err := parts.Done(c.Output, *on.share, job); err != nil || done {
		if done {
			e.note("%s is there already\n", parts.Path(c.Output, *on.share))
		}
		return err
	}
	p := evalPart{Outcomes: evaluate.NewOutcomes(on.set), Report: *on.report(c.Model, m), Labels: labels(m), TrainedOn: on.trainedOn}
	if on.set.Len() > 0 {
		j, err := judge(e, m, on.set, how)
		if err != nil {
			return err
		}
		p.Outcomes, p.Report.Seconds = j.Outcomes, j.Seconds
		p.Report.Skipped = j.Skipped()
	}
	if err := parts.Write(c.Output, *on.share, job, []evalPart{p}); err != nil {
		return err
	}
	e.note("%s: %s\n", parts.Path(c.Output, *on.share), plural(p.Outcomes.Images(), "image"))
	return nil
}

// images returns what to judge on: what --data names, else what the model's run
// has held out, else the built-in set. Images that the run was trained on are
// counted and told.
func (c *evalCmd) images(e *env, m *model.Model) (*evalImages, error) {
	var of *runImages
	dir := runOf(c.Model)
	if dir != "" {
		var err error
		if of, err = imagesOfRun(e, dir); err != nil && c.Data == "" {
			return nil, err
		} else if err != nil {
			e.warn("whether the run was trained on some of these images is not known: %v", err)
		}
	}
	on := &evalImages{run: dir}
	if of != nil {
		on.maxBad = of.maxBad
	}
	if of != nil && c.Split == "auto" && c.Data == "" {
		on.set, on.part, on.source = of.judge, of.part, of.source
		if on.set == nil {
			return nil, fmt.Errorf("the run %s has held no images out: give others with --data", dir)
		}
	} else if err := c.openImages(e, on, of); err != nil {
		return nil, err
	}
	if err := on.cut(e, &c.shareFlags, c.BatchSize); err != nil {
		return nil, err
	}
	if of != nil {
		if on.trainedOn = of.trainedOn(on.set); on.trainedOn > 0 {
			e.warn("the run %s was trained on %d of these %d images, so that the accuracy on others will be lower; without --data and --split it is judged on the images held out", dir, on.trainedOn, on.set.Len())
		} else if of.fit.Len()+on.set.Len() <= leakLimit {
			// Copies have other names. They are told of, for a network may be judged
			// on anything.
			told := leakFlags{AllowLeaks: true}
			if err := told.checkLeaks(e, []data.Part{{Name: of.part, Set: of.fit, Fit: true}, {Name: on.part, Set: on.set}}, false); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if on.set, err = matchClasses(e, on.set, m); err != nil && c.Data == "" && of == nil {
		return nil, usageError{fmt.Errorf("which images? give --data DIR: %w", err)}
	}
	return on, err
}

// openImages takes the part of --split of the set of --data, or of the run's.
func (c *evalCmd) openImages(e *env, on *evalImages, of *runImages) error {
	path := c.Data
	if path == "" && of != nil {
		path = of.path
	}
	splits, err := e.openData(path)
	if err != nil {
		return err
	}
	e.tell(splits)
	on.source = source(path)
	on.set, on.part, err = split(splits, c.Split)
	if err != nil && of != nil && c.Data == "" {
		return errors.Join(err, usagef("leave --split out to judge on what the run did not see: %s", of.part))
	}
	return err
}

// hasExtension reports whether a file's name ends in one of some extensions,
// capitals or not.
func hasExtension(file string, extensions ...string) bool {
	return slices.Contains(extensions, strings.ToLower(filepath.Ext(file)))
}
