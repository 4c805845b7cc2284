package data

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

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
	b := newBuilder(t, kind, &leftOut{})
	for _, l := range lists {
		name := filepath.Join(root, filepath.FromSlash(l.file))
		f, _, err := openRegular(name)
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
