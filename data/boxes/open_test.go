package boxes

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
)

// pngOf is a picture file of w×h pixels.
func pngOf(w, h int) string {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		panic(err)
	}
	return b.String()
}

// turned is a stored picture of w×h pixels which EXIF turns a quarter to the
// right: its first row is the right column of the upright one.
func turned(w, h int) string {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		panic(err)
	}
	exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
	return "\xff\xd8\xff\xe1" + string([]byte{0, byte(len(exif) + 2)}) + exif + b.String()[2:]
}

// write makes a folder of files.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// voc is an annotation file of one object a line.
func voc(picture string, w, h int, objects ...string) string {
	s := fmt.Sprintf("<annotation>\n<folder>x</folder><filename>%s</filename>\n<size><width>%d</width><height>%d</height><depth>3</depth></size>\n", picture, w, h)
	for _, o := range objects {
		f := strings.Fields(o)
		s += fmt.Sprintf("<object><name>%s</name><bndbox><ymin>%s</ymin><xmin>%s</xmin><xmax>%s</xmax><ymax>%s</ymax></bndbox></object>\n", f[0], f[2], f[1], f[3], f[4])
	}
	return s + "</annotation>\n"
}

// cocoText is a file of two pictures, a.png of 100×80 pixels with two objects and
// b.png of 60×40 with none.
const cocoText = `{"info": {"year": 2026},
"images": [{"id": 7, "file_name": "a.png", "width": 100, "height": 80},
 {"id": 9, "file_name": "b.png", "width": 60, "height": 40}],
"categories": [{"id": 3, "name": "dog"}, {"id": 1, "name": "cat"}],
"annotations": [
 {"id": 1, "image_id": 7, "category_id": 1, "bbox": [10, 20, 30, 40], "area": 900, "iscrowd": 0, "segmentation": [[1, 2, 3]]},
 {"id": 2, "image_id": 7, "category_id": 3, "bbox": [50.5, 0, 25, 80], "area": 2000.0, "iscrowd": 1}
]}
`

// layoutsOf are the same pictures in all layouts.
func layoutsOf() map[Layout]map[string]string {
	a, b := pngOf(100, 80), pngOf(60, 40)
	return map[Layout]map[string]string{
		COCO: {"a.png": a, "b.png": b, "labels.json": cocoText},
		VOC: {
			"JPEGImages/a.png": a, "JPEGImages/b.png": b,
			"Annotations/a.xml": voc("a.png", 100, 80, "cat 10 20 40 60", "dog 50.5 0 75.5 80"), "Annotations/b.xml": voc("b.png", 60, 40),
		},
		YOLO: {
			"data.yaml":    "# two\nnames:\n  0: cat\n  1: 'dog'\nnc: 2\npath: .\ntrain: images\n",
			"images/a.png": a, "images/b.png": b, "labels/a.txt": "0 0.25 0.5 0.3 0.5\n\n1 0.63 0.5 0.25 1\n",
		},
		CSV: {"a.png": a, "b.png": b, "list.csv": "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,100,80,cat,10,20,40,60\na.png,100,80,dog,50.5,0,75.5,80\nb.png,60,40,,,,,\n"},
	}
}

