package coco

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// ErrFormat is wrapped by the errors of files that are not as COCO's are.
var ErrFormat = errors.New("not a COCO file")

// maxFile is how large a file may be, in bytes: four times the largest of
// COCO's own.
const maxFile int64 = 2 << 30

// jsonBox is a box as files hold it: four numbers.
type jsonBox []float64

type jsonAnnotation struct {
	ID       *int64   `json:"id"`
	Image    *int64   `json:"image_id"`
	Category *int64   `json:"category_id"`
	Box      jsonBox  `json:"bbox"`
	Area     *float64 `json:"area"`
	Crowd    *int     `json:"iscrowd"`
	Score    *float64 `json:"score"`
}

// ReadSet reads an annotation file: its images, categories and boxes. Keys that
// it does not know are passed over. Annotations without a box (captions, key
// points alone) are an error that says which.
func ReadSet(r io.Reader) (*Set, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, err
	}
	var file struct {
		Images []struct {
			ID     *int64 `json:"id"`
			Name   string `json:"file_name"`
			Width  int    `json:"width"`
			Height int    `json:"height"`
		} `json:"images"`
		Categories []struct {
			ID   *int64 `json:"id"`
			Name string `json:"name"`
		} `json:"categories"`
		Annotations []jsonAnnotation `json:"annotations"`
	}
	if err := decode(text, &file); err != nil {
		return nil, err
	}
	s := &Set{}
	for i, m := range file.Images {
		if m.ID == nil {
			return nil, fmt.Errorf("%w: image %d has no id", ErrFormat, i+1)
		}
		s.Images = append(s.Images, Image{ID: *m.ID, Name: m.Name, Width: m.Width, Height: m.Height})
	}
	for i, c := range file.Categories {
		if c.ID == nil {
			return nil, fmt.Errorf("%w: category %d has no id", ErrFormat, i+1)
		}
		s.Categories = append(s.Categories, Category{ID: *c.ID, Name: c.Name})
	}
	if len(s.Images) == 0 || len(s.Categories) == 0 {
		return nil, fmt.Errorf("%w: %d images and %d categories: want an object with images, categories and annotations", ErrFormat, len(s.Images), len(s.Categories))
	}
	return s, s.addTruths(file.Annotations)
}

// addTruths takes over annotations and notes what is missing in them.
func (s *Set) addTruths(all []jsonAnnotation) error {
	noArea, noCrowd, zero, outside := 0, 0, 0, 0
	known := map[int64]bool{}
	for _, m := range s.Images {
		known[m.ID] = true
	}
	for i, a := range all {
		if a.Image == nil || a.Category == nil {
			return fmt.Errorf("%w: annotation %d has no image_id or no category_id", ErrFormat, i+1)
		}
		box, err := a.box()
		if err != nil {
			return fmt.Errorf("%w: annotation %d: %w", ErrFormat, i+1, err)
		}
		t := Truth{ID: int64(i) + 1, Image: *a.Image, Category: *a.Category, Box: box, Area: box.Area()}
		if a.ID != nil {
			t.ID = *a.ID
		}
		if a.Area == nil {
			noArea++
		} else {
			t.Area = *a.Area
		}
		if a.Crowd == nil {
			noCrowd++
		} else {
			t.Crowd = *a.Crowd != 0
		}
		if t.ID == 0 {
			zero++
		}
		if !known[t.Image] {
			outside++
		}
		s.Truths = append(s.Truths, t)
	}
	note := func(n int, what string) {
		if n > 0 {
			s.Notes = append(s.Notes, fmt.Sprintf("%d of %d annotations %s", n, len(all), what))
		}
	}
	note(noArea, "have no area: that of the box is taken")
	note(noCrowd, "have no iscrowd: they are taken for single objects")
	note(zero, "have the id 0, which COCO's evaluator, and so this one, counts as never found: number them from 1")
	note(outside, "are on images that the file does not list: they are left out")
	return nil
}

