package boxes

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// Written is what [Set.Write] has made.
type Written struct {
	Pictures int      `json:"images"`
	Boxes    int      `json:"objects"`
	Lost     []string `json:"lost"` // what the layout cannot say, with numbers
}

// Write writes the set in a layout, COCO, VOC or YOLO, to a folder that is not
// there yet or empty. The picture files are copied as they are. Boxes are
// written with all their digits, in pixels of the upright picture or parts of
// it. progress is called after every picture; nil for nothing.
//
//	COCO  annotations/instances_PART.json, PART/
//	VOC   Annotations/, JPEGImages/, ImageSets/Main/PART.txt; pixels count from 0
//	YOLO  data.yaml, images/PART/, labels/PART/
func (s *Set) Write(ctx context.Context, dir string, layout Layout, progress func(done, total int)) (*Written, error) {
	w := &writer{set: s, dir: dir, taken: map[string]bool{}, lists: map[string][]Picture{}}
	picture, finish := w.layout(layout)
	if picture == nil {
		return nil, fmt.Errorf("boxes: layout %q cannot be written: want coco, voc or yolo", layout)
	}
	if err := empty(dir); err != nil {
		return nil, fmt.Errorf("boxes: %w", err)
	}
	for i, p := range s.Pictures {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.Part == "" {
			p.Part = "train"
		}
		source := p.File
		p.File = w.name(p)
		if err := picture(source, p); err != nil {
			return nil, fmt.Errorf("boxes: %s: %w", source, err)
		}
		w.lists[p.Part] = append(w.lists[p.Part], p)
		if progress != nil {
			progress(i+1, len(s.Pictures))
		}
	}
	if err := finish(); err != nil {
		return nil, fmt.Errorf("boxes: %w", err)
	}
	out := &Written{Pictures: len(s.Pictures), Boxes: w.boxes, Lost: []string{}}
	for i, n := range w.lost {
		switch {
		case n == 1:
			out.Lost = append(out.Lost, "1 "+losses[i][0])
		case n > 1:
			out.Lost = append(out.Lost, strconv.Itoa(n)+" "+losses[i][1])
		}
	}
	return out, nil
}

// What layouts cannot say.
const (
	lostCrowd = iota
	lostDifficult
	lostArea
	lostClass
	lostNumber
)

// losses are their names, of one and of several.
var losses = [...][2]string{
	{"crowd region left out", "crowd regions left out"},
	{"mark of a difficult object", "marks of difficult objects"},
	{"area of an outline", "areas of outlines"},
	{"class without objects", "classes without objects"},
	{"number of a category", "numbers of categories"},
}

// writer writes a set in one layout.
type writer struct {
	set   *Set
	dir   string
	taken map[string]bool // stems of pictures
	lists map[string][]Picture
	lost  [len(losses)]int
	boxes int
}

// layout returns how a picture is written, and what comes last.
func (w *writer) layout(l Layout) (picture func(source string, p Picture) error, finish func() error) {
	switch l {
	case COCO:
		return w.cocoPicture, w.coco
	case VOC:
		return w.vocPicture, w.voc
	case YOLO:
		return w.yoloPicture, w.yolo
	}
	return nil, nil
}

// empty makes a folder, or takes one without files.
func empty(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty: give a new folder", dir)
	}
	return err
}

// name returns a name for a picture's file that no other of the set has, whatever
// its ending.
func (w *writer) name(p Picture) string {
	base := filepath.Base(p.File)
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	for n, s := 2, stem; ; n++ {
		if !w.taken[strings.ToLower(s)] {
			w.taken[strings.ToLower(s)] = true
			return s + ext
		}
		s = stem + "-" + strconv.Itoa(n)
	}
}

// objects returns those of a picture that a layout can say, and counts the rest.
func (w *writer) objects(p Picture, crowds, difficult, areas bool) Objects {
	var all Objects
	for _, o := range p.Objects {
		if o.Crowd && !crowds {
			w.lost[lostCrowd]++
			continue
		}
		if o.Difficult && !difficult {
			w.lost[lostDifficult]++
		}
		if o.Area > 0 && o.Area != area(o.Box) && !areas {
			w.lost[lostArea]++
		}
		all = append(all, o)
	}
	w.boxes += len(all)
	return all
}