// All layouts say the same of the same pictures.
func TestLayouts(t *testing.T) {
	want := []Objects{{{Box: vision.Box{X0: 10, Y0: 20, X1: 40, Y1: 60}}, {Box: vision.Box{X0: 50.5, X1: 75.5, Y1: 80}, Class: 1}}, nil}
	lines := map[Layout][2]int{COCO: {6, 7}, VOC: {4, 5}, YOLO: {1, 3}, CSV: {2, 3}}
	for layout, files := range layoutsOf() {
		s, err := Open(t.Context(), write(t, files), Options{})
		if err != nil {
			t.Errorf("%s: %v", layout, err)
			continue
		}
		if s.Layout != layout || !slices.Equal(s.Classes, []string{"cat", "dog"}) || len(s.Pictures) != 2 {
			t.Errorf("%s: %s, classes %q, %d pictures", layout, s.Layout, s.Classes, len(s.Pictures))
			continue
		}
		for i, p := range s.Pictures {
			if size := [][2]int{{100, 80}, {60, 40}}[i]; p.W != size[0] || p.H != size[1] {
				t.Errorf("%s: picture of %d×%d, want %v", layout, p.W, p.H, size)
			}
			if len(p.Objects) != len(want[i]) {
				t.Fatalf("%s: %s: %+v", layout, p.File, p.Objects)
			}
			for j, o := range p.Objects {
				if o.Class != want[i][j].Class || !near(o.Box, want[i][j].Box) || o.Line != lines[layout][j] {
					t.Errorf("%s: %+v, want %+v in line %d", layout, o, want[i][j], lines[layout][j])
				}
			}
		}
		if layout == COCO {
			a := s.Pictures[0]
			if a.ID != 7 || a.Objects[0].Area != 900 || a.Objects[0].Crowd || !a.Objects[1].Crowd || !slices.Equal(s.Categories, []int64{1, 3}) {
				t.Errorf("COCO: %+v of %v", a, s.Categories)
			}
		}
		var sample data.Sample
		d := s.Splits().Train
		if err := d.Read(1, &sample); err != nil || !reflect.DeepEqual(sample.Target, Objects{}) || len(sample.File) == 0 {
			t.Errorf("%s: read %v, target %v", layout, err, sample.Target)
		}
	}
}

