package data

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// OpenList reads a list of pictures and their classes: a CSV file whose first
// row names the columns — image (or path, file, filename, filepath), label (or
// class, category) and, if wanted, split with train, val or test — or one
// without such a row, of two columns; or a text file with a path and a class,
// parted by white space, on each line. Paths are relative to the list's folder.
func OpenList(file string) (*Splits, error) {
	t := &tree{root: filepath.Dir(file)}
	b := newBuilder(t, "list")
	b.numeric = true
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	defer f.Close()
	add := func(name, class string, p part) {
		b.add(len(t.paths), p, class)
		t.paths = append(t.paths, path.Clean(filepath.ToSlash(name)))
	}
	if strings.EqualFold(filepath.Ext(file), ".csv") {
		err = readCSV(f, add)
	} else {
		err = readPairs(f, func(name string, fields []string) error {
			if len(fields) != 1 {
				return fmt.Errorf("%w: want a path and a class", ErrCorrupt)
			}
			add(name, fields[0], noPart)
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(b.items) == 0 {
		return nil, fmt.Errorf("%w: %s lists no pictures", ErrLayout, file)
	}
	return b.splits()
}

// columns are the names of a CSV file's columns.
var columns = struct{ image, label, part []string }{
	[]string{"image", "path", "file", "filename", "file_name", "filepath", "image_path", "img"},
	[]string{"label", "class", "category", "target", "class_name"},
	[]string{"split", "part", "subset"},
}

// readCSV calls add for every row.
func readCSV(r io.Reader, add func(name, class string, p part)) error {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	image, label, split := 0, 1, -1
	for line := 1; ; line++ {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if line == 1 {
			i, l, s := findColumn(row, columns.image), findColumn(row, columns.label), findColumn(row, columns.part)
			if i >= 0 && l >= 0 {
				image, label, split = i, l, s
				continue
			}
			if len(row) != 2 {
				return fmt.Errorf("%w: %d columns, none named image and label", ErrCorrupt, len(row))
			}
		}
		p := noPart
		if split >= 0 {
			if p = partOf(row[split]); p == noPart {
				return fmt.Errorf("%w: row %d: split %q: want train, val or test", ErrCorrupt, line, row[split])
			}
		}
		add(row[image], row[label], p)
	}
}

// findColumn returns the column with one of the names, or -1.
func findColumn(row, names []string) int {
	return slices.IndexFunc(row, func(s string) bool {
		return slices.Contains(names, strings.ToLower(strings.Trim(s, " \ufeff")))
	})
}

// readPairs calls f for every line of a text file with its first field and the
// others. Empty lines and those that begin with # are passed over.
func readPairs(r io.Reader, f func(first string, others []string) error) error {
	s := bufio.NewScanner(r)
	for line := 1; s.Scan(); line++ {
		fields := strings.Fields(s.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if err := f(fields[0], fields[1:]); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

// openPets reads Oxford-IIIT Pets as it is published: images/BREED_NUMBER.jpg,
// listed in annotations/trainval.txt and annotations/test.txt. It returns nil
// if those are not there.
func openPets(root string) (*Splits, error) {
	return openListed(root, "Oxford-IIIT Pets", []listed{
		{"annotations/trainval.txt", trainPart},
		{"annotations/test.txt", testPart},
	}, func(name string) (file, class string, ok bool) {
		at := strings.LastIndexByte(name, '_')
		return "images/" + name + ".jpg", name[:max(at, 0)], at > 0
	})
}

// openFood reads Food-101 as it is published: images/CLASS/NUMBER.jpg, listed
// in meta/train.txt and meta/test.txt. It returns nil if those are not there.
func openFood(root string) (*Splits, error) {
	return openListed(root, "Food-101", []listed{
		{"meta/train.txt", trainPart},
		{"meta/test.txt", testPart},
	}, func(name string) (file, class string, ok bool) {
		class, number, ok := strings.Cut(name, "/")
		return "images/" + name + ".jpg", class, ok && number != ""
	})
}

// listed is a file that lists the pictures of a part.
type listed struct {
	file string
	part part
}

// openListed reads a layout whose parts are listed in files of its own; resolve
// turns an entry into a picture's path and class.
func openListed(root, kind string, lists []listed, resolve func(name string) (file, class string, ok bool)) (*Splits, error) {
	t := &tree{root: root}
	b := newBuilder(t, kind)
	for _, l := range lists {
		name := filepath.Join(root, filepath.FromSlash(l.file))
		f, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		err = readPairs(f, func(entry string, _ []string) error {
			file, class, ok := resolve(entry)
			if !ok {
				return fmt.Errorf("%w: entry %q", ErrCorrupt, entry)
			}
			b.add(len(t.paths), l.part, class)
			t.paths = append(t.paths, file)
			return nil
		})
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return b.splits()
}
