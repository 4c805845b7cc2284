package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// maxDepth bounds how deep pictures are looked for, and linkDepth how deep links
// to folders are followed. maxEntries bounds the files and folders of a set.
const (
	maxDepth   = 16
	linkDepth  = 3
	maxEntries = 1 << 26
)

// folder is what lies in a folder and in those below it. Paths are relative to
// the root, with slashes, in order.
type folder struct {
	root     string
	pictures []string
	empty    []string // folders without a picture, only the outermost
	archives []string // tar files
	tables   []string // Parquet files
	arrays   []string // files of pictures named as IDX files are
	cifar    []string // folders of CIFAR's binary files
	pickles  []string // folders of CIFAR's Python files
	packed   []string // compressed archives
	lists    []string // text files that might list pictures
	left     leftOut

	entries int
	runs    int
	opened  []os.FileInfo // the folders around the one that is read
}

// scan looks at everything in a folder.
func scan(root string) (*folder, error) {
	f := &folder{root: root}
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	f.opened = append(f.opened, info)
	if _, err := f.read("", 0); err != nil {
		return nil, err
	}
	for _, list := range [][]string{f.pictures, f.archives, f.tables, f.arrays, f.cifar, f.pickles, f.packed, f.lists} {
		slices.Sort(list)
	}
	return f, nil
}

// path returns where a file is.
func (f *folder) path(name string) string {
	return slashed(f.root, name)
}

// read adds what is at and below dir, and reports whether there is a picture.
func (f *folder) read(dir string, depth int) (found bool, err error) {
	entries, err := os.ReadDir(f.path(dir))
	if err != nil {
		return false, err
	}
	if f.entries += len(entries); f.entries > maxEntries {
		return false, fmt.Errorf("%w: %s holds more than %d files", ErrLayout, f.root, maxEntries)
	}
	if dir != "" && (isRun(entries) || path.Base(dir) == runsFolder && f.holdsRuns(dir, entries)) {
		f.left.add("folder of training runs", dir)
		f.runs++
		return false, nil
	}
	f.sets(dir, entries)
	mark, runs := len(f.empty), f.runs
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		mode, err := f.mode(name, e, depth)
		switch {
		case err != nil:
			f.left.add(err.Error(), name)
		case isHidden(e.Name()):
			f.left.add("hidden or of the system", name)
		case mode.IsDir() && depth >= maxDepth:
			f.left.add(fmt.Sprintf("folder deeper than %d", maxDepth), name)
		case mode.IsDir():
			sub, err := f.enter(name, depth+1)
			if err != nil {
				return false, err
			}
			found = found || sub
		case !mode.IsRegular():
			f.left.add("no regular file", name)
		default:
			found = f.file(name) || found
		}
	}
	if found {
		return true, nil
	}
	f.empty = f.empty[:mark]
	switch {
	case path.Base(dir) == runsFolder && f.runs == runs: // runs that have just begun
		f.left.add("folder of training runs", dir)
	case f.runs == runs:
		f.empty = append(f.empty, dir)
	}
	return false, nil
}

// enter reads a folder below, unless a link leads back to one around it.
func (f *folder) enter(dir string, depth int) (found bool, err error) {
	info, err := os.Stat(f.path(dir))
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(f.opened, func(o os.FileInfo) bool { return os.SameFile(o, info) }) {
		f.left.add("link to a folder around it", dir)
		return false, nil
	}
	f.opened = append(f.opened, info)
	found, err = f.read(dir, depth)
	f.opened = f.opened[:len(f.opened)-1]
	return found, err
}

// Why a link is left out; they are reasons, in words.
var (
	errBrokenLink = errors.New("link to nothing")
	errDeepLink   = fmt.Errorf("link to a folder deeper than %d", linkDepth)
)

// mode returns what an entry is, or what it links to.
func (f *folder) mode(name string, e os.DirEntry, depth int) (fs.FileMode, error) {
	if e.Type()&os.ModeSymlink == 0 {
		return e.Type(), nil
	}
	info, err := os.Stat(f.path(name))
	switch {
	case err != nil:
		return 0, errBrokenLink
	case info.IsDir() && depth >= linkDepth:
		return 0, errDeepLink
	}
	return info.Mode(), nil
}

// file adds a regular file, and reports whether it is a picture.
func (f *folder) file(name string) bool {
	lower := strings.ToLower(path.Base(name))
	ext := path.Ext(lower)
	switch {
	case isPicture(name):
		f.pictures = append(f.pictures, name)
		return true
	case isArray(lower):
		f.arrays = append(f.arrays, name)
	case strings.Contains(lower, "labels") && strings.Contains(lower, "idx"):
		// it is looked for where its pictures are
	case ext == ".tar":
		f.archives = append(f.archives, name)
	case ext == ".parquet":
		f.tables = append(f.tables, name)
	case slices.Contains(packedExtensions, ext):
		f.packed = append(f.packed, name)
	case slices.Contains(listExtensions, ext):
		f.lists = append(f.lists, name)
	default:
		f.left.add(noPicture(ext), name)
	}
	return false
}

var (
	packedExtensions = []string{".gz", ".tgz", ".zip", ".zst", ".bz2", ".xz", ".7z", ".rar"}
	listExtensions   = []string{".csv", ".tsv", ".jsonl", ".ndjson", ".txt"}
)

// noPicture is the reason for leaving out a file.
func noPicture(ext string) string {
	if ext == "" {
		return "no picture: no extension"
	}
	return "no picture: " + ext
}

// isHidden says whether a name is hidden or one that systems put everywhere.
func isHidden(name string) bool {
	switch name {
	case "__MACOSX", "__pycache__", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information", "Thumbs.db", "desktop.ini":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// isArray says whether a file, its name in lower case, is one of pictures by
// the names that MNIST and its kin use.
func isArray(name string) bool {
	return strings.Contains(name, "images") && strings.Contains(name, "idx")
}

// hasFile says whether there is an entry of that name.
func hasFile(entries []os.DirEntry, names ...string) bool {
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return slices.Contains(names, e.Name()) })
}

// runsFolder is where training keeps its runs unless told otherwise.
const runsFolder = "runs"

// isRun says whether a folder is one that a training run keeps its record in.
func isRun(entries []os.DirEntry) bool {
	return hasFile(entries, "finetune.json", "run.lock") || hasFile(entries, "config.json") &&
		hasFile(entries, "metrics.jsonl", "last.safetensors", "best.safetensors", "model.safetensors", "summary.json")
}

// holdsRuns says whether a folder directly below dir is one of a run.
func (f *folder) holdsRuns(dir string, entries []os.DirEntry) bool {
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		if !e.IsDir() {
			return false
		}
		inner, err := os.ReadDir(f.path(path.Join(dir, e.Name())))
		return err == nil && isRun(inner)
	})
}

// sets notes a folder that holds CIFAR's files.
func (f *folder) sets(dir string, entries []os.DirEntry) {
	switch {
	case hasFile(entries, cifar10.files()...), hasFile(entries, cifar100.train...) && hasFile(entries, cifar100.test...):
		f.cifar = append(f.cifar, dir)
	case hasFile(entries, "data_batch_1", "test_batch") && hasFile(entries, "batches.meta"),
		hasFile(entries, "train") && hasFile(entries, "test") && hasFile(entries, "meta"):
		f.pickles = append(f.pickles, dir)
	}
}
