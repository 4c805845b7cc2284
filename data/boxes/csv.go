package boxes

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
)

// columns are where the fields of a list of boxes stand; -1 for nowhere.
type columns struct {
	picture, class, part, w, h, crowd int
	corner                            [4]int // left, top, right, bottom
	sizes                             bool   // the last two are width and height
}

// words are the names of columns, in lower case and without what parts them.
var words = struct{ picture, class, part, w, h, crowd []string }{
	[]string{"filename", "file", "path", "filepath", "image", "imagepath", "imagename", "imagefile", "img", "imageid", "id", "name", "picture"},
	[]string{"class", "label", "classname", "labelname", "category", "categoryname", "name", "classid", "labelid"},
	[]string{"split", "part", "subset", "partition", "set"},
	[]string{"imagewidth", "imgwidth", "width", "w"},
	[]string{"imageheight", "imgheight", "height", "h"},
	[]string{"iscrowd", "isgroupof", "crowd"},
}

// corners are the names of the columns of a box.
var corners = [4][]string{
	{"xmin", "x1", "left", "xleft", "bboxxmin", "bboxx1", "x0"},
	{"ymin", "y1", "top", "ytop", "bboxymin", "bboxy1", "y0"},
	{"xmax", "x2", "right", "xright", "bboxxmax", "bboxx2"},
	{"ymax", "y2", "bottom", "ybottom", "bboxymax", "bboxy2"},
}

// boxSizes are the names of columns of a box by its corner and its size.
var boxSizes = [4][]string{{"bboxx", "bboxleft", "boxx", "x"}, {"bboxy", "bboxtop", "boxy", "y"}, {"bboxwidth", "bboxw", "boxw", "w"}, {"bboxheight", "bboxh", "boxh", "h"}}

// columnsOf tells the columns of a header, or of a first row without one:
// picture, x1, y1, x2, y2, class.
func columnsOf(row []string) (c columns, header, ok bool) {
	find := func(names []string) int {
		for _, n := range names {
			if i := slices.IndexFunc(row, func(s string) bool { return plain(s) == n }); i >= 0 {
				return i
			}
		}
		return -1
	}
	four := func(names [4][]string) (at [4]int, all bool) {
		all = true
		for i := range names {
			at[i] = find(names[i])
			all = all && at[i] >= 0
		}
		return at, all
	}
	c = columns{picture: find(words.picture), class: find(words.class), part: find(words.part), w: find(words.w), h: find(words.h), crowd: find(words.crowd)}
	if c.corner, ok = four(corners); !ok {
		c.corner, ok = four(boxSizes)
		c.sizes = ok
		c.w, c.h = find(words.w[:3]), find(words.h[:3])
	}
	if ok && c.picture >= 0 && c.class >= 0 && c.picture != c.class {
		return c, true, true
	}
	c = columns{0, 5, -1, -1, -1, -1, [4]int{1, 2, 3, 4}, false}
	return c, false, len(row) == 6 && vision.IsPicture(row[0]) && isRetina(row)
}

// isRetina reports whether a row without a header is of a picture and a box, or
// of a picture that shows nothing.
func isRetina(row []string) bool {
	if strings.Join(row[1:], "") == "" {
		return true
	}
	for _, s := range row[1:5] {
		if _, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err != nil {
			return false
		}
	}
	return true
}

// plain is a column's name in lower case without what parts its words.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-.\ufeff", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// csvRow is a row of a list of boxes.
type csvRow struct {
	picture, class, part string
	w, h                 int
	box                  vision.Box
	empty, crowd         bool
	line                 int
}

// csvFile is a list of boxes.
type csvFile struct {
	path  string
	rows  []csvRow
	found findings
	parts bool // every coordinate is a part of the picture
	own   bool // every width and height is the box's, not the picture's
}

