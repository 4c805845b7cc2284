package boxes

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/data"
)

// Options say how [Open] reads.
type Options struct {
	// Layout is the one to read; "" means that which is found.
	Layout Layout
	// Images is a folder to look for the pictures in, where they do not lie with
	// the labels; "" for none.
	Images string
	// Workers is the number of goroutines that read the pictures' headers; 0
	// means GOMAXPROCS.
	Workers int
	// Progress is called now and then with the number of pictures looked at and
	// of all; nil for nothing.
	Progress func(done, total int)
}

// Open reads the labelled pictures at path: a folder, or the file of labels that
// a set has — COCO's JSON, YOLO's data.yaml, a CSV list. What the labels are is
// told by what is in them; where two layouts say different things of the
// pictures the error is [data.ErrAmbiguous] and names both, and where none is
// found it wraps [ErrNone].
//
// Pictures are looked for by the names that the labels have: as paths, and in
// the folders of the set by the file's name alone. The header of each is read,
// to bring its boxes into pixels of the upright picture and to check them. What
// is wrong is in the set's Findings.
//
// Parts are known by the lists of VOC and YOLO, a CSV list's column, and the
// words for parts in the names of files and folders.
func Open(ctx context.Context, path string, o Options) (*Set, error) {
	r, t, err := find(path, o)
	if err != nil {
		return nil, err
	}
	s := &Set{Layout: r.layout, Root: path, Classes: r.classes, Categories: r.categories, Notes: r.notes}
	return s, s.take(ctx, r, t, o)
}

// Find says which layout [Open] reads at a path, without looking at the
// pictures. Its errors are Open's.
func Find(path string, o Options) (Layout, error) {
	r, _, err := find(path, o)
	if err != nil {
		return "", err
	}
	return r.layout, nil
}

// find settles which labels are read.
func find(name string, o Options) (*reading, *tree, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, fmt.Errorf("boxes: %w", err)
	}
	root, only := name, ""
	if !info.IsDir() {
		root, only = filepath.Dir(name), path.Join(filepath.ToSlash(filepath.Clean(filepath.Dir(name))), filepath.Base(name))
	}
	t, err := scan(root, o.Images)
	if err != nil {
		return nil, nil, fmt.Errorf("boxes: %w", err)
	}
	if only != "" {
		if err := t.keep(only); err != nil {
			return nil, nil, err
		}
	}
	readings, err := t.readings(o.Layout)
	if err != nil {
		return nil, nil, fmt.Errorf("boxes: %w", err)
	}
	r, err := choose(name, readings)
	return r, t, err
}

// keep leaves out all labels but those of one file.
func (t *tree) keep(file string) error {
	one := []string{file}
	texts := t.texts
	t.jsons, t.xmls, t.texts, t.yamls, t.tables = nil, nil, nil, nil, nil
	switch ext := strings.ToLower(path.Ext(file)); ext {
	case ".json":
		t.jsons = one
	case ".yaml", ".yml":
		t.yamls, t.texts = one, texts
	case ".csv", ".tsv":
		t.tables = one
	default:
		return fmt.Errorf("boxes: %w: %w: %s: of files, COCO's .json, YOLO's .yaml and .csv are read; else give the folder that holds the set", data.ErrLayout, ErrNone, file)
	}
	return nil
}

// readings returns what the layouts' readers find; one of them alone if it is
// given.
func (t *tree) readings(only Layout) ([]*reading, error) {
	readers := map[Layout]func() (*reading, error){COCO: t.cocoReading, VOC: t.vocReading, YOLO: t.yoloReading, CSV: t.csvReading}
	if only != "" && readers[only] == nil {
		return nil, fmt.Errorf("layout %q: want coco, voc, yolo or csv", only)
	}
	var list []*reading
	for _, l := range layouts {
		if only != "" && l != only {
			continue
		}
		r, err := readers[l]()
		if err != nil {
			return nil, err
		}
		if r != nil {
			list = append(list, r)
		}
	}
	return list, nil
}

// choose returns the reading to use, of several if all say the same.
func choose(name string, list []*reading) (*reading, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("boxes: %w: %w in %s: want COCO's JSON, Pascal VOC's XML, YOLO's text files or a CSV list with corners", data.ErrLayout, ErrNone, name)
	}
	first := list[0]
	for _, r := range list[1:] {
		if !first.same(r) {
			return nil, fmt.Errorf("boxes: %w: %s holds %s and %s, which differ: say the layout, %s or %s, or give the file or the folder of one",
				data.ErrAmbiguous, name, first.from, r.from, first.layout, r.layout)
		}
		first.note("there are labels of two layouts, %s and %s: they say the same", first.from, r.from)
	}
	if !first.usable() {
		text := ""
		if f := first.found[MissingPicture]; f != nil {
			text = ", the first " + f.Places[0].String()
		}
		return nil, fmt.Errorf("boxes: %w: %s: none of the pictures of %s is there%s: name the folder with the pictures", data.ErrLayout, name, first.from, text)
	}
	return first, nil
}
