// Package data reads labelled picture sets — class folders, ImageNet's layout,
// IDX, CIFAR and others — and feeds them to training and evaluation in batches,
// decoded in parallel and yet the same whatever the number of workers.
package data

import (
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/data/internal/parquet"
	"github.com/mixnet-go/mixnet/vision"
)

// Errors that the package's errors wrap.
var (
	// ErrLayout says that a path holds no data set of a known layout.
	ErrLayout = errors.New("not a known data set")
	// ErrAmbiguous says that a path can be read as more than one data set; it is
	// an ErrLayout too.
	ErrAmbiguous = errors.New("it can be read in more than one way")
	// ErrCorrupt says that a data file contradicts its format.
	ErrCorrupt = errors.New("data file is corrupt")
	// ErrLabel says that a label is outside the classes.
	ErrLabel = errors.New("label out of range")
	// ErrTooManyBad says that more examples were unreadable than may be
	// skipped.
	ErrTooManyBad = errors.New("too many unreadable examples")
)

// Dataset is a list of pictures, each of one class. Its methods may be called
// from several goroutines at once.
type Dataset interface {
	// Len returns the number of examples.
	Len() int
	// Classes returns the names of the classes; a label is an index into it.
	Classes() []string
	// Label returns the class of example i.
	Label(i int) int
	// Name says where example i comes from, for messages.
	Name(i int) string
	// Read gets the picture of example i, and its target if the set has any,
	// into s, reusing s's memory. The picture is valid until s is used again.
	Read(i int, s *Sample) error
}

// Sized is a [Dataset] whose pictures all have one size, such as IDX and
// CIFAR.
type Sized interface {
	Dataset
	// Size returns the height, width and channels of every picture.
	Size() (h, w, c int)
}

// Target is what a network is to learn of a picture besides its class: boxes, a
// mask, a measure.
type Target interface {
	// Under returns the target of the picture as t makes it the network's input.
	// It leaves the receiver as it is, and may be called from several goroutines
	// at once.
	Under(t vision.Transform) Target
}

// Boxed is a [Target] of boxes, which the crops that are for them go by.
type Boxed interface {
	Target
	// Boxes appends the boxes, in the upright picture, to dst.
	Boxes(dst []vision.Box) []vision.Box
}

// Digester is a [Dataset] that tells its targets apart without reading pictures.
type Digester interface {
	Dataset
	// Digest returns a hash of the target of example i.
	Digest(i int) uint64
}

// Sample receives a picture from a [Dataset].
type Sample struct {
	vision.Picture
	// Target is the picture's, in its upright form; nil where the class is all.
	Target Target

	image   vision.Image
	file    []byte
	decoder vision.Decoder // of a cache
	table   parquet.Reader
}

// setPixels makes s the w×h image whose pixels are pix, without copying.
func (s *Sample) setPixels(w, h, c int, pix []uint8) {
	s.image = vision.Image{W: w, H: h, C: c, Pix: pix}
	s.Picture = vision.Picture{Pixels: &s.image}
}

// Splits is a data set as it lies on disk: up to three parts with the same
// classes. A part that is missing is nil.
type Splits struct {
	// Kind names the layout, such as "class folders".
	Kind string
	// Train, Val and Test are the parts. A set without parts has Train alone.
	Train, Val, Test Dataset
	// LeftOut says what lies there as well and is no part of the set.
	LeftOut []LeftOut
	// Notes say how the layout was understood where it is not plain.
	Notes []string
}

// Classes returns the names of the classes.
func (s *Splits) Classes() []string {
	for _, d := range []Dataset{s.Train, s.Val, s.Test} {
		if d != nil {
			return d.Classes()
		}
	}
	return nil
}

// Evaluation returns the part to measure accuracy on: Test if there is one,
// else Val, else Train.
func (s *Splits) Evaluation() (name string, d Dataset) {
	switch {
	case s.Test != nil:
		return "test", s.Test
	case s.Val != nil:
		return "val", s.Val
	}
	return "train", s.Train
}

// ClassCounts returns the number of examples of every class.
func ClassCounts(d Dataset) []int {
	counts := make([]int, len(d.Classes()))
	for i := range d.Len() {
		if l := d.Label(i); l >= 0 && l < len(counts) {
			counts[l]++
		}
	}
	return counts
}

// subset is some of the examples of another set.
type subset struct {
	Dataset
	index []int
}

// Subset returns the examples of d at the given indices, in that order. A set
// that makes subsets of its own kind has a method Subset(index []int) Dataset.
func Subset(d Dataset, index []int) (Dataset, error) {
	for _, i := range index {
		if i < 0 || i >= d.Len() {
			return nil, fmt.Errorf("subset: example %d of %d", i, d.Len())
		}
	}
	if own, ok := d.(interface{ Subset(index []int) Dataset }); ok {
		return own.Subset(index), nil
	}
	s := &subset{d, index}
	if sized, ok := d.(Sized); ok {
		return &sizedSubset{s, sized}, nil
	}
	return s, nil
}

func (s *subset) Len() int                         { return len(s.index) }
func (s *subset) Label(i int) int                  { return s.Dataset.Label(s.index[i]) }
func (s *subset) Name(i int) string                { return s.Dataset.Name(s.index[i]) }
func (s *subset) Read(i int, sample *Sample) error { return s.Dataset.Read(s.index[i], sample) }

// sizedSubset is a subset of a [Sized] set.
type sizedSubset struct {
	*subset
	sized Sized
}

func (s *sizedSubset) Size() (h, w, c int) { return s.sized.Size() }

// relabelled is a set under another list of classes.
type relabelled struct {
	Dataset
	classes []string
	label   []int // by the inner set's label
}

// Relabel returns d with its labels turned into indices of classes, matched by
// name: a folder of some ImageNet classes under the list of all thousand.
func Relabel(d Dataset, classes []string) (Dataset, error) {
	at := make(map[string]int, len(classes))
	for i, c := range classes {
		at[c] = i
	}
	r := &relabelled{d, classes, make([]int, len(d.Classes()))}
	for i, c := range d.Classes() {
		j, ok := at[c]
		if !ok {
			return nil, fmt.Errorf("%w: class %q is none of the %d known ones", ErrLabel, c, len(classes))
		}
		r.label[i] = j
	}
	return r, nil
}

func (r *relabelled) Classes() []string { return r.classes }
func (r *relabelled) Label(i int) int   { return r.label[r.Dataset.Label(i)] }
