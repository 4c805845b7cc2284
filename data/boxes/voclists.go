package boxes

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
)

// vocLists are the lists of ImageSets/Main, by the folder of Annotations.
type vocLists struct {
	t  *tree
	of map[string]map[string]string // part by stem; nil for no lists
}

// part returns the part of an annotation file, and false if there are lists and
// it is in none.
func (l *vocLists) part(file string) (part string, listed bool, err error) {
	dir := path.Dir(file)
	list, ok := l.of[dir]
	if !ok {
		if list, err = l.read(dir); err != nil {
			return "", false, err
		}
		l.of[dir] = list
	}
	if list == nil {
		part, err = l.t.partOf(file)
		return part, true, err
	}
	part, listed = list[stem(path.Base(file))]
	return part, listed, nil
}

// read reads the lists beside a folder of annotations. Those of trainval are
// for sets that do not part the two.
func (l *vocLists) read(annotations string) (map[string]string, error) {
	list := map[string]string{}
	found := false
	for _, part := range []string{"train", "val", "test", "trainval"} {
		if part == "trainval" && len(list) > 0 {
			if _, err := os.Stat(l.path(annotations, "train")); err == nil {
				continue
			}
		}
		text, err := os.ReadFile(l.path(annotations, part))
		if err != nil {
			continue
		}
		found = true
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) == 0 {
				continue
			}
			id, as := stem2(fields[0]), strings.TrimSuffix(part, "val")
			if part == "val" {
				as = part
			}
			if other, ok := list[id]; ok && other != as {
				return nil, fmt.Errorf("%w: %s lists %s, which is of %s as well", data.ErrAmbiguous, l.path(annotations, part), id, other)
			}
			list[id] = as
		}
	}
	if !found {
		return nil, nil
	}
	return list, nil
}

// stem2 is a name without a picture's extension.
func stem2(name string) string {
	if vision.IsPicture(name) {
		return stem(path.Base(name))
	}
	return name
}

func (l *vocLists) path(annotations, part string) string {
	return filepath.Join(filepath.FromSlash(path.Dir(annotations)), "ImageSets", "Main", part+".txt")
}
