package boxes

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
)

// cocoFile is what a file of COCO's holds.
type cocoFile struct {
	path, part  string
	images      []cocoImage
	categories  []cocoCategory
	annotations []cocoAnnotation
	noBoxes     int // annotations without one, such as captions
	keys        map[string]bool
}

type cocoImage struct {
	ID     *int64 `json:"id"`
	Name   string `json:"file_name"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	line   int
}

type cocoCategory struct {
	ID   *int64 `json:"id"`
	Name string `json:"name"`
}

type cocoAnnotation struct {
	image, category int64
	box             [4]float64
	area            float64
	crowd           bool
	line            int
}

// maxLabels bounds a file of labels.
const maxLabels = 4 << 30

// readCOCO reads a JSON file; it returns nil for one that is not of COCO's
// kind.
func readCOCO(file string) (*cocoFile, error) {
	f, err := os.Open(filepath.FromSlash(file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := &cocoFile{path: file, keys: map[string]bool{}}
	s := newStream(io.LimitReader(f, maxLabels))
	err = s.object(func(key string) error {
		c.keys[key] = true
		switch key {
		case "images":
			return s.array(c.addImage)
		case "categories":
			return s.array(c.addCategory)
		case "annotations":
			return s.array(c.addAnnotation)
		}
		return s.skip()
	})
	looks := c.keys["images"] || c.keys["annotations"]
	switch {
	case isOther(err) && len(c.images)+len(c.annotations) == 0:
		return nil, nil
	case err != nil && (looks || c.keys["categories"] || c.keys["info"] || c.keys["licenses"]):
		return nil, fmt.Errorf("%w: %s:%d: %w", data.ErrCorrupt, filepath.FromSlash(file), s.line(), err)
	case err != nil, !looks || len(c.annotations) == 0 && (c.noBoxes > 0 || !c.keys["annotations"] || len(c.categories) == 0):
		return nil, nil
	}
	return c, nil
}

// isOther reports whether an error says that a file is of another kind than
// COCO's, rather than broken.
func isOther(err error) bool {
	var typed *json.UnmarshalTypeError
	return errors.Is(err, errShape) || errors.As(err, &typed)
}

func (c *cocoFile) addImage(s *stream) error {
	m := cocoImage{line: s.line()}
	if err := s.decode(&m); err != nil {
		return err
	}
	if m.ID == nil {
		return fmt.Errorf("%w: an image without an id", errShape)
	}
	c.images = append(c.images, m)
	return nil
}

func (c *cocoFile) addCategory(s *stream) error {
	var m cocoCategory
	if err := s.decode(&m); err != nil {
		return err
	}
	if m.ID == nil {
		return fmt.Errorf("%w: a category without an id", errShape)
	}
	c.categories = append(c.categories, m)
	return nil
}

func (c *cocoFile) addAnnotation(s *stream) error {
	line := s.line()
	var m struct {
		Image    *int64   `json:"image_id"`
		Category *int64   `json:"category_id"`
		Box      []number `json:"bbox"`
		Area     number   `json:"area"`
		Crowd    number   `json:"iscrowd"`
	}
	if err := s.decode(&m); err != nil {
		return err
	}
	switch {
	case m.Box == nil:
		c.noBoxes++
		return nil
	case m.Image == nil || m.Category == nil:
		return fmt.Errorf("%w: an annotation without an image_id or a category_id", errShape)
	case len(m.Box) != 4:
		return fmt.Errorf("%w: a bbox of %d numbers: want left, top, width and height", errShape, len(m.Box))
	}
	a := cocoAnnotation{image: *m.Image, category: *m.Category, area: float64(m.Area), crowd: m.Crowd == 1, line: line}
	for i, v := range m.Box {
		a.box[i] = float64(v)
	}
	c.annotations = append(c.annotations, a)
	return nil
}

// cocoReading reads the COCO files of a tree; it returns nil if there are none.
func (t *tree) cocoReading() (*reading, error) {
	var files []*cocoFile
	for _, name := range t.jsons {
		c, err := readCOCO(name)
		if err != nil {
			return nil, err
		}
		if c == nil {
			continue
		}
		if c.part, err = t.partOf(name); err != nil {
			return nil, err
		}
		files = append(files, c)
	}
	if len(files) == 0 {
		return nil, nil
	}
	r := &reading{layout: COCO, from: plural(len(files), "COCO file"), found: findings{}}
	files = r.instances(files)
	index, err := r.categoriesOf(files)
	if err != nil {
		return nil, err
	}
	seen := map[string]string{}
	for _, c := range files {
		if err := r.addCOCO(t, c, index, seen); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// instances keeps of the files that COCO publishes those of boxes: key points
// are of the same persons again.
func (r *reading) instances(files []*cocoFile) []*cocoFile {
	is := func(c *cocoFile) bool { return strings.HasPrefix(path.Base(c.path), "instances_") }
	if !slices.ContainsFunc(files, is) {
		return files
	}
	return slices.DeleteFunc(files, func(c *cocoFile) bool {
		if is(c) {
			return false
		}
		r.note("%s is not read: the files named instances_ are", c.path)
		return true
	})
}

// categoriesOf makes the classes of the categories of all files, in the order of
// their numbers.
func (r *reading) categoriesOf(files []*cocoFile) (index map[int64]int, err error) {
	names, from := map[int64]string{}, map[int64]string{}
	for _, c := range files {
		for _, k := range c.categories {
			if other, ok := names[*k.ID]; ok && other != k.Name {
				return nil, fmt.Errorf("%w: category %d is %q in %s and %q in %s: give one of the files, or number them alike",
					data.ErrAmbiguous, *k.ID, other, from[*k.ID], k.Name, c.path)
			}
			names[*k.ID], from[*k.ID] = k.Name, c.path
		}
	}
	for id := range names {
		r.categories = append(r.categories, id)
	}
	slices.Sort(r.categories)
	index = map[int64]int{}
	for i, id := range r.categories {
		index[id] = i
		name := cmp.Or(names[id], fmt.Sprintf("category %d", id))
		if slices.Contains(r.classes, name) {
			name = fmt.Sprintf("%s (category %d)", name, id)
		}
		r.classes = append(r.classes, name)
	}
	if len(r.categories) > 0 && r.categories[0] == 0 {
		r.note("category 0 is the class %q: COCO's own categories count from 1, and some programs take 0 for the background", r.classes[0])
	}
	return index, nil
}

// addCOCO adds the pictures of a file. Seen are those of files before, with the
// file.
func (r *reading) addCOCO(t *tree, c *cocoFile, index map[int64]int, seen map[string]string) error {
	at := make(map[int64]int, len(c.images))
	hint := hintOf(c.path)
	for _, m := range c.images {
		if i, ok := at[*m.ID]; ok {
			return fmt.Errorf("%w: %s:%d: two images have the id %d: %s and %s", data.ErrCorrupt, c.path, m.line, *m.ID, r.pictures[i].name, m.Name)
		}
		file, why := t.find(m.Name, path.Dir(c.path), hint, c.part)
		if file == "" {
			r.found.add(MissingPicture, Place{c.path, m.line, m.Name + ": " + why})
		} else if other, ok := seen[file]; ok {
			return fmt.Errorf("%w: %s is labelled in %s and in %s: give the one to read", data.ErrAmbiguous, file, other, c.path)
		} else {
			seen[file] = c.path
		}
		at[*m.ID] = len(r.pictures)
		r.pictures = append(r.pictures, labelled{
			file: file, name: m.Name, id: *m.ID, w: m.Width, h: m.Height, part: c.part, labels: c.path, line: m.line,
		})
	}
	for _, a := range c.annotations {
		i, known := at[a.image]
		class, ok := index[a.category]
		switch {
		case !known:
			r.found.add(UnknownPicture, Place{c.path, a.line, fmt.Sprintf("image_id %d", a.image)})
			continue
		case !ok:
			r.found.add(UnknownClass, Place{c.path, a.line, fmt.Sprintf("category_id %d", a.category)})
			continue
		}
		b := a.box
		r.pictures[i].boxes = append(r.pictures[i].boxes, labelledBox{
			box: vision.Box{X0: b[0], Y0: b[1], X1: b[0] + b[2], Y1: b[1] + b[3]}, class: class, area: a.area, crowd: a.crowd, line: a.line,
		})
	}
	return nil
}

// hintOf returns the folder that the name of a file of labels says: train2017
// of instances_train2017.json.
func hintOf(file string) string {
	_, hint, _ := strings.Cut(stem(path.Base(file)), "_")
	return hint
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
