package boxes

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
)

// Bounds of what is looked at.
const (
	maxDepth   = 16
	maxEntries = 1 << 24
)

// tree is the files in a folder and below, by what they may be. Paths have
// slashes and begin with the folder's.
type tree struct {
	root               string
	pictures           []string
	jsons, xmls, texts []string
	yamls, tables      []string
	entries            int
	byBase, byStem     map[string][]int // of pictures, in lower case
	folders            []os.FileInfo    // around the one that is read
	imageRoot          string           // where pictures are looked for; "" for root
}

// scan lists what lies in root, and the pictures in imageRoot if that is not "".
func scan(root, imageRoot string) (*tree, error) {
	t := &tree{root: filepath.ToSlash(filepath.Clean(root)), imageRoot: imageRoot}
	if err := t.read(t.root, 0); err != nil {
		return nil, err
	}
	if imageRoot != "" {
		images := &tree{}
		if err := images.read(filepath.ToSlash(filepath.Clean(imageRoot)), 0); err != nil {
			return nil, err
		}
		t.pictures = images.pictures
	}
	t.index()
	return t, nil
}

// index makes pictures found by their names.
func (t *tree) index() {
	for _, list := range [][]string{t.pictures, t.jsons, t.xmls, t.texts, t.yamls, t.tables} {
		slices.Sort(list)
	}
	t.byBase, t.byStem = make(map[string][]int, len(t.pictures)), make(map[string][]int, len(t.pictures))
	for i, p := range t.pictures {
		base := strings.ToLower(path.Base(p))
		t.byBase[base] = append(t.byBase[base], i)
		t.byStem[stem(base)] = append(t.byStem[stem(base)], i)
	}
}

func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

func (t *tree) read(dir string, depth int) error {
	entries, err := os.ReadDir(filepath.FromSlash(dir))
	if err != nil {
		return err
	}
	if t.entries += len(entries); t.entries > maxEntries {
		return fmt.Errorf("%w: %s holds more than %d files", data.ErrLayout, t.root, maxEntries)
	}
	if isRun(entries) {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "__MACOSX" {
			continue
		}
		name, mode := path.Join(dir, e.Name()), e.Type()
		if mode&os.ModeSymlink != 0 {
			info, err := os.Stat(filepath.FromSlash(name))
			if err != nil {
				continue
			}
			mode = info.Mode()
		}
		switch {
		case mode.IsRegular():
			t.file(name)
		case mode.IsDir() && depth < maxDepth:
			if err := t.enter(name, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// enter reads a folder below, unless a link leads back to one around it.
func (t *tree) enter(dir string, depth int) error {
	info, err := os.Stat(filepath.FromSlash(dir))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(t.folders, func(o os.FileInfo) bool { return os.SameFile(o, info) }) {
		return nil
	}
	t.folders = append(t.folders, info)
	err = t.read(dir, depth)
	t.folders = t.folders[:len(t.folders)-1]
	return err
}

// isRun says whether a folder is one that a training run keeps its record in.
func isRun(entries []os.DirEntry) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name })
	}
	return has("config.json") && (has("last.safetensors") || has("metrics.jsonl"))
}

func (t *tree) file(name string) {
	switch ext := strings.ToLower(path.Ext(name)); {
	case vision.IsPicture(name):
		t.pictures = append(t.pictures, name)
	case ext == ".json":
		t.jsons = append(t.jsons, name)
	case ext == ".xml":
		t.xmls = append(t.xmls, name)
	case ext == ".txt", ext == ".names":
		t.texts = append(t.texts, name)
	case ext == ".yaml", ext == ".yml":
		t.yamls = append(t.yamls, name)
	case ext == ".csv", ext == ".tsv":
		t.tables = append(t.tables, name)
	}
}

// rel returns a path below the root.
func (t *tree) rel(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, t.root), "/")
}

// partOf returns the part that the words of a path below the root name; those of
// the file before those of its folders.
func (t *tree) partOf(name string) (string, error) {
	rel := t.rel(name)
	if p, err := data.PathPart(path.Base(rel)); p != "" || err != nil {
		return p, err
	}
	return data.PathPart(path.Dir(rel))
}

// find returns the picture of a name that a file of labels in the folder near
// has. Where there are several it is the one in a folder of the name hint, or of
// the same part, or the one that lies nearest. It returns "" and why if there is
// none.
func (t *tree) find(name, near, hint, part string) (file, why string) {
	name = path.Clean(strings.ReplaceAll(strings.TrimSpace(name), `\`, "/"))
	if t.imageRoot == "" {
		if file := path.Join(near, name); len(t.exact(file)) == 1 {
			return file, ""
		}
	}
	base := strings.ToLower(path.Base(name))
	at := t.byBase[base]
	if len(at) == 0 && !vision.IsPicture(base) {
		at = t.byStem[base]
	}
	if len(at) == 0 {
		return "", "there is no such picture"
	}
	at = t.narrow(at, func(p string) bool { return strings.HasSuffix(p, "/"+name) })
	at = t.narrow(at, func(p string) bool { return hint != "" && strings.Contains(p, "/"+hint+"/") })
	at = t.narrow(at, func(p string) bool {
		of, err := t.partOf(p)
		return part != "" && err == nil && of == part
	})
	if len(at) > 1 {
		longest := 0
		for _, i := range at {
			longest = max(longest, common(t.pictures[i], near))
		}
		at = t.narrow(at, func(p string) bool { return common(p, near) == longest })
	}
	if len(at) > 1 {
		return "", fmt.Sprintf("it may be %s or %s", t.pictures[at[0]], t.pictures[at[1]])
	}
	return t.pictures[at[0]], ""
}

// exact returns the picture at a path.
func (t *tree) exact(file string) []int {
	return slices.DeleteFunc(slices.Clone(t.byBase[strings.ToLower(path.Base(file))]), func(i int) bool { return t.pictures[i] != file })
}

// narrow returns those of some pictures that fit, or all if none does.
func (t *tree) narrow(at []int, fits func(string) bool) []int {
	if len(at) == 1 {
		return at
	}
	var kept []int
	for _, i := range at {
		if fits(t.pictures[i]) {
			kept = append(kept, i)
		}
	}
	if len(kept) == 0 {
		return at
	}
	return kept
}

// common returns how many folders of two paths are the same.
func common(a, b string) int {
	x, y := strings.Split(path.Dir(a), "/"), strings.Split(b, "/")
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}