// copyTo copies a picture.
func (w *writer) copyTo(source string, place ...string) error {
	path := filepath.Join(append([]string{w.dir}, place...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	return atomicfile.Write(path, func(to io.Writer) error {
		_, err := io.Copy(to, from)
		return err
	})
}

// text writes a file.
func (w *writer) text(text []byte, place ...string) error {
	path := filepath.Join(append([]string{w.dir}, place...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, text)
}

func (w *writer) cocoPicture(source string, p Picture) error {
	return w.copyTo(source, p.Part, p.File)
}

// coco writes the annotations of all parts.
func (w *writer) coco() error {
	type image struct {
		ID       int64  `json:"id"`
		FileName string `json:"file_name"`
		Width    int    `json:"width"`
		Height   int    `json:"height"`
	}
	type annotation struct {
		ID       int64      `json:"id"`
		Image    int64      `json:"image_id"`
		Category int64      `json:"category_id"`
		Box      [4]float64 `json:"bbox"`
		Area     float64    `json:"area"`
		Crowd    int        `json:"iscrowd"`
	}
	type category struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	var categories []category
	for i, name := range w.set.Classes {
		c := category{int64(i + 1), name}
		if w.set.Categories != nil {
			c.ID = w.set.Categories[i]
		}
		categories = append(categories, c)
	}
	numbered, next, id := w.numbered(), int64(0), int64(0)
	for _, part := range []string{"train", "val", "test"} {
		if len(w.lists[part]) == 0 {
			continue
		}
		images, annotations := []image{}, []annotation{}
		for _, p := range w.lists[part] {
			if next++; !numbered {
				p.ID = next
			}
			images = append(images, image{p.ID, p.File, p.W, p.H})
			for _, o := range w.objects(p, true, false, true) {
				id++
				a := annotation{ID: id, Image: p.ID, Category: categories[o.Class].ID, Box: [4]float64{o.Box.X0, o.Box.Y0, o.Box.X1 - o.Box.X0, o.Box.Y1 - o.Box.Y0}, Area: o.Area}
				if a.Area == 0 {
					a.Area = area(o.Box)
				}
				if o.Crowd {
					a.Crowd = 1
				}
				annotations = append(annotations, a)
			}
		}
		text, err := json.Marshal(map[string]any{"images": images, "annotations": annotations, "categories": categories})
		if err != nil {
			return err
		}
		if err := w.text(text, "annotations", "instances_"+part+".json"); err != nil {
			return err
		}
	}
	return nil
}

// numbered reports whether the pictures have numbers of their own.
func (w *writer) numbered() bool {
	seen := map[int64]bool{}
	for _, p := range w.set.Pictures {
		if p.ID == 0 || seen[p.ID] {
			return false
		}
		seen[p.ID] = true
	}
	return true
}

func (w *writer) vocPicture(source string, p Picture) error {
	if err := w.copyTo(source, "JPEGImages", p.File); err != nil {
		return err
	}
	type object struct {
		Name      string  `xml:"name"`
		Difficult int     `xml:"difficult"`
		X0        float64 `xml:"bndbox>xmin"`
		Y0        float64 `xml:"bndbox>ymin"`
		X1        float64 `xml:"bndbox>xmax"`
		Y1        float64 `xml:"bndbox>ymax"`
	}
	file := struct {
		XMLName xml.Name `xml:"annotation"`
		Folder  string   `xml:"folder"`
		Name    string   `xml:"filename"`
		W       int      `xml:"size>width"`
		H       int      `xml:"size>height"`
		Depth   int      `xml:"size>depth"`
		Objects []object `xml:"object"`
	}{Folder: "JPEGImages", Name: p.File, W: p.W, H: p.H, Depth: 3}
	for _, o := range w.objects(p, false, true, false) {
		x := object{Name: w.set.Classes[o.Class], X0: o.Box.X0, Y0: o.Box.Y0, X1: o.Box.X1, Y1: o.Box.Y1}
		if o.Difficult {
			x.Difficult = 1
		}
		file.Objects = append(file.Objects, x)
	}
	text, err := xml.MarshalIndent(file, "", "\t")
	if err != nil {
		return err
	}
	return w.text(append(text, '\n'), "Annotations", stem(p.File)+".xml")
}

// voc writes the lists of the parts.
func (w *writer) voc() error {
	w.lostNames()
	for part, pictures := range w.lists {
		var text strings.Builder
		for _, p := range pictures {
			text.WriteString(stem(p.File) + "\n")
		}
		if err := w.text([]byte(text.String()), "ImageSets", "Main", part+".txt"); err != nil {
			return err
		}
	}
	return nil
}

// lostNames counts what is known of the classes in a layout that has no list of
// them.
func (w *writer) lostNames() {
	used := map[int]bool{}
	for _, p := range w.set.Pictures {
		for _, o := range p.Objects {
			used[o.Class] = used[o.Class] || !o.Crowd
		}
	}
	for i := range w.set.Classes {
		if !used[i] {
			w.lost[lostClass]++
		}
	}
	w.lost[lostNumber] = len(w.set.Categories)
}

func (w *writer) yoloPicture(source string, p Picture) error {
	if err := w.copyTo(source, "images", p.Part, p.File); err != nil {
		return err
	}
	var text strings.Builder
	for _, o := range w.objects(p, false, false, false) {
		b, pw, ph := o.Box, float64(p.W), float64(p.H)
		fmt.Fprintf(&text, "%d %.12g %.12g %.12g %.12g\n", o.Class, (b.X0+b.X1)/2/pw, (b.Y0+b.Y1)/2/ph, (b.X1-b.X0)/pw, (b.Y1-b.Y0)/ph)
	}
	return w.text([]byte(text.String()), "labels", p.Part, stem(p.File)+".txt")
}

// yolo writes the description of the set.
func (w *writer) yolo() error {
	var text strings.Builder
	text.WriteString("path: .\n")
	for _, part := range []string{"train", "val", "test"} {
		if len(w.lists[part]) > 0 {
			fmt.Fprintf(&text, "%s: images/%[1]s\n", part)
		}
	}
	fmt.Fprintf(&text, "nc: %d\nnames:\n", len(w.set.Classes))
	for i, name := range w.set.Classes {
		fmt.Fprintf(&text, "  %d: '%s'\n", i, strings.ReplaceAll(name, "'", "''"))
	}
	w.lost[lostNumber] = len(w.set.Categories)
	return w.text([]byte(text.String()), "data.yaml")
}