// A set is the same seen from within its folder.
func TestWithin(t *testing.T) {
	for layout, files := range layoutsOf() {
		root := write(t, files)
		there, err := Open(t.Context(), root, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Chdir(root)
		here, err := Open(t.Context(), ".", Options{})
		if err != nil || len(here.Pictures) != len(there.Pictures) || len(here.Notes) != len(there.Notes) || !slices.Equal(found(here), found(there)) {
			t.Errorf("%s: %v, %+v; from outside %+v", layout, err, here, there)
		}
	}
}

func near(a, b vision.Box) bool {
	return max(math.Abs(a.X0-b.X0), math.Abs(a.Y0-b.Y0), math.Abs(a.X1-b.X1), math.Abs(a.Y1-b.Y1)) < 1e-9
}

// found are the findings as text, with the base names of files.
func found(s *Set) []string {
	var list []string
	for _, f := range s.Findings {
		p := f.Places[0]
		list = append(list, fmt.Sprintf("%s ×%d %s:%d", f.Kind, f.Count, filepath.Base(p.File), p.Line))
	}
	return list
}

// What is wrong is told with file and line and counted, and the rest is kept.
func TestFindings(t *testing.T) {
	a := pngOf(100, 80)
	coco := func(annotations string) map[string]string {
		return map[string]string{"a.png": a, "x.json": "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\"}, {\"id\": 2,\n \"file_name\": \"gone.png\"}],\n\"categories\": [{\"id\": 1, \"name\": \"cat\"}],\n\"annotations\": [\n" + annotations + "\n]}"}
	}
	box := func(s string) string { return `{"image_id": 1, "category_id": 1, "bbox": [` + s + `]}` }
	good := box("1, 2, 3, 4")
	list := func(rows string) map[string]string {
		return map[string]string{"a.png": a, "x.csv": "image,x1,y1,x2,y2,label\na.png,1,2,4,6,cat\n" + rows}
	}
	yolo := func(lines string) map[string]string {
		return map[string]string{"a.png": a, "a.txt": "0 .5 .5 .2 .2\n" + lines, "classes.txt": "cat\n\ndog\n"}
	}
	for name, c := range map[string]struct {
		files   map[string]string
		want    []string
		objects int
	}{
		"COCO zero, inverted, outside, cut, twice": {
			coco(strings.Join([]string{good, box("1, 2, 0, 4"), box("1, 2, -3, 4"), box("200, 2, 3, 4"), box("90, 70, 30, 40"), good}, ",\n")),
			[]string{"missing picture ×1 x.json:1", "inverted box ×1 x.json:7", "box of zero area ×1 x.json:6", "box outside the picture ×1 x.json:8", "box that is there twice ×1 x.json:10", "box cut at the picture's edge ×1 x.json:9"},
			2,
		},
		"COCO not numbers": {
			coco(strings.Join([]string{good, box("NaN, 2, 3, 4"), box("1, Infinity, 3, 4"), box("1, -Infinity, 3, 4"), box("1, null, 3, 4"), box("1, 1e999, 3, 4")}, ",\n")), nil, 0,
		},
		"COCO NaN": {
			coco(strings.Join([]string{good, box("NaN, 2, 3, 4"), box("1, Infinity, 3, 4"), box("1, -Infinity, 3, 4"), box("1, null, 3, 4")}, ",\n")),
			[]string{"missing picture ×1 x.json:1", "box that is not of numbers ×4 x.json:6"},
			1,
		},
		"COCO unknown class and picture": {
			coco(strings.Join([]string{good, `{"image_id": 1, "category_id": 0, "bbox": [1,2,3,4]}`, `{"image_id": 8, "category_id": 1, "bbox": [1,2,3,4]}`, `{"image_id": 2, "category_id": 1, "bbox": [1,2,3,4]}`}, ",\n")),
			[]string{"missing picture ×1 x.json:1", "unknown class ×1 x.json:6", "box of a picture that is not listed ×1 x.json:7"},
			1,
		},
		"VOC": {
			map[string]string{
				"a.png": a, "b.png": pngOf(50, 50), "a.xml": voc("a.png", 100, 80, "cat 1 2 4 6", "cat 5 5 5 9", "cat 9 9 3 20", "cat x 9 3 20"),
				"b.xml": voc("b.png", 50, 50, "cat 1 1 9 9")[:120], "c.xml": voc("c.png", 9, 9, "cat 1 1 2 2"), "d.png": a, "d.xml": voc("d.png", 640, 480, "cat 1 1 9 9"),
				"e.png": "no picture", "e.xml": voc("e.png", 0, 0, "cat 1 1 9 9"), "f.png": a, "f.xml": voc("f.png", 50, 40, "cat 1 1 9 9"),
			},
			[]string{
				"missing picture ×1 c.xml:0", "picture cannot be read ×1 e.png:0", "picture of another size than its labels say ×1 d.xml:0", "labels cannot be read ×1 b.xml:3",
				"box that is not of numbers ×1 a.xml:7", "inverted box ×1 a.xml:6", "box of zero area ×1 a.xml:5", "boxes scaled to the picture's size ×1 f.xml:0",
			},
			2,
		},
		"YOLO": {
			yolo("0 .5 .5 0 .1\n2 .5 .5 .1 .1\n0 .5 .5 .1 .1 .9\n0 .5 .5 .1\n0 .9 .9 .1 .1 .95 .95\n1 1.5 .5 .1 .1\n0 nan .5 .1 .1\n0 .5 .5 -.1 .1\nx .5 .5 .1 .1\n"),
			[]string{
				"box cannot be read ×3 a.txt:4", "box that is not of numbers ×1 a.txt:8", "unknown class ×1 a.txt:3", "inverted box ×1 a.txt:9", "box of zero area ×1 a.txt:2",
				"box outside the picture ×1 a.txt:7", "box around an outline ×1 a.txt:0",
			},
			2,
		},
		"CSV": {
			list("a.png,1,2,1,6,cat\ngone.png,1,2,3,4,cat\na.png,1,2\na.png,1,NaN,4,6,cat\na.png,1,2,4,6,\n,1,2,3,4,cat\n"),
			[]string{"missing picture ×1 x.csv:4", "box cannot be read ×2 x.csv:5", "box that is not of numbers ×1 x.csv:6", "unknown class ×1 x.csv:7", "box of zero area ×1 x.csv:3"},
			1,
		},
	} {
		s, err := Open(t.Context(), write(t, c.files), Options{})
		if c.want == nil {
			if err == nil || !strings.Contains(err.Error(), "x.json:") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := found(s); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
		n := 0
		for _, p := range s.Pictures {
			n += len(p.Objects)
			for _, o := range p.Objects {
				if !(o.Box.X0 >= 0 && o.Box.Y0 >= 0 && o.Box.X0 < o.Box.X1 && o.Box.Y0 < o.Box.Y1 && o.Box.X1 <= float64(p.W) && o.Box.Y1 <= float64(p.H)) {
					t.Errorf("%s: %+v in %d×%d", name, o.Box, p.W, p.H)
				}
			}
		}
		if n != c.objects {
			t.Errorf("%s: %d objects, want %d", name, n, c.objects)
		}
	}
}

// Lines are right wherever a buffer of the reader ends.
func TestLinesOfLongFiles(t *testing.T) {
	const n = 12
	for pad := range 64 {
		text := fmt.Sprintf("{\"info\": %q, \"images\": [{\"id\": 1, \"file_name\": \"a.png\"}], \"categories\": [{\"id\": 1, \"name\": \"cat\"}],\n\"annotations\": [\n", strings.Repeat("x", pad))
		for i := range n {
			text += fmt.Sprintf("{\"image_id\": 1, \"category_id\": 1, \"bbox\": [%d, 2, 0, 4]},\n", i)
		}
		text += "{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4]}]}"
		s, err := Open(t.Context(), write(t, map[string]string{"a.png": pngOf(100, 80), "x.json": text}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Findings) != 1 || len(s.Findings[0].Places) != n {
			t.Fatalf("%v", found(s))
		}
		for i, p := range s.Findings[0].Places {
			if p.Line != i+3 {
				t.Errorf("%d bytes before: box %d is in line %d, want %d", pad, i, p.Line, i+3)
			}
		}
	}
}

// Boxes of a picture that EXIF turns are those of the picture whose size the
// labels say; where they say none, of the upright one.
func TestTurned(t *testing.T) {
	for name, c := range map[string]struct {
		xml  string
		kind Kind
		want vision.Box
	}{
		"upright": {voc("a.jpg", 40, 60, "cat 1 2 11 22"), RotatedUpright, vision.Box{X0: 1, Y0: 2, X1: 11, Y1: 22}},
		"stored":  {voc("a.jpg", 60, 40, "cat 1 2 11 22"), RotatedStored, vision.Box{X0: 18, Y0: 1, X1: 38, Y1: 11}},
		"unsaid":  {voc("a.jpg", 0, 0, "cat 1 2 11 22"), RotatedUpright, vision.Box{X0: 1, Y0: 2, X1: 11, Y1: 22}},
	} {
		s, err := Open(t.Context(), write(t, map[string]string{"a.jpg": turned(60, 40), "a.xml": c.xml}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := s.Pictures[0]
		if p.W != 40 || p.H != 60 || len(p.Objects) != 1 || !near(p.Objects[0].Box, c.want) || len(s.Findings) != 1 || s.Findings[0].Kind != c.kind {
			t.Errorf("%s: %+v, %v", name, p, found(s))
		}
	}
}

// Two layouts that say the same are one set; that differ, an error with both.
func TestTwoReadings(t *testing.T) {
	all := layoutsOf()
	join := func(layouts ...Layout) map[string]string {
		files := map[string]string{}
		for _, l := range layouts {
			for name, text := range all[l] {
				files[name] = text
			}
		}
		return files
	}
	s, err := Open(t.Context(), write(t, join(COCO, CSV)), Options{})
	if err != nil || s.Layout != COCO || len(s.Notes) != 1 {
		t.Errorf("the same in two layouts: %v, %+v", err, s)
	}
	files := join(COCO, CSV)
	files["list.csv"] = strings.Replace(files["list.csv"], "10,20,40,60", "10,20,45,60", 1)
	root := write(t, files)
	_, err = Open(t.Context(), root, Options{})
	if !errors.Is(err, data.ErrAmbiguous) || !strings.Contains(err.Error(), "COCO file") || !strings.Contains(err.Error(), "list of boxes") {
		t.Errorf("two readings: %v", err)
	}
	for _, o := range []struct {
		path string
		o    Options
		want Layout
	}{{root, Options{Layout: CSV}, CSV}, {filepath.Join(root, "list.csv"), Options{}, CSV}, {filepath.Join(root, "labels.json"), Options{}, COCO}} {
		if s, err := Open(t.Context(), o.path, o.o); err != nil || s.Layout != o.want {
			t.Errorf("%s %+v: %v, %v", o.path, o.o, s, err)
		}
	}
	for name, files := range map[string]map[string]string{
		"two data.yaml":         {"a.png": pngOf(9, 9), "a.txt": "0 .5 .5 .1 .1\n", "x/data.yaml": "names: [a]\n", "y/data.yaml": "names: [a]\n"},
		"two files of a name":   {"a.png": pngOf(9, 9), "b.png": pngOf(9, 9), "a.xml": voc("b.png", 9, 9, "cat 1 1 2 2")},
		"two files of pictures": {"a.png": pngOf(100, 80), "b.png": pngOf(60, 40), "x.json": cocoText, "y.json": cocoText},
		"categories differ":     {"a.png": pngOf(100, 80), "x.json": cocoText, "y.json": strings.ReplaceAll(strings.ReplaceAll(cocoText, "dog", "cow"), "a.png", "b.png")},
	} {
		if _, err := Open(t.Context(), write(t, files), Options{}); !errors.Is(err, data.ErrAmbiguous) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(t.Context(), write(t, map[string]string{"cats/a.png": pngOf(9, 9), "list.csv": "image,label\na,b\n"}), Options{}); !errors.Is(err, ErrNone) || !errors.Is(err, data.ErrLayout) {
		t.Errorf("class folders: %v", err)
	}
}

// Parts are told by lists, columns and names.
func TestParts(t *testing.T) {
	p := pngOf(40, 40)
	xml := func(name string) string { return voc(name, 40, 40, "cat 1 1 9 9") }
	coco := strings.NewReplacer("a.png", "A.png", ", \"width\": 100, \"height\": 80", "", "\"b.png\"", "\"none.png\"").Replace(cocoText)
	for name, files := range map[string]map[string]string{
		"VOC's lists": {
			"JPEGImages/1.png": p, "JPEGImages/2.png": p, "JPEGImages/3.png": p, "JPEGImages/4.png": p,
			"Annotations/1.xml": xml("1.png"), "Annotations/2.xml": xml("2.png"), "Annotations/3.xml": xml("3.png"), "Annotations/4.xml": xml("4.png"),
			"ImageSets/Main/train.txt": "1\n", "ImageSets/Main/val.txt": "2\n", "ImageSets/Main/trainval.txt": "1\n2\n", "ImageSets/Main/test.txt": "3\n", "ImageSets/Main/cat_train.txt": "1 1\n",
		},
		"VOC's folders":  {"train/1.png": p, "train/1.xml": xml("1.png"), "val/1.png": p, "val/1.xml": xml("1.png"), "test/1.png": p, "test/1.xml": xml("1.png")},
		"COCO's names":   {"train2017/A.png": p, "val2017/A.png": p, "test/A.png": p, "annotations/instances_train2017.json": coco, "annotations/instances_val2017.json": coco, "annotations/instances_test2017.json": coco, "annotations/person_keypoints_val2017.json": coco, "annotations/captions_val2017.json": `{"images":[{"id":1}],"annotations":[{"image_id":1,"caption":"a"}]}`},
		"YOLO's yaml":    {"data.yaml": "names: [cat]\ntrain: ../train/images\nval: valid/images\ntest: test.txt\n", "train/images/1.png": p, "train/labels/1.txt": "0 .5 .5 .1 .1", "valid/images/2.png": p, "test.txt": "./more/3.png\n", "more/3.png": p, "more/3.txt": "0 .5 .5 .2 .2"},
		"YOLO's folders": {"images/train/1.png": p, "labels/train/1.txt": "0 .5 .5 .1 .1", "images/val/1.png": p, "labels/val/1.txt": "", "images/test/1.png": p, "labels/test/1.txt": "0 .5 .5 .1 .1"},
		"CSV's column":   {"1.png": p, "2.png": p, "3.png": p, "x.csv": "image,x1,y1,x2,y2,label,split\n1.png,1,1,3,3,cat,train\n2.png,1,1,3,3,cat,valid\n3.png,1,1,3,3,cat,TEST\n"},
		"CSV's names":    {"1.png": p, "2.png": p, "3.png": p, "train_labels.csv": "1.png,1,1,3,3,cat\n", "val.csv": "2.png,,,,,\n", "test.csv": "3.png,1,1,3,3,cat\n"},
	} {
		files := files
		if name == "COCO's names" {
			files["val2017/A.png"], files["train2017/A.png"], files["test/A.png"] = pngOf(90, 90), pngOf(90, 90), pngOf(90, 90)
		}
		o := Options{}
		if name == "COCO's names" {
			o.Layout = COCO
		}
		s, err := Open(t.Context(), write(t, files), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		d := s.Splits()
		for part, set := range map[string]data.Dataset{"train": d.Train, "val": d.Val, "test": d.Test} {
			if set == nil || set.Len() != 1 {
				t.Errorf("%s: %s: %v", name, part, set)
			}
		}
	}
}

// Pixels of Pascal VOC itself count from 1.
func TestOfficialVOC(t *testing.T) {
	root := write(t, map[string]string{"VOC2007/JPEGImages/1.png": pngOf(40, 40), "VOC2007/Annotations/1.xml": voc("1.png", 40, 40, "cat 1 5 40 9")})
	s, err := Open(t.Context(), root, Options{})
	if err != nil || s.Pictures[0].Objects[0].Box != (vision.Box{X0: 0, Y0: 4, X1: 40, Y1: 9}) || len(s.Notes) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A file of labels that is cut anywhere is an error that names it, or told of.
func TestCutAnywhere(t *testing.T) {
	for layout, files := range layoutsOf() {
		label := map[Layout]string{COCO: "labels.json", VOC: "Annotations/a.xml", YOLO: "data.yaml", CSV: "list.csv"}[layout]
		root := write(t, files)
		path := filepath.Join(root, filepath.FromSlash(label))
		whole := files[label]
		if layout == YOLO {
			cutLabels(t, files)
		}
		for n := 0; n < len(whole); n += 3 {
			if err := os.WriteFile(path, []byte(whole[:n]), 0o666); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), root, Options{})
			switch {
			case err != nil && errors.Is(err, data.ErrCorrupt) && !strings.Contains(err.Error(), filepath.Base(label)):
				t.Errorf("%s cut at %d: %v", layout, n, err)
			case err == nil && layout == COCO && strings.TrimSpace(whole[n:]) != "":
				t.Errorf("%s cut at %d: %d pictures", layout, n, len(s.Pictures))
			case err == nil && layout == VOC && n < len(whole)-len("</annotation>\n") && len(s.Pictures) != 1:
				t.Errorf("%s cut at %d: %d pictures", layout, n, len(s.Pictures))
			}
		}
	}
}

// cutLabels cuts a file of YOLO's labels anywhere: a line that has lost columns
// is told of, and those before it stay.
func cutLabels(t *testing.T, files map[string]string) {
	t.Helper()
	const label = "labels/a.txt"
	root, whole := write(t, files), files[label]
	for n := range whole {
		if err := os.WriteFile(filepath.Join(root, label), []byte(whole[:n]), 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), root, Options{})
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		lines := strings.Split(whole[:n], "\n")
		columns := len(strings.Fields(lines[len(lines)-1]))
		want := fmt.Sprintf("%s ×1 a.txt:%d", BrokenBox, len(lines))
		if len(lines) == 1 && columns == 1 { // it begins as no labels do
			want = fmt.Sprintf("%s ×1 a.txt:1", BrokenLabels)
		}
		if told := slices.Contains(found(s), want); told != (columns > 0 && columns < 5) {
			t.Errorf("cut at %d, %d columns left: %v", n, columns, found(s))
		}
	}
}
