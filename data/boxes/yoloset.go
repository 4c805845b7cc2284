package boxes

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/data"
)

// yoloSet is a data set of YOLO's layout in the making.
type yoloSet struct {
	*tree
	r      *reading
	config string // data.yaml; "" for none
	yaml   yamlFile
	labels map[string]*yoloFile // by path
	others map[string]bool      // texts that are no labels, by path
	byStem map[string][]string  // paths of labels
}

// yoloReading reads the labels of a tree; it returns nil if there are none.
func (t *tree) yoloReading() (*reading, error) {
	y := &yoloSet{tree: t, r: &reading{layout: YOLO, found: findings{}}, labels: map[string]*yoloFile{}, others: map[string]bool{}, byStem: map[string][]string{}}
	if err := y.readConfig(); err != nil {
		return nil, err
	}
	if err := y.readLabels(); err != nil {
		return nil, err
	}
	if y.config == "" && len(y.labels) == 0 {
		return nil, nil
	}
	if err := y.pairUp(); err != nil {
		return nil, err
	}
	labelled := slices.ContainsFunc(y.r.pictures, func(p labelled) bool { return p.labels != "" })
	if y.config == "" && !labelled {
		return nil, nil
	}
	y.r.from = "YOLO labels"
	if y.config != "" {
		y.r.from = "the YOLO set of " + y.config
	}
	return y.r, y.names()
}

// readConfig reads the data.yaml of the tree.
func (y *yoloSet) readConfig() error {
	for _, name := range y.yamls {
		text, err := readText(name)
		if err != nil {
			return err
		}
		config, err := parseYAML(text)
		_, names := config["names"]
		if err != nil && strings.Contains(text, "names:") {
			return fmt.Errorf("%w: %s: %w", data.ErrCorrupt, name, err)
		}
		if err != nil || !names {
			continue
		}
		if y.config != "" {
			return fmt.Errorf("%w: %s and %s each describe a set: give one of them", data.ErrAmbiguous, y.config, name)
		}
		y.config, y.yaml = name, config
	}
	return nil
}

// readText reads a small file.
func readText(name string) (string, error) {
	f, err := os.Open(filepath.FromSlash(name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText))
	return string(bytes.TrimPrefix(text, []byte("\ufeff"))), err
}

// readLabels reads the text files that are labels.
func (y *yoloSet) readLabels() error {
	for _, name := range y.texts {
		if path.Ext(name) != ".txt" || isNames(name) {
			continue
		}
		f, err := readYOLO(name)
		if err != nil {
			return err
		}
		if f == nil {
			y.others[name] = true
			continue
		}
		y.labels[name] = f
		y.byStem[stem(path.Base(name))] = append(y.byStem[stem(path.Base(name))], name)
	}
	return nil
}

// isNames says whether a file lists the names of classes.
func isNames(name string) bool {
	base := path.Base(name)
	return base == "classes.txt" || base == "obj.names" || base == "_darknet.labels"
}

// pairUp brings pictures and labels together.
func (y *yoloSet) pairUp() error {
	listed, err := y.listed()
	if err != nil {
		return err
	}
	if len(listed) > 0 && slices.ContainsFunc(listed, func(p labelled) bool { return y.labelsOf(p.file) != "" }) {
		for _, p := range listed {
			y.add(p, y.labelsOf(p.file))
		}
		return nil
	}
	if y.config != "" && len(y.labels) > 0 {
		y.r.note("the pictures that %s names are not there, or have no labels where they should: pictures and labels are brought together by their names, in one part", y.config)
	}
	return y.byName()
}

// byName takes all labels, with the pictures of their names, and the pictures
// without labels that lie beside those with some.
func (y *yoloSet) byName() error {
	taken, folders := map[string]bool{}, map[string]bool{}
	var all []labelled
	for _, p := range y.pictures {
		if y.labelsOf(p) == "" {
			continue
		}
		taken[p], folders[path.Dir(p)] = true, true
		all = append(all, labelled{file: p, name: p, labels: y.labelsOf(p)})
	}
	used := map[string]bool{}
	for _, p := range all {
		used[p.labels] = true
	}
	for _, name := range y.texts {
		if y.labels[name] == nil || used[name] {
			continue
		}
		picture, why := y.find(stem(path.Base(name)), path.Dir(name), "images", "")
		switch {
		case picture == "" && y.config == "" && len(y.labels[name].boxes) == 0: // any empty text
		case picture == "":
			y.r.found.add(MissingPicture, Place{name, 0, why})
		case taken[picture]:
			return fmt.Errorf("%w: %s has labels in %s and elsewhere: take one of them away", data.ErrAmbiguous, picture, name)
		default:
			taken[picture] = true
			all = append(all, labelled{file: picture, name: picture, labels: name})
		}
	}
	for _, p := range y.pictures {
		if !taken[p] && folders[path.Dir(p)] {
			all = append(all, labelled{file: p, name: p})
		}
	}
	slices.SortStableFunc(all, func(a, b labelled) int { return strings.Compare(a.file, b.file) })
	for _, p := range all {
		if y.config == "" {
			var err error
			if p.part, err = y.partOf(p.file); err != nil {
				return err
			}
		}
		y.add(p, p.labels)
	}
	return nil
}

