package data

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/mixnet-go/mixnet/internal/reuse"
)

// maxLabelFile bounds a member of a tar archive that holds a label.
const maxLabelFile = 1 << 20

// labelKind is a kind of file that holds a picture's label. Of several kinds
// beside a picture, the first one counts.
type labelKind int

const (
	noLabel labelKind = iota
	classLabel
	jsonLabel
	indexLabel
	textLabel
)

// labelKindOf tells it by a file's name.
func labelKindOf(name string) labelKind {
	switch strings.ToLower(path.Ext(name)) {
	case ".cls", ".class":
		return classLabel
	case ".json":
		return jsonLabel
	case ".index", ".inx":
		return indexLabel
	case ".txt", ".text":
		return textLabel
	}
	return noLabel
}

// labelFiles are an archive's files that may hold labels, by what their names
// have in common with those of pictures.
type labelFiles struct {
	stems map[labelKey]member   // by the path without the last extension
	keys  map[labelKey][]member // by the path without any extension
}

type labelKey struct {
	name string
	kind labelKind
}

func newLabelFiles() labelFiles {
	return labelFiles{map[labelKey]member{}, map[labelKey][]member{}}
}

// add notes a file.
func (l *labelFiles) add(m member, kind labelKind) {
	l.stems[labelKey{stemOf(m.name), kind}] = m
	key := labelKey{sampleKey(m.name), kind}
	l.keys[key] = append(l.keys[key], m)
}

// find returns the file of a kind beside a picture: that of the same path up to
// the last extension, or up to an earlier one, or else the only one of the
// picture's sample.
func (l *labelFiles) find(picture string, kind labelKind) (m member, ok bool, err error) {
	for stem := stemOf(picture); ; {
		if m, ok := l.stems[labelKey{stem, kind}]; ok {
			return m, true, nil
		}
		shorter := stemOf(stem)
		if shorter == stem {
			break
		}
		stem = shorter
	}
	list := l.keys[labelKey{sampleKey(picture), kind}]
	switch len(list) {
	case 0:
		return member{}, false, nil
	case 1:
		return list[0], true, nil
	}
	return member{}, false, ambiguous("the label of %s may be in %s or in %s: name one as the picture is named", picture, list[0].name, list[1].name)
}

// stemOf cuts the last extension off a path.
func stemOf(name string) string {
	dir, base := path.Split(name)
	if at := strings.LastIndexByte(base, '.'); at > 0 {
		base = base[:at]
	}
	return dir + base
}

// sampleKey is what WebDataset calls the key: the path up to the first dot of
// the file's name.
func sampleKey(name string) string {
	dir, base := path.Split(name)
	base, _, _ = strings.Cut(base, ".")
	return dir + base
}

// labelReader reads label files, keeping the archive it is in open.
type labelReader struct {
	archives []sourceFile
	file     Shard
	open     int // the archive's index
	buf      []byte
}

func (r *labelReader) close() {
	if r.file != nil {
		r.file.Close()
	}
}

// read returns the label in a file; ok is false if it says that there is none.
func (r *labelReader) read(m member) (label string, ok bool, err error) {
	name := r.archives[m.archive].path
	if m.size > maxLabelFile {
		return "", false, fmt.Errorf("%w: %s:%s: a label of %d bytes", ErrCorrupt, name, m.name, m.size)
	}
	if r.file == nil || r.open != m.archive {
		r.close()
		if r.file, err = r.archives[m.archive].open(); err != nil {
			return "", false, err
		}
		r.open = m.archive
	}
	r.buf = reuse.Slice(r.buf, int(m.size))
	if _, err := r.file.ReadAt(r.buf, m.offset); err != nil && len(r.buf) > 0 {
		return "", false, fmt.Errorf("%s: %w", name, err)
	}
	if label, ok, err = parseLabel(r.buf, labelKindOf(m.name)); err != nil {
		return "", false, fmt.Errorf("%s:%s: %w", name, m.name, err)
	}
	return label, ok, nil
}

// parseLabel reads a class: a number or name, alone or as JSON, or as the
// member label, cls or class of a JSON object. There is none in an object
// without such a member, and in null and -1.
func parseLabel(b []byte, kind labelKind) (label string, ok bool, err error) {
	text := strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff"))
	if strings.HasPrefix(text, "{") && kind != textLabel {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return "", false, fmt.Errorf("%w: label: %w", ErrCorrupt, err)
		}
		text = "null"
		for _, key := range []string{"label", "cls", "class"} {
			if v, found := object[key]; found && string(v) != "null" {
				text = string(v)
				break
			}
		}
	}
	unclear := "\n[{"
	if strings.HasPrefix(text, `"`) {
		unclear = "\n"
		if err := json.Unmarshal([]byte(text), &text); err != nil {
			return "", false, fmt.Errorf("%w: label: %w", ErrCorrupt, err)
		}
		text = strings.TrimSpace(text)
	} else if text == "null" || text == "-1" {
		return "", false, nil
	}
	if text == "" || strings.ContainsAny(text, unclear) {
		return "", false, fmt.Errorf("%w: no label in %q", ErrCorrupt, b[:min(len(b), 60)])
	}
	return text, true, nil
}
