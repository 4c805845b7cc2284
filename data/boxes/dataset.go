package boxes

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/mixnet-go/mixnet/data"
)

// Labelled is a data set whose objects are known without its pictures.
type Labelled interface {
	data.Dataset
	Objects(i int) Objects
	Bounds(i int) (w, h int) // of the upright picture, in pixels
}

// Dataset is some pictures of a set with their objects, as targets.
type Dataset struct {
	Pictures []Picture
	Names    []string // of the classes
	labels   []int
}

// NewDataset returns pictures as a data set. The label of each, by which parts
// are held out in proportion, is the class of its objects that the fewest
// objects are of; pictures without objects have the first.
func NewDataset(pictures []Picture, names []string) *Dataset {
	d := &Dataset{Pictures: pictures, Names: names, labels: make([]int, len(pictures))}
	counts := Counts(d)
	for i := range pictures {
		for j, o := range pictures[i].Objects {
			if j == 0 || counts[o.Class] < counts[d.labels[i]] || counts[o.Class] == counts[d.labels[i]] && o.Class < d.labels[i] {
				d.labels[i] = o.Class
			}
		}
	}
	return d
}

// Len implements [data.Dataset].
func (d *Dataset) Len() int { return len(d.Pictures) }

// Classes implements [data.Dataset].
func (d *Dataset) Classes() []string { return d.Names }

// Label implements [data.Dataset].
func (d *Dataset) Label(i int) int { return d.labels[i] }

// Name implements [data.Dataset].
func (d *Dataset) Name(i int) string { return d.Pictures[i].File }

// Objects returns what picture i shows, in pixels of the upright picture.
func (d *Dataset) Objects(i int) Objects { return d.Pictures[i].Objects }

// Read implements [data.Dataset].
func (d *Dataset) Read(i int, s *data.Sample) error {
	if i < 0 || i >= len(d.Pictures) {
		return fmt.Errorf("boxes: picture %d of %d", i, len(d.Pictures))
	}
	if err := s.ReadFile(d.Pictures[i].File); err != nil {
		return err
	}
	s.Target = d.Pictures[i].Objects
	if s.Target.(Objects) == nil {
		s.Target = Objects{}
	}
	return nil
}

// Subset implements what [data.Subset] asks for.
func (d *Dataset) Subset(index []int) data.Dataset {
	s := &Dataset{Names: d.Names}
	for _, i := range index {
		s.Pictures, s.labels = append(s.Pictures, d.Pictures[i]), append(s.labels, d.labels[i])
	}
	return s
}

// Bounds returns the width and height of picture i, in pixels.
func (d *Dataset) Bounds(i int) (w, h int) { return d.Pictures[i].W, d.Pictures[i].H }

// Digest implements [data.Digester].
func (d *Dataset) Digest(i int) uint64 { return d.Pictures[i].Objects.Digest() }

// Digest returns a hash of the objects.
func (o Objects) Digest() uint64 {
	h := fnv.New64a()
	for _, x := range o {
		fmt.Fprintf(h, "%v %d %t\n", x.Box, x.Class, x.Crowd)
	}
	return h.Sum64()
}

// Counts returns the objects of every class of a set, crowds left out.
func Counts(d Labelled) []int {
	counts := make([]int, len(d.Classes()))
	for i := range d.Len() {
		for _, o := range d.Objects(i) {
			if !o.Crowd {
				counts[o.Class]++
			}
		}
	}
	return counts
}

// Splits returns the set by its parts. Pictures of no part are training's.
func (s *Set) Splits() *data.Splits {
	out := &data.Splits{Kind: s.Layout.String(), Notes: slices.Clone(s.Notes)}
	for _, p := range []struct {
		name string
		set  *data.Dataset
	}{{"train", &out.Train}, {"val", &out.Val}, {"test", &out.Test}} {
		var pictures []Picture
		for _, x := range s.Pictures {
			if x.Part == p.name || x.Part == "" && p.name == "train" {
				pictures = append(pictures, x)
			}
		}
		if len(pictures) > 0 {
			*p.set = NewDataset(pictures, s.Classes)
		}
	}
	return out
}

// String names the layout in text.
func (l Layout) String() string {
	switch l {
	case COCO:
		return "boxes as COCO's"
	case VOC:
		return "boxes as Pascal VOC's"
	case YOLO:
		return "boxes as YOLO's"
	case CSV:
		return "boxes of a CSV list"
	}
	return string(l)
}

// relabelled is a set under another list of classes.
type relabelled struct {
	Labelled
	classes []string
	class   []int // by the inner set's
}

// Relabel returns d with its classes turned into those of a list, by name. The
// list may have others; it is an error that wraps [data.ErrLabel] if it lacks
// one that has objects.
func Relabel(d Labelled, classes []string) (Labelled, error) {
	if slices.Equal(d.Classes(), classes) {
		return d, nil
	}
	counts := Counts(d)
	r := &relabelled{Labelled: d, classes: classes, class: make([]int, len(d.Classes()))}
	for i, c := range d.Classes() {
		if r.class[i] = slices.Index(classes, c); r.class[i] < 0 && counts[i] > 0 {
			return nil, fmt.Errorf("%w: class %q is none of the %d known ones", data.ErrLabel, c, len(classes))
		}
	}
	return r, nil
}

func (r *relabelled) Classes() []string { return r.classes }
func (r *relabelled) Label(i int) int   { return max(r.class[r.Labelled.Label(i)], 0) }

// Objects implements [Labelled]; crowds of classes that the list lacks are left
// out.
func (r *relabelled) Objects(i int) Objects {
	var all Objects
	for _, o := range r.Labelled.Objects(i) {
		if o.Class = r.class[o.Class]; o.Class >= 0 {
			all = append(all, o)
		}
	}
	return all
}

func (r *relabelled) Read(i int, s *data.Sample) error {
	err := r.Labelled.Read(i, s)
	s.Target = append(Objects{}, r.Objects(i)...)
	return err
}
