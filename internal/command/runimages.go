package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
	"github.com/mixnet-go/mixnet/vision"
)

// runImages are the images of a run, by what it used them for.
type runImages struct {
	dir    string // of the run
	path   string // of the set; "" is the built-in one
	source string // the set in words
	splits *data.Splits
	fit    data.Dataset
	judge  data.Dataset // what its result is measured on
	part   string       // the name of judge
	chose  bool         // judge has chosen the epoch as well
	best   bool         // the result is the epoch that was best on the images that choose
	maxBad int
	seed   uint64
}

// runOf returns the folder of the run that a model is of: the folder itself or
// the one that its weight file is in; "" if there is none.
func runOf(name string) string {
	if name == "" {
		return ""
	}
	info, err := os.Stat(name)
	if err != nil {
		return ""
	}
	dir := name
	if !info.IsDir() {
		dir = filepath.Dir(name)
	}
	// The comparison from scratch of a fine-tuning run has a folder of its own.
	for _, d := range []string{dir, filepath.Dir(filepath.Clean(dir))} {
		if exists(filepath.Join(d, transfer.PlanFile)) {
			return d
		}
		if exists(filepath.Join(d, train.LastFile)) && exists(filepath.Join(d, train.ConfigFile)) {
			if saved, err := train.ReadRecord(d); err == nil && len(saved.Args) > 0 {
				return d
			}
		}
	}
	return ""
}

// imagesOfRun opens the images of the run in a folder, in the parts that the run
// made of them.
func imagesOfRun(e *env, dir string) (*runImages, error) {
	var r *runImages
	var err error
	if exists(filepath.Join(dir, transfer.PlanFile)) {
		r, err = imagesOfFinetuning(e, dir)
	} else {
		r, err = imagesOfTraining(e, dir)
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the images of the run %s: %w: give --data if they are elsewhere", dir, err)
		}
		return nil, fmt.Errorf("the images of the run %s: %w", dir, err)
	}
	r.dir = dir
	return r, nil
}

func imagesOfTraining(e *env, dir string) (*runImages, error) {
	saved, err := train.ReadRecord(dir)
	if err != nil {
		return nil, err
	}
	var f setFlags
	if err := f.recall(dir, saved.Args); err != nil {
		return nil, err
	}
	set, err := f.prepare(e, saved.Recipe.Seed, saved.Recipe.Patience > 0)
	if err != nil {
		return nil, err
	}
	return &runImages{path: f.Data, source: set.source, splits: set.splits, fit: set.Fit, judge: set.Judge, part: partName(set.JudgeName), chose: set.Coincide, best: set.Choose != nil, maxBad: saved.Recipe.MaxBad, seed: saved.Recipe.Seed}, nil
}

func imagesOfFinetuning(e *env, dir string) (*runImages, error) {
	p, err := transfer.ReadPlan(dir)
	if err != nil {
		return nil, err
	}
	splits, err := e.openData(p.Data)
	if err != nil {
		return nil, err
	}
	images, err := p.Roles(splits)
	if err != nil {
		return nil, err
	}
	return &runImages{
		path: p.Data, source: source(p.Data), splits: splits, fit: images.Train, judge: images.Judge, part: strings.TrimSuffix(images.JudgeName, " images"),
		best: images.Choose != nil, maxBad: p.Recipe.MaxBad, seed: p.Recipe.Seed,
	}, nil
}

// trainedOn counts the images of a set that the run was trained on: those of the
// same place, and those of the same content in a folder and a file of the same
// names, as in a copy of the set.
func (r *runImages) trainedOn(d data.Dataset) int {
	used, named := make(map[string]bool, r.fit.Len()), make(map[string]int, r.fit.Len())
	for i := range r.fit.Len() {
		used[whole(r.fit.Name(i))] = true
		named[tail(r.fit.Name(i))] = i
	}
	n := 0
	var a, b data.Sample
	for i := range d.Len() {
		name := d.Name(i)
		if used[whole(name)] {
			n++
			continue
		}
		if k, ok := named[tail(name)]; ok && d.Read(i, &a) == nil && r.fit.Read(k, &b) == nil && sameContent(&a, &b) {
			n++
		}
	}
	return n
}

// sameContent reports whether two samples are equal files, or equal pixels where
// one of them is decoded.
func sameContent(a, b *data.Sample) bool {
	if a.Pixels == nil && b.Pixels == nil {
		return bytes.Equal(a.File, b.File)
	}
	x, y := decoded(a), decoded(b)
	return x != nil && y != nil && x.W == y.W && x.C == y.C && bytes.Equal(x.Pix, y.Pix)
}

// decoded returns the pixels of a sample; nil if it cannot be decoded.
func decoded(s *data.Sample) *vision.Image {
	if s.Pixels != nil {
		return s.Pixels
	}
	img, err := vision.Decode(s.File)
	if err != nil {
		return nil
	}
	return img
}

// whole is the name of an example with the whole path in it, whichever way the
// set was named.
func whole(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// tail is the folder and the file of an example's name.
func tail(name string) string {
	return filepath.Join(filepath.Base(filepath.Dir(name)), filepath.Base(name))
}
