package data

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Open reads the data set at path, telling its layout from all that is in it.
//
// A folder may hold IDX files, CIFAR's binary files, Oxford-IIIT Pets or
// Food-101 as published, WebDataset shards, Parquet files, or class folders.
// Parts are known by the words train, training, val, valid, validation, dev,
// test, testing, eval and evaluation in the names of folders above the class
// folders, of shards or of tables. A file may be a tar archive, a Parquet file,
// one of IDX's or a list ([OpenTar], [OpenParquet], [OpenIDX], [OpenList]).
//
// What is there and is not part of the set, [Splits.LeftOut] says; what can be
// read in two ways is an [ErrAmbiguous] that names both.
func Open(path string) (*Splits, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if !info.IsDir() {
		return openFile(path)
	}
	f, err := scan(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return f.open()
}

// openFile reads a data set that is one file.
func openFile(path string) (*Splits, error) {
	lower := strings.ToLower(path)
	if isArray(filepath.Base(lower)) {
		return openArray(path)
	}
	switch ext := filepath.Ext(lower); ext {
	case ".tar":
		return OpenTar(path)
	case ".parquet":
		return OpenParquet(path)
	case ".csv", ".tsv", ".txt", ".jsonl", ".ndjson":
		return OpenList(path)
	case ".gz", ".tgz", ".zip", ".zst", ".bz2", ".xz", ".7z", ".rar":
		return nil, fmt.Errorf("%w: %s is compressed: unpack it first", ErrLayout, path)
	}
	return nil, fmt.Errorf("%w: %s: of files, .tar, .parquet, .csv, .tsv, .jsonl, .txt and IDX are read; else give the folder that holds the data", ErrLayout, path)
}

// reading is a way to read a folder.
type reading struct {
	what  string   // such as "3 Parquet files"
	give  string   // what to give to have it read alone
	files []string // what it reads
	parts bool     // whether names say parts
	open  func() (*Splits, error)
}

// open reads the set in a folder.
func (f *folder) open() (*Splits, error) {
	for _, published := range []func(string) (*Splits, error){openPets, openFood} {
		if s, err := published(f.root); s != nil || err != nil {
			return f.listed(s), err
		}
	}
	var classLeft leftOut
	classes, err := classFolders(f.tree(), f.pictures, f.empty, "class folders", &classLeft)
	others, otherErr := f.readings()
	switch {
	case len(f.pictures) > 0 && (len(others) == 0 && otherErr == nil || f.beside(classes, others)):
		for _, r := range others {
			f.leave("file of pictures beside class folders", r.files)
		}
		return f.finish(classes, f.hint(err))
	case otherErr != nil:
		return nil, otherErr
	case len(others) == 0:
		return nil, f.nothing()
	case f.spread():
		others = append(others, reading{what: fmt.Sprintf("%d pictures in folders", len(f.pictures)), give: "the folder above theirs"})
	default:
		f.leave("picture beside "+others[0].what, f.pictures)
	}
	if len(others) > 1 {
		return nil, several(f.root, others)
	}
	return f.finish(others[0].open())
}

// several is the error for a folder that can be read in more than one way.
func several(root string, readings []reading) error {
	var what, give []string
	for _, r := range readings {
		what, give = append(what, r.what), append(give, r.give)
	}
	return ambiguous("%s holds more than one data set: %s: give %s; or take the others away",
		root, strings.Join(what, "; "), strings.Join(give, ", or "))
}

// spread says whether the pictures lie in several folders.
func (f *folder) spread() bool {
	seen := map[string]bool{}
	for _, p := range f.pictures {
		parent, _ := parentOf(p)
		seen[parent] = true
	}
	delete(seen, "")
	return len(seen) > 1
}

// beside says whether other files are only left beside class folders: the
// pictures are in several folders, and either those are parts or the names of
// the files say none.
func (f *folder) beside(classes *Splits, others []reading) bool {
	if !f.spread() {
		return false
	}
	parts := classes != nil && (classes.Val != nil || classes.Test != nil)
	return parts || !slices.ContainsFunc(others, func(r reading) bool { return r.parts })
}

// hint adds to the error for pictures without class folders the lists that may
// name their classes.
func (f *folder) hint(err error) error {
	if !errors.Is(err, errFlat) {
		return err
	}
	for _, name := range f.lists {
		if ext := strings.ToLower(path.Ext(name)); slices.Contains(listExtensions, ext) && ext != ".txt" {
			return fmt.Errorf("%w, or give a list of them, such as %s", err, f.path(name))
		}
	}
	return err
}

// leave leaves out files.
func (f *folder) leave(reason string, files []string) {
	for _, name := range files {
		f.left.add(reason, name)
	}
}

// finish adds to a set what the folder holds beside it.
func (f *folder) finish(s *Splits, err error) (*Splits, error) {
	if err != nil {
		return nil, err
	}
	f.leaveFiles()
	s.LeftOut = append(s.LeftOut, f.left.list()...)
	return s, nil
}

// leaveFiles leaves out the files that no layout reads.
func (f *folder) leaveFiles() {
	f.leave("compressed archive", f.packed)
	for _, name := range f.lists {
		f.left.add(noPicture(strings.ToLower(path.Ext(name))), name)
	}
}

// listed adds to a set whose pictures are listed those that are not.
func (f *folder) listed(s *Splits) *Splits {
	if s == nil {
		return nil
	}
	listed := map[string]bool{}
	for _, d := range []Dataset{s.Train, s.Val, s.Test} {
		if files, ok := d.(*Files); ok {
			for _, i := range files.index {
				listed[files.tree.paths[i]] = true
			}
		}
	}
	for _, p := range f.pictures {
		if !listed[p] {
			f.left.add("picture that is not in the lists", p)
		}
	}
	s, _ = f.finish(s, nil)
	return s
}

// nothing is the error for a folder in which there is nothing to read.
func (f *folder) nothing() error {
	if len(f.pickles) > 0 {
		return fmt.Errorf("%w: %s: CIFAR's Python files are not read: get the binary version, such as cifar-10-binary.tar.gz, and unpack it", ErrLayout, f.path(f.pickles[0]))
	}
	f.leaveFiles()
	var there []string
	for _, l := range f.left.list() {
		there = append(there, l.String())
	}
	if len(there) == 0 {
		return checkFolders(f.root, 0, 0, nil)
	}
	return fmt.Errorf("%w; what is there: %s", checkFolders(f.root, 0, 0, nil), strings.Join(there, "; "))
}

// readings returns the ways to read the files that are no pictures.
func (f *folder) readings() ([]reading, error) {
	list, err := f.idxReadings()
	if err != nil {
		return nil, err
	}
	for _, dir := range f.cifar {
		list = append(list, reading{
			what: "CIFAR's files in " + path.Join(".", dir), give: f.path(dir), parts: true, files: []string{dir},
			open: func() (*Splits, error) { return OpenCIFAR(os.DirFS(f.path(dir)), f.name(dir)) },
		})
	}
	openArchives := func(files []sourceFile) (*Splits, error) { return openTars(localFiles(files)) }
	if r := f.fileReading("tar archives", f.archives, openArchives); r != nil {
		list = append(list, *r)
	}
	if r := f.fileReading("Parquet files", f.tables, openTables); r != nil {
		list = append(list, *r)
	}
	return list, nil
}

// fileReading is the way to read files of a format; nil if there are none.
func (f *folder) fileReading(what string, files []string, open func([]sourceFile) (*Splits, error)) *reading {
	if len(files) == 0 {
		return nil
	}
	r := &reading{what: fmt.Sprintf("%d %s", len(files), what), give: f.path(files[0]), files: files}
	var sources []sourceFile
	for _, name := range files {
		if p, err := pathPart(name); p != noPart || err != nil {
			r.parts = true
		}
		sources = append(sources, sourceFile{path: f.path(name), name: name})
	}
	r.open = func() (*Splits, error) { return open(sources) }
	return r
}

// name names a folder in messages.
func (f *folder) name(dir string) string {
	root := f.root
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	return path.Join(filepath.Base(root), dir)
}
