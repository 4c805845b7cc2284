package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// OpenList reads a list of pictures and their classes: a CSV file whose first
// row names the columns — image (or path, file, filename, id …), label (or
// class, category, target …) and, if wanted, split with a part's word — or one
// without such a row, of two columns; JSON lines, each an object with members of
// those names, as Hugging Face's metadata.jsonl; or a text file with a path and a class,
// parted by white space, on each line. Columns are parted by commas,
// semicolons, tabs or bars. Parts may as well be in a column of any name that
// holds nothing but their words, or in one such as is_valid of yes and no. Paths
// are relative to the list's folder; they may lack their extension.
func OpenList(file string) (*Splits, error) {
	f, _, err := openRegular(file)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	defer f.Close()
	l := newList(filepath.Dir(file))
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv", ".tsv":
		err = l.readCSV(f)
	case ".jsonl", ".ndjson":
		err = l.readJSON(f)
	default:
		err = readPairs(f, func(name string, fields []string) error {
			if len(fields) != 1 {
				return fmt.Errorf("%w: want a path and a class", ErrCorrupt)
			}
			l.add(name, fields[0], noPart)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(l.items) == 0 {
		return nil, fmt.Errorf("%w: %s lists no pictures", ErrLayout, file)
	}
	if err := errors.Join(l.oneLabel(), l.unlabelled()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	l.findFiles()
	return l.splits()
}

// list is a list in the making.
type list struct {
	*builder
}

func newList(root string) *list {
	l := &list{newBuilder(&tree{root: root}, "list", &leftOut{})}
	l.numeric = true
	return l
}

// add adds a picture.
func (l *list) add(name, class string, p part) {
	l.builder.add(len(l.tree.paths), p, class)
	l.tree.paths = append(l.tree.paths, path.Clean(filepath.ToSlash(name)))
}

// findFiles looks for the files of names that do not lead to one as they are:
// with slashes for backslashes, or with an extension, that of the first picture
// for all.
func (l *list) findFiles() {
	paths := l.tree.paths
	if l.there(paths[0]) {
		return
	}
	turn := func(name string) string { return name }
	if strings.Contains(paths[0], `\`) {
		turn = func(name string) string { return path.Clean(strings.ReplaceAll(name, `\`, "/")) }
	}
	if !l.there(turn(paths[0])) && !isPicture(paths[0]) {
		slashes := turn
		for _, ext := range pictureEndings {
			if l.there(turn(paths[0]) + ext) {
				turn = func(name string) string { return slashes(name) + ext }
				break
			}
		}
	}
	if !l.there(turn(paths[0])) {
		return
	}
	l.notes = append(l.notes, fmt.Sprintf("%s is read as %s, and others like it", paths[0], turn(paths[0])))
	for i, name := range paths {
		if !l.there(name) {
			paths[i] = turn(name)
		}
	}
}

// pictureEndings are what a list's pictures may end in where it does not say.
var pictureEndings = []string{".jpg", ".png", ".jpeg", ".JPG", ".JPEG", ".PNG", ".webp", ".tif", ".bmp"}

// there says whether a picture's file exists.
func (l *list) there(name string) bool {
	t := tree{root: l.tree.root, paths: []string{path.Clean(filepath.ToSlash(name))}}
	info, err := os.Stat(t.name(0))
	return err == nil && !info.IsDir()
}

// columnWords are the names of a CSV file's columns; those in front come first
// where there are several.
var columnWords = struct{ image, label, part []string }{
	[]string{
		"image", "path", "file", "filename", "filepath", "imagepath", "imagefile", "imagename", "imagefilename", "img", "imgpath", "imgname",
		"imgfile", "filepaths", "filenames", "paths", "images", "picture", "photo", "imageid", "imgid", "name", "id", "uuid",
	},
	[]string{
		"label", "labels", "class", "classname", "labelname", "category", "categoryname", "target", "targetname", "targets", "species", "breed",
		"diagnosis", "classid", "labelid", "categoryid", "y", "classes", "cls", "tag", "type", "dx", "level", "finelabel", "groundtruth",
	},
	[]string{"split", "part", "subset", "partition", "usage"},
}

// findColumn returns the column that one of the words names, the earlier word
// first, or -1.
func findColumn(row, words []string) int {
	for _, w := range words {
		for i, s := range row {
			if columnWord(s) == w {
				return i
			}
		}
	}
	return -1
}

// columnWord is a column's name in lower case without what parts its words.
func columnWord(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-.", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// readCSV adds every row.
func (l *list) readCSV(r io.Reader) error {
	c, err := sniffCSV(r)
	if err != nil {
		return err
	}
	rows, err := c.ReadAll()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return l.table(rows)
}

// table adds the pictures of rows, of which the first may name the columns.
func (l *list) table(rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	var second []string
	if len(rows) > 1 {
		second = rows[1]
	}
	cols, header, err := l.columns(rows[0], second)
	if err != nil {
		return err
	}
	first := 0
	if header {
		first = 1
		if err := l.findParts(&cols, rows[0], rows[1:]); err != nil {
			return err
		}
	}
	for i, row := range rows[first:] {
		if err := l.row(cols, row, first+i+1); err != nil {
			return err
		}
	}
	return nil
}

// sniffCSV makes a reader for what parts the columns of the first line: a comma
// if there is one, else a semicolon, a tab or a bar.
func sniffCSV(r io.Reader) (*csv.Reader, error) {
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%w: the text is UTF-16: save it as UTF-8", ErrLayout)
	}
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	c := csv.NewReader(io.MultiReader(bytes.NewReader(head), r))
	line, _, _ := bytes.Cut(head, []byte("\n"))
	for _, comma := range ",;\t|" {
		if bytes.ContainsRune(line, comma) {
			c.Comma = comma
			break
		}
	}
	return c, nil
}

// columns tells where the fields are, and whether the first row names them. It
// does if it has a known name and no picture's, or if there is no picture of its
// name and one of the second row's.
func (l *list) columns(first, second []string) (cols columns, header bool, err error) {
	cols = columns{image: findColumn(first, columnWords.image), label: findColumn(first, columnWords.label), split: findColumn(first, columnWords.part)}
	two, data := len(first) == 2, slices.ContainsFunc(first, func(s string) bool { return isPicture(s) || l.there(s) })
	switch {
	case !data && cols.image >= 0 && cols.label >= 0:
		return cols, true, nil
	case !data && two && cols.image >= 0:
		return columns{image: cols.image, label: 1 - cols.image, split: -1}, true, nil
	case !data && two && cols.label >= 0:
		return columns{image: 1 - cols.label, label: cols.label, split: -1}, true, nil
	case !two:
		return cols, false, fmt.Errorf("%w: %d columns, %s: want one named image and one named label", ErrCorrupt, len(first), listNames(first))
	}
	cols = columns{image: 0, label: 1, split: -1}
	if l.there(first[0]) || len(second) != 2 {
		return cols, false, nil
	}
	if l.there(second[0]) || isPicture(second[0]) && !isPicture(first[0]) {
		l.notes = append(l.notes, fmt.Sprintf("the first row, %s, is read as the names of the columns: there is no such picture", strings.Join(first, ", ")))
		return cols, true, nil
	}
	if l.there(second[1]) {
		return columns{image: 1, label: 0, split: -1}, !l.there(first[1]), nil
	}
	return cols, false, nil
}

// row adds the picture of a row.
func (l *list) row(cols columns, row []string, line int) error {
	p := noPart
	if cols.split >= 0 {
		var ok bool
		if p, ok = cols.says(row[cols.split]); !ok {
			return fmt.Errorf("%w: row %d: split %q: want train, val or test", ErrCorrupt, line, row[cols.split])
		}
	}
	name, class := strings.TrimSpace(row[cols.image]), strings.TrimSpace(row[cols.label])
	switch {
	case name == "":
		return fmt.Errorf("%w: row %d has no picture", ErrCorrupt, line)
	case class == "":
		return fmt.Errorf("%w: row %d, %s, has no label", ErrLabel, line, name)
	}
	l.add(name, class, p)
	return nil
}
