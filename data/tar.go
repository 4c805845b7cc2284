package data

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxLabelFile bounds a member of a tar archive that holds a label.
const maxLabelFile = 1 << 20

// member is a file in a tar archive.
type member struct {
	name string
	place
}

// listTar returns the regular files of an archive. Only their headers are read.
func listTar(f *os.File, archive int) ([]member, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var members []member
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return members, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: after %d files: %w", f.Name(), len(members), cutShort(err))
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if h.Size > info.Size()-at {
			return nil, fmt.Errorf("%s: %w: it is cut short in %s", f.Name(), ErrCorrupt, h.Name)
		}
		members = append(members, member{path.Clean(h.Name), place{archive, at, h.Size}})
	}
}

// OpenTar reads pictures from tar archives without unpacking them: class
// folders in an archive, or WebDataset shards, in which pictures stand next to
// a file of the same name that ends in .cls, .txt or .json and holds the label.
// A shard's name begins with the part it is of: train, val or test.
func OpenTar(files ...string) (*Splits, error) {
	t := &tree{archives: files}
	if len(files) > 0 {
		t.root = files[0]
	}
	labels := map[string]place{} // by the sample's path without extensions
	for i, name := range files {
		if err := t.addArchive(name, i, labels); err != nil {
			return nil, fmt.Errorf("tar: %w", err)
		}
	}
	if len(labels) == 0 {
		t.sort()
		return classFolders(t, "class folders in a tar archive")
	}
	return t.shards(labels)
}

// addArchive lists one archive's pictures and labels.
func (t *tree) addArchive(name string, i int, labels map[string]place) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	members, err := listTar(f, i)
	if err != nil {
		return err
	}
	pictures := map[string]bool{}
	for _, m := range members {
		if isPicture(m.name) {
			t.paths, t.places = append(t.paths, m.name), append(t.places, m.place)
			pictures[sampleKey(m.name)] = true
		}
	}
	for _, m := range members {
		key := sampleKey(m.name)
		if !pictures[key] {
			continue
		}
		id := strconv.Itoa(i) + ":" + key
		switch path.Ext(m.name) {
		case ".cls":
			labels[id] = m.place
		case ".txt", ".json":
			if _, ok := labels[id]; !ok {
				labels[id] = m.place
			}
		}
	}
	return nil
}

// sampleKey is what WebDataset calls the key: the path up to the first dot of
// the file's name.
func sampleKey(name string) string {
	dir, base := path.Split(name)
	base, _, _ = strings.Cut(base, ".")
	return dir + base
}

// sort puts the files in the order of their paths.
func (t *tree) sort() {
	order := make([]int, len(t.paths))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(t.paths[a], t.paths[b]) })
	paths, places := make([]string, len(order)), make([]place, len(order))
	for i, j := range order {
		paths[i], places[i] = t.paths[j], t.places[j]
	}
	t.paths, t.places = paths, places
}

// shards makes the set of WebDataset shards.
func (t *tree) shards(labels map[string]place) (*Splits, error) {
	b := newBuilder(t, "WebDataset")
	b.numeric = true
	parts := make([]part, len(t.archives))
	for i, name := range t.archives {
		parts[i] = prefixPart(filepath.Base(name))
	}
	var buf []byte
	for i, name := range t.paths {
		archive := t.places[i].archive
		p, ok := labels[strconv.Itoa(archive)+":"+sampleKey(name)]
		if !ok {
			return nil, fmt.Errorf("%w: %s has no label beside it", ErrLayout, t.name(i))
		}
		if p.size > maxLabelFile {
			return nil, fmt.Errorf("%w: the label of %s has %d bytes", ErrCorrupt, t.name(i), p.size)
		}
		buf = resized(buf, int(p.size))
		if err := t.readAt(p, buf); err != nil {
			return nil, err
		}
		class, err := parseLabel(buf)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name(i), err)
		}
		b.add(i, parts[archive], class)
	}
	return b.splits()
}

// readAt fills buf from a place in an archive.
func (t *tree) readAt(p place, buf []byte) error {
	f, err := os.Open(t.archives[p.archive])
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.ReadAt(buf, p.offset); err != nil && len(buf) > 0 {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	return nil
}

// prefixPart returns the part that a file's name begins with.
func prefixPart(name string) part {
	word := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	if len(word) == 0 {
		return noPart
	}
	return partOf(word[0])
}

// parseLabel reads a class: a number or name, alone or as JSON, or as the
// member label, cls or class of a JSON object.
func parseLabel(b []byte) (string, error) {
	text := strings.TrimSpace(string(b))
	if strings.HasPrefix(text, "{") {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(b, &object); err != nil {
			return "", fmt.Errorf("%w: label: %w", ErrCorrupt, err)
		}
		text = ""
		for _, key := range []string{"label", "cls", "class"} {
			if v, ok := object[key]; ok {
				text = string(v)
				break
			}
		}
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal([]byte(text), &text); err != nil {
			return "", fmt.Errorf("%w: label: %w", ErrCorrupt, err)
		}
	}
	if text == "" || strings.ContainsAny(text, "\n[{") {
		return "", fmt.Errorf("%w: no label in %q", ErrCorrupt, b[:min(len(b), 60)])
	}
	return text, nil
}
