package boxes

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
)

// vocFile is an annotation file of Pascal VOC's kind.
type vocFile struct {
	path, folder, filename string
	w, h                   int
	objects                []vocObject
	err                    error // what ended it too soon
	errLine                int
}

type vocObject struct {
	Name      string `xml:"name"`
	Difficult string `xml:"difficult"`
	Box       *struct {
		X0 string `xml:"xmin"`
		Y0 string `xml:"ymin"`
		X1 string `xml:"xmax"`
		Y1 string `xml:"ymax"`
	} `xml:"bndbox"`
	line int
}

// maxVOC bounds an annotation file, in bytes.
const maxVOC = 16 << 20

// readVOC reads an annotation file; it returns nil for other XML. What is wrong
// with the file is in its err.
func readVOC(file string) (*vocFile, error) {
	f, err := os.Open(filepath.FromSlash(file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	v := &vocFile{path: file}
	d := xml.NewDecoder(bufio.NewReader(io.LimitReader(f, maxVOC)))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // names are then as the bytes are
	known, err := v.read(d)
	if !known {
		return nil, nil
	}
	if err != nil {
		v.errLine, _ = d.InputPos()
		v.err = cutXML(err)
	}
	return v, nil
}

// cutXML says in words that a file ends too soon.
func cutXML(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return errors.New(syntax.Msg)
	}
	return cut(err)
}

// read reads the elements of an annotation; known reports whether it is one.
func (v *vocFile) read(d *xml.Decoder) (known bool, err error) {
	for {
		t, err := d.Token()
		if err != nil {
			return known, err
		}
		switch e := t.(type) {
		case xml.EndElement:
			return known, nil
		case xml.StartElement:
			if !known {
				if e.Name.Local != "annotation" {
					return false, nil
				}
				known = true
				continue
			}
			if err := v.element(d, &e); err != nil {
				return known, err
			}
		}
	}
}

// element reads an element of the annotation.
func (v *vocFile) element(d *xml.Decoder, e *xml.StartElement) error {
	switch e.Name.Local {
	case "folder":
		return d.DecodeElement(&v.folder, e)
	case "filename":
		return d.DecodeElement(&v.filename, e)
	case "size":
		var size struct {
			W string `xml:"width"`
			H string `xml:"height"`
		}
		err := d.DecodeElement(&size, e)
		w, _ := strconv.ParseFloat(strings.TrimSpace(size.W), 64)
		h, _ := strconv.ParseFloat(strings.TrimSpace(size.H), 64)
		v.w, v.h = int(w), int(h)
		return err
	case "object":
		var o vocObject
		o.line, _ = d.InputPos()
		err := d.DecodeElement(&o, e)
		if err == nil {
			v.objects = append(v.objects, o)
		}
		return err
	}
	return d.Skip()
}

// official matches the folders of Pascal VOC itself, whose pixels count from 1.
var official = regexp.MustCompile(`^VOC20[0-9][0-9]$`)

func (v *vocFile) official() bool {
	return official.MatchString(strings.TrimSpace(v.folder)) || slices.ContainsFunc(strings.Split(path.Dir(v.path), "/"), official.MatchString)
}

// vocReading reads the annotation files of a tree; it returns nil if there are
// none.
func (t *tree) vocReading() (*reading, error) {
	var files []*vocFile
	names := map[string]bool{}
	for _, name := range t.xmls {
		v, err := readVOC(name)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		files = append(files, v)
		for _, o := range v.objects {
			names[strings.TrimSpace(o.Name)] = true
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	r := &reading{layout: VOC, from: plural(len(files), "VOC annotation file"), found: findings{}, classes: sortedNames(names)}
	lists := vocLists{t: t, of: map[string]map[string]string{}}
	left, fromOne := 0, 0
	for _, v := range files {
		part, listed, err := lists.part(v.path)
		if err != nil {
			return nil, err
		}
		if !listed {
			left++
			continue
		}
		if v.official() {
			fromOne++
		}
		if err := r.addVOC(t, v, part); err != nil {
			return nil, err
		}
	}
	if left > 0 {
		r.note("%s in none of the lists of ImageSets/Main: not read", plural(left, "annotation file"))
	}
	if fromOne > 0 {
		r.note("%s of Pascal VOC itself, whose pixels count from 1: xmin and ymin are taken less 1", plural(fromOne, "annotation file"))
	}
	return r, nil
}

func sortedNames(set map[string]bool) []string {
	var list []string
	for n := range set {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// addVOC adds the picture of an annotation file.
func (r *reading) addVOC(t *tree, v *vocFile, part string) error {
	if v.err != nil {
		r.found.add(BrokenLabels, Place{v.path, v.errLine, v.err.Error()})
		return nil
	}
	file, err := t.vocPicture(v, part)
	if err != nil {
		return err
	}
	p := labelled{file: file, name: v.filename, w: v.w, h: v.h, part: part, labels: v.path}
	if file == "" {
		r.found.add(MissingPicture, Place{v.path, 0, v.filename})
	}
	for _, o := range v.objects {
		name := strings.TrimSpace(o.Name)
		class, _ := slices.BinarySearch(r.classes, name)
		if name == "" {
			r.found.add(UnknownClass, Place{v.path, o.line, "an object without a name"})
			continue
		}
		if o.Box == nil {
			r.found.add(BrokenBox, Place{v.path, o.line, name + " without a bndbox"})
			continue
		}
		b := vision.Box{X0: coordinate(o.Box.X0), Y0: coordinate(o.Box.Y0), X1: coordinate(o.Box.X1), Y1: coordinate(o.Box.Y1)}
		if v.official() {
			b.X0, b.Y0 = max(b.X0-1, 0), max(b.Y0-1, 0)
		}
		p.boxes = append(p.boxes, labelledBox{box: b, class: class, difficult: strings.TrimSpace(o.Difficult) == "1", line: o.line})
	}
	r.pictures = append(r.pictures, p)
	return nil
}

// coordinate reads a number; NaN for what is none.
func coordinate(s string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// vocPicture returns the picture of an annotation file: that of its filename, or
// where there is none, that of the file's own name.
func (t *tree) vocPicture(v *vocFile, part string) (string, error) {
	near := path.Dir(v.path)
	named := ""
	if strings.TrimSpace(v.filename) != "" {
		named, _ = t.find(v.filename, near, "JPEGImages", part)
	}
	own, _ := t.find(stem(path.Base(v.path)), near, "JPEGImages", part)
	switch {
	case named == "" || own == named:
		return own, nil
	case own != "" && path.Dir(own) == path.Dir(named):
		return "", fmt.Errorf("%w: %s names the picture %s, and lies beside %s: rename one of them", data.ErrAmbiguous, v.path, named, own)
	}
	return named, nil
}