// ReadResults reads detections: a JSON array of image_id, category_id, bbox and
// score, or the annotations of a whole COCO file that have scores.
func ReadResults(r io.Reader) ([]Detection, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, err
	}
	var all []jsonAnnotation
	if text := bytes.TrimLeft(text, " \t\r\n"); len(text) > 0 && text[0] == '{' {
		var file struct {
			Annotations []jsonAnnotation `json:"annotations"`
		}
		if err := decode(text, &file); err != nil {
			return nil, err
		}
		all = file.Annotations
	} else if err := decode(text, &all); err != nil {
		return nil, err
	}
	found := make([]Detection, 0, len(all))
	for i, a := range all {
		if a.Image == nil || a.Category == nil || a.Score == nil {
			return nil, fmt.Errorf("%w: result %d: want image_id, category_id, bbox and score", ErrFormat, i+1)
		}
		box, err := a.box()
		if err != nil {
			return nil, fmt.Errorf("%w: result %d: %w", ErrFormat, i+1, err)
		}
		found = append(found, Detection{Image: *a.Image, Category: *a.Category, Box: box, Score: *a.Score})
	}
	return found, nil
}

func (a *jsonAnnotation) box() (Box, error) {
	if len(a.Box) != 4 {
		return Box{}, fmt.Errorf("a bbox of %d numbers: want left, top, width and height", len(a.Box))
	}
	return Box{a.Box[0], a.Box[1], a.Box[2], a.Box[3]}, nil
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > maxFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrFormat, maxFile)
	}
	return text, nil
}

// decode is json.Unmarshal with errors that name the line.
func decode(text []byte, v any) error {
	err := json.Unmarshal(text, v)
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	at := int64(-1)
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &typed):
		at = typed.Offset
	case err == nil:
		return nil
	}
	if at < 0 {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	at = min(at, int64(len(text)))
	return fmt.Errorf("%w: line %d: %w", ErrFormat, 1+bytes.Count(text[:at], []byte("\n")), err)
}

// WriteSet writes an annotation file, as ReadSet and COCO's evaluator read it.
func WriteSet(w io.Writer, s *Set) error {
	type image struct {
		ID     int64  `json:"id"`
		Name   string `json:"file_name"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
	}
	type category struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	type annotation struct {
		ID       int64      `json:"id"`
		Image    int64      `json:"image_id"`
		Category int64      `json:"category_id"`
		Box      [4]float64 `json:"bbox"`
		Area     float64    `json:"area"`
		Crowd    int        `json:"iscrowd"`
	}
	file := struct {
		Images      []image      `json:"images"`
		Categories  []category   `json:"categories"`
		Annotations []annotation `json:"annotations"`
	}{[]image{}, []category{}, []annotation{}}
	for _, m := range s.Images {
		file.Images = append(file.Images, image(m))
	}
	for _, c := range s.Categories {
		file.Categories = append(file.Categories, category(c))
	}
	for _, t := range s.Truths {
		a := annotation{t.ID, t.Image, t.Category, [4]float64{t.Box.X, t.Box.Y, t.Box.W, t.Box.H}, t.Area, 0}
		if t.Crowd {
			a.Crowd = 1
		}
		file.Annotations = append(file.Annotations, a)
	}
	return json.NewEncoder(w).Encode(file)
}

// WriteResults writes detections as ReadResults and COCO's evaluator read them,
// with category ids and every digit.
func WriteResults(w io.Writer, found []Detection) error {
	type result struct {
		Image    int64      `json:"image_id"`
		Category int64      `json:"category_id"`
		Box      [4]float64 `json:"bbox"`
		Score    float64    `json:"score"`
	}
	all := make([]result, len(found))
	for i, d := range found {
		for _, v := range [...]float64{d.Box.X, d.Box.Y, d.Box.W, d.Box.H, d.Score} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("detection %d of image %d holds %g", i+1, d.Image, v)
			}
		}
		all[i] = result{d.Image, d.Category, [4]float64{d.Box.X, d.Box.Y, d.Box.W, d.Box.H}, d.Score}
	}
	return json.NewEncoder(w).Encode(all)
}
