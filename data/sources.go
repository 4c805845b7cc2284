package data

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// sourceFile is a file of many examples, an archive or a table.
type sourceFile struct {
	path string // to open it by
	name string // below the folder of the set, with slashes
	part part

	// Of an archive: where it is opened.
	shards Shards
	shard  int
}

// givenFiles are files that are given one by one. Where no name of several says
// a part, those of the folders around may.
func givenFiles(files []string) []sourceFile {
	list := make([]sourceFile, len(files))
	said := false
	for i, path := range files {
		list[i] = sourceFile{path: path, name: filepath.Base(path)}
		p, _ := partOf(list[i].name)
		said = said || p != noPart
	}
	for i, path := range files {
		if !said && len(files) > 1 {
			list[i].name = filepath.Base(filepath.Dir(path)) + "/" + list[i].name
		}
	}
	return list
}

// settleParts finds the parts of a set's files by their names. It is an error if
// only some say one, or if the names are those of several sets.
func settleParts(files []sourceFile) error {
	var with, without string
	names := commonNames(files)
	for i := range files {
		p, err := pathPart(names[i])
		if err != nil {
			return err
		}
		if files[i].part = p; p == noPart {
			without = files[i].path
		} else {
			with = files[i].path
		}
	}
	if with != "" && without != "" {
		return ambiguous("the name of %s says a part, that of %s none: it may be training images or no part of the set: rename it, or take it away", with, without)
	}
	return oneSet(files)
}

// commonNames returns the names of files below the folder they have in common,
// if they say parts, else their whole names.
func commonNames(files []sourceFile) []string {
	whole, below := make([]string, len(files)), make([]string, len(files))
	for i, f := range files {
		whole[i], below[i] = f.name, f.name
	}
	for cutTop(below) {
	}
	for _, name := range below {
		for element := range strings.SplitSeq(name, "/") {
			if p, several := partOf(element); p != noPart || several {
				return below
			}
		}
	}
	return whole
}

// cutTop takes the first folder off all names if it is the same.
func cutTop(names []string) bool {
	if len(names) == 0 {
		return false
	}
	top, _, ok := strings.Cut(names[0], "/")
	if !ok || slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(n, top+"/") }) {
		return false
	}
	for i := range names {
		names[i] = names[i][len(top)+1:]
	}
	return true
}

// oneSet reports files of several sets: each with several parts, or with files
// of the same names in folders of different ones.
func oneSet(files []sourceFile) error {
	parts := map[string]map[part]bool{}
	first, same := map[string]string{}, map[string]sourceFile{}
	for _, f := range files {
		set := setName(f.name)
		folder, base := parentOf(f.name)
		other, ok := same[base]
		if otherFolder, _ := parentOf(other.name); ok && other.part == f.part && setName(folder+"/") != setName(otherFolder+"/") {
			return ambiguous("%s and %s may be of two sets or of one: give the folder of one, or give the files different names to read them as one set", other.path, f.path)
		}
		same[base] = f
		if parts[set] == nil {
			parts[set] = map[part]bool{}
			first[set] = f.path
		}
		parts[set][f.part] = true
	}
	for set := range parts {
		if len(parts[set]) < 2 {
			delete(first, set)
		}
	}
	if len(first) < 2 {
		return nil
	}
	return ambiguous("there are several sets, each with parts of its own: those of %s: give the folder or the file of one, or name them alike to read them as one",
		listNames(slices.Sorted(maps.Values(first))))
}