// readCSV reads a list; it returns nil for one that is not of boxes.
func readCSV(file string) (*csvFile, error) {
	f, err := os.Open(filepath.FromSlash(file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(io.LimitReader(f, maxLabels), 64<<10)
	head, _ := in.Peek(4096)
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.ReuseRecord, r.LazyQuotes = -1, true, true
	line, _, _ := strings.Cut(string(head), "\n")
	for _, comma := range ",;\t|" {
		if strings.ContainsRune(line, comma) {
			r.Comma = comma
			break
		}
	}
	first, err := r.Read()
	if err != nil {
		return nil, nil
	}
	cols, header, ok := columnsOf(first)
	if !ok {
		return nil, nil
	}
	c := &csvFile{path: file, found: findings{}, parts: true, own: true}
	width := len(first)
	if !header {
		c.add(&cols, first, width, 1)
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		at, _ := r.FieldPos(0)
		if err != nil {
			var parse *csv.ParseError
			if errors.As(err, &parse) {
				at, err = parse.Line, parse.Err
			}
			return nil, fmt.Errorf("%w: %s:%d: %w", data.ErrCorrupt, file, at, err)
		}
		c.add(&cols, row, width, at)
	}
	return c, nil
}

// add adds a row of so many columns.
func (c *csvFile) add(cols *columns, row []string, width, line int) {
	if len(row) != width {
		c.found.add(BrokenBox, Place{c.path, line, fmt.Sprintf("%d columns, want %d", len(row), width)})
		return
	}
	get := func(i int) string {
		if i < 0 {
			return ""
		}
		return strings.Clone(strings.TrimSpace(row[i]))
	}
	x := csvRow{picture: get(cols.picture), class: get(cols.class), part: get(cols.part), line: line}
	if x.picture == "" {
		c.found.add(BrokenBox, Place{c.path, line, "no picture"})
		return
	}
	w, _ := strconv.ParseFloat(get(cols.w), 64)
	h, _ := strconv.ParseFloat(get(cols.h), 64)
	x.w, x.h = int(w), int(h)
	x.crowd = get(cols.crowd) == "1"
	text := [4]string{get(cols.corner[0]), get(cols.corner[1]), get(cols.corner[2]), get(cols.corner[3])}
	if x.empty = strings.Join(text[:], "") == ""; !x.empty {
		x.box = vision.Box{X0: coordinate(text[0]), Y0: coordinate(text[1]), X1: coordinate(text[2]), Y1: coordinate(text[3])}
		if cols.sizes {
			x.box.X1, x.box.Y1 = x.box.X0+x.box.X1, x.box.Y0+x.box.Y1
		}
		c.parts = c.parts && !(max(x.box.X1, x.box.Y1) > 1.01)
		c.own = c.own && math.Abs(x.box.X1-x.box.X0-w) <= 1 && math.Abs(x.box.Y1-x.box.Y0-h) <= 1
	}
	c.rows = append(c.rows, x)
}

// csvReading reads the lists of a tree; it returns nil if there are none.
func (t *tree) csvReading() (*reading, error) {
	var files []*csvFile
	names := map[string]bool{}
	for _, name := range t.tables {
		c, err := readCSV(name)
		if err != nil {
			return nil, err
		}
		if c == nil || len(c.rows) == 0 {
			continue
		}
		files = append(files, c)
		for _, row := range c.rows {
			if row.class != "" {
				names[row.class] = true
			}
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	r := &reading{layout: CSV, from: plural(len(files), "list of boxes"), classes: sortedNames(names), found: findings{}}
	if len(files) > 1 {
		r.from = fmt.Sprintf("%d lists of boxes", len(files))
	}
	seen := map[string]string{}
	for _, c := range files {
		r.found.merge(c.found)
		part, err := t.partOf(c.path)
		if err != nil {
			return nil, err
		}
		if err := r.addCSV(t, c, part, seen); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// addCSV adds the pictures of a list. Seen are those of lists before, with the
// list.
func (r *reading) addCSV(t *tree, c *csvFile, part string, seen map[string]string) error {
	if c.parts {
		r.note("all coordinates of %s are within 0 and 1: they are taken for parts of the pictures", c.path)
	}
	at := map[string]int{}
	for _, row := range c.rows {
		i, ok := at[row.picture]
		if !ok {
			file, why := t.find(row.picture, path.Dir(c.path), "", part)
			if file == "" {
				r.found.add(MissingPicture, Place{c.path, row.line, row.picture + ": " + why})
			} else if other := seen[file]; other != "" {
				return fmt.Errorf("%w: %s is labelled in %s and in %s: give the one to read", data.ErrAmbiguous, file, other, c.path)
			} else {
				seen[file] = c.path
			}
			p := labelled{file: file, name: row.picture, part: part, labels: c.path, line: row.line}
			if !c.own {
				p.w, p.h = row.w, row.h
			}
			if row.part != "" {
				var err error
				if p.part, err = data.PathPart(row.part); err != nil || p.part == "" {
					return fmt.Errorf("%w: %s:%d: split %q: want train, val or test", data.ErrCorrupt, c.path, row.line, row.part)
				}
			}
			i = len(r.pictures)
			at[row.picture] = i
			r.pictures = append(r.pictures, p)
		}
		switch class, ok := slices.BinarySearch(r.classes, row.class); {
		case row.empty:
		case !ok:
			r.found.add(UnknownClass, Place{c.path, row.line, "no class"})
		default:
			r.pictures[i].boxes = append(r.pictures[i].boxes, labelledBox{box: row.box, parts: c.parts, class: class, crowd: row.crowd, line: row.line})
		}
	}
	return nil
}