// labelsOf returns the labels of a picture by YOLO's rule — in the folder labels
// in place of images, or beside it — and "" if there are none. A text there that
// is no labels is one of others.
func (y *yoloSet) labelsOf(picture string) string {
	text := stem(picture) + ".txt"
	rooted := "/" + text // images may be the first folder of a relative path
	if i := strings.LastIndex(rooted, "/images/"); i >= 0 {
		name := strings.TrimPrefix(rooted[:i]+"/labels/"+rooted[i+len("/images/"):], "/")
		if y.labels[name] != nil || y.others[name] {
			return name
		}
	}
	if y.labels[text] != nil || y.others[text] {
		return text
	}
	return ""
}

// add adds a picture with its labels.
func (y *yoloSet) add(p labelled, labels string) {
	if y.others[labels] {
		y.r.found.add(BrokenLabels, Place{labels, 1, "want a class and the center and size of its box, five numbers"})
		return
	}
	p.labels = labels
	if f := y.labels[labels]; f != nil {
		p.boxes = f.boxes
		y.r.found.merge(f.found)
		if f.outlines > 0 {
			for range f.outlines {
				y.r.found.add(OutlineBox, Place{labels, 0, ""})
			}
		}
	}
	y.r.pictures = append(y.r.pictures, p)
}

// listed returns the pictures that data.yaml names, which are there.
func (y *yoloSet) listed() ([]labelled, error) {
	var all []labelled
	seen := map[string]string{}
	for _, part := range []string{"train", "val", "test"} {
		entries := y.yaml[part].strings()
		if part == "val" && len(entries) == 0 {
			entries = y.yaml["valid"].strings()
		}
		for _, entry := range entries {
			files, err := y.entry(entry)
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				if other, ok := seen[f]; ok && other != part {
					return nil, fmt.Errorf("%w: %s: %s is of the parts %s and %s", data.ErrAmbiguous, y.config, f, other, part)
				} else if ok {
					continue
				}
				seen[f] = part
				all = append(all, labelled{file: f, name: f, part: part})
			}
		}
	}
	return all, nil
}

// entry returns the pictures of a folder or a list that data.yaml names.
func (y *yoloSet) entry(name string) ([]string, error) {
	dir := path.Dir(y.config)
	name = filepath.ToSlash(name)
	base := filepath.ToSlash(y.yaml["path"].scalar)
	var tries []string
	for _, root := range []string{path.Join(dir, base), base, dir} {
		if path.IsAbs(name) {
			root = ""
		}
		tries = append(tries, path.Join(root, name))
		if below, ok := strings.CutPrefix(name, "../"); ok {
			tries = append(tries, path.Join(root, below))
		}
	}
	for _, try := range tries {
		info, err := os.Stat(filepath.FromSlash(try))
		switch {
		case err != nil:
		case info.IsDir():
			if files := y.below(try); len(files) > 0 {
				return files, nil
			}
		default:
			return y.list(try)
		}
	}
	return nil, nil
}

// below returns the pictures of the tree in and below a folder.
func (y *yoloSet) below(dir string) []string {
	var files []string
	for _, p := range y.pictures {
		if strings.HasPrefix(p, dir+"/") {
			files = append(files, p)
		}
	}
	return files
}

// list returns the pictures of a list.
func (y *yoloSet) list(name string) ([]string, error) {
	text, err := readText(name)
	if err != nil {
		return nil, err
	}
	var files []string
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		file, why := y.find(line, path.Dir(name), "", "")
		if file == "" {
			y.r.found.add(MissingPicture, Place{name, number, line + ": " + why})
			continue
		}
		files = append(files, file)
	}
	return files, nil
}

// names settles the names of the classes, and drops boxes of others.
func (y *yoloSet) names() error {
	r := y.r
	from := y.config
	if v, ok := y.yaml["names"]; ok {
		var err error
		if r.classes, err = v.numbered(); err != nil {
			return fmt.Errorf("%w: %s: names: %w", data.ErrCorrupt, y.config, err)
		}
		if n, err := strconv.Atoi(y.yaml["nc"].scalar); err == nil && n != len(r.classes) {
			return fmt.Errorf("%w: %s: nc says %d classes, names %d", data.ErrCorrupt, y.config, n, len(r.classes))
		}
	} else if err := y.namesBeside(&from); err != nil {
		return err
	}
	if len(r.classes) == 0 {
		largest := -1
		for i := range r.pictures {
			for _, b := range r.pictures[i].boxes {
				largest = max(largest, b.class)
			}
		}
		if largest >= maxClasses {
			return fmt.Errorf("%w: %s: a class of the number %d", data.ErrCorrupt, y.root, largest)
		}
		for i := range largest + 1 {
			r.classes = append(r.classes, strconv.Itoa(i))
		}
		r.note("no data.yaml or classes.txt names the classes: they have their numbers")
		return nil
	}
	for i := range r.pictures {
		p := &r.pictures[i]
		p.boxes = slices.DeleteFunc(slices.Clone(p.boxes), func(b labelledBox) bool {
			if b.class < len(r.classes) {
				return false
			}
			r.found.add(UnknownClass, Place{p.labels, b.line, fmt.Sprintf("class %d: %s names %d", b.class, from, len(r.classes))})
			return true
		})
	}
	return nil
}

// namesBeside reads the names of a list of classes in the tree.
func (y *yoloSet) namesBeside(from *string) error {
	for _, name := range y.texts {
		if !isNames(name) {
			continue
		}
		text, err := readText(name)
		if err != nil {
			return err
		}
		names := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
		names = slices.DeleteFunc(names, func(s string) bool { return strings.TrimSpace(s) == "" })
		if y.r.classes != nil && !slices.Equal(names, y.r.classes) {
			return fmt.Errorf("%w: %s and %s name other classes", data.ErrAmbiguous, *from, name)
		}
		y.r.classes, *from = names, name
	}
	return nil
}
