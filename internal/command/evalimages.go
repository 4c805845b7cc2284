package command

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
)

// evalImages are the images that a model is judged on.
type evalImages struct {
	set          data.Dataset // under the model's numbering of the classes
	source, part string
	run          string // the model's; "" if it is of none
	trainedOn    int    // images of the set that the run was trained on
	maxBad       int
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
