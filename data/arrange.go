package data

import (
	"fmt"
	"slices"
	"strings"
)

// spot is where a picture belongs in a set of class folders.
type spot struct {
	part  part
	class string // "" for none
	out   bool   // left out, and noted
}

// arranger tells from the folders that pictures lie in which of them are parts
// and which are classes.
type arranger struct {
	root  string   // for messages
	paths []string // of the pictures, with slashes
	empty []string // folders without a picture
	left  *leftOut

	spots  []spot
	notes  []string
	hollow []string // class folders without a picture
}

// arrange gives every path a spot. Folders that enclose all class folders do
// not matter.
func (a *arranger) arrange() error {
	a.spots = make([]spot, len(a.paths))
	if len(a.paths) == 0 {
		return nil
	}
	top := a.enclosed(newDir(a.paths))
	var err error
	switch parts, unlabelled, others := sortTops(top.subs); {
	case len(top.subs) == 0:
		return a.noFolders()
	case len(parts) > 0 && (len(others) == 0 || kinds(append(parts, unlabelled...)) > 1):
		err = a.placeParts(top, parts, unlabelled, others)
	case len(parts) > 0:
		return a.oddOne(top, parts, others)
	case len(others) == 0 && len(unlabelled) > 1 && kinds(unlabelled) == 1:
		return ambiguous("%s: the folders %s may be classes, or hold pictures of the part %s without classes: rename them", a.at(top), listNames(dirNames(unlabelled)), unlabelled[0].part)
	case len(others) == 0:
		return a.noFolders()
	case kinds(unlabelled) > 1:
		return ambiguous("%s: the folders %s may be parts without class folders, left out beside the class %s, or classes like it: put class folders into them, or rename them",
			a.at(top), listNames(dirNames(unlabelled)), listNames(dirNames(others)))
	default:
		err = a.placeClasses(top, unlabelled)
	}
	if err != nil {
		return err
	}
	return a.rest()
}

// at names a folder in messages.
func (a *arranger) at(d *dir) string { return slashed(a.root, d.path) }

// noFolders is the error for pictures that lie in no class folder.
func (a *arranger) noFolders() error { return errNoFolders(a.root, len(a.paths)) }

// enclosed goes down to the folder whose folders are parts or classes.
func (a *arranger) enclosed(d *dir) *dir {
	for len(d.subs) == 1 {
		s := d.subs[0]
		p, _ := partOf(s.name)
		if len(s.subs) == 0 || len(s.files) > 0 && len(s.subs) == 1 || p != noPart && !s.hasParts() {
			break
		}
		d = s
	}
	return d
}

// partDir is a folder of a part.
type partDir struct {
	*dir
	part    part
	classes *dir // whose folders are the classes; nil if there are none
}

// sortTops sorts folders into parts with class folders, parts without, and
// others.
func sortTops(tops []*dir) (parts, unlabelled, others []partDir) {
	for _, s := range tops {
		d := partDir{dir: s}
		d.part, _ = partOf(s.name)
		if d.part != noPart {
			d.classes = classesOf(s, d.part)
		}
		switch {
		case d.part == noPart:
			others = append(others, d)
		case d.classes == nil:
			unlabelled = append(unlabelled, d)
		default:
			parts = append(parts, d)
		}
	}
	return parts, unlabelled, others
}

// classesOf returns the folder at or below a part's whose folders are the
// classes: below one that repeats the part's name, or says images. It is nil if
// the pictures lie in no such folders.
func classesOf(s *dir, p part) *dir {
	d := s
	for len(d.subs) == 1 && len(d.files) == 0 {
		inner := d.subs[0]
		if q, _ := partOf(inner.name); q != p && inner.name != s.name && !isContainer(inner.name) {
			break
		}
		d = inner
	}
	if len(d.subs) == 0 {
		return nil
	}
	return d
}

// isContainer says whether a folder's name says only that there are pictures.
func isContainer(name string) bool {
	switch strings.ToLower(name) {
	case "images", "image", "imgs", "img", "pictures", "photos", "data", "jpegimages":
		return true
	}
	return false
}

// kinds counts the different parts.
func kinds(dirs []partDir) int {
	seen := map[part]bool{}
	for _, d := range dirs {
		seen[d.part] = true
	}
	return len(seen)
}

func dirNames(dirs []partDir) []string {
	names := make([]string, len(dirs))
	for i, d := range dirs {
		names[i] = d.name
	}
	return names
}

// oddOne is the error for one part among folders that are none.
func (a *arranger) oddOne(top *dir, parts, others []partDir) error {
	p := parts[0]
	return ambiguous("%s: %s may be a part of the set, with the classes %s, beside %s; or all of them are classes: give %s for the first, rename it for the second",
		a.at(top), p.name, listNames(p.classes.names()), listNames(dirNames(others)), a.at(p.dir))
}

// placeParts places the pictures of a set with parts.
func (a *arranger) placeParts(top *dir, parts, unlabelled, others []partDir) error {
	for a.sameFolder(parts) {
		for i := range parts {
			parts[i].classes = parts[i].classes.subs[0]
		}
	}
	names := map[part][]string{}
	known := trainClasses(parts)
	for _, p := range parts {
		if only := p.classes.subs[0].name; len(known) > 0 && len(p.classes.subs) == 1 && !known[only] && saysNoClass(only) {
			a.leave(p.dir, fmt.Sprintf("picture of the part %s, which has no classes but a folder %s", p.part, only))
			continue
		}
		inner, _, _ := sortTops(p.classes.subs)
		if kinds(inner) > 1 {
			return ambiguous("%s: %s may be a part, or a set with the parts %s: give %s for the second",
				a.at(top), p.name, listNames(dirNames(inner)), a.at(p.classes))
		}
		for _, class := range p.classes.subs {
			class.each(func(i int) { a.spots[i] = spot{part: p.part, class: class.name} })
		}
		names[p.part] = append(names[p.part], p.name)
		a.hollowBelow(p.classes)
	}
	for p := trainPart; p <= testPart; p++ {
		if n := names[p]; len(n) > 1 || len(n) == 1 && !strings.EqualFold(n[0], p.String()) {
			a.notes = append(a.notes, fmt.Sprintf("the part %s is in %s", p, listNames(n)))
		}
	}
	for _, u := range unlabelled {
		a.leave(u.dir, fmt.Sprintf("picture of the part %s, which has no class folders", u.part))
	}
	for _, o := range others {
		a.leave(o.dir, fmt.Sprintf("picture in a folder beside the parts, %s", o.name))
	}
	for _, e := range a.empty {
		if parent, name := parentOf(e); parent == top.path && e != "" {
			a.left.add("folder beside the parts without a picture", name)
		}
	}
	return nil
}

// trainClasses returns the names of the training part's class folders.
func trainClasses(parts []partDir) map[string]bool {
	names := map[string]bool{}
	for _, p := range parts {
		for _, class := range p.classes.subs {
			if p.part == trainPart {
				names[class.name] = true
			}
		}
	}
	return names
}

// saysNoClass says whether a folder is named as one of pictures whose classes
// nobody tells.
func saysNoClass(name string) bool {
	switch strings.ToLower(name) {
	case "unknown", "unlabeled", "unlabelled", "nolabel", "no_label", "all", "none", "dummy":
		return true
	}
	return false
}

// sameFolder says whether all parts have one folder, of the same name, above
// the class folders.
func (a *arranger) sameFolder(parts []partDir) bool {
	name := ""
	for _, p := range parts {
		c := p.classes
		if len(c.subs) != 1 || len(c.files) > 0 || len(c.subs[0].subs) == 0 || len(c.subs[0].files) > 0 || name != "" && c.subs[0].name != name {
			return false
		}
		name = c.subs[0].name
	}
	return len(parts) > 1
}

// hollowBelow notes the class folders directly below d that have no picture.
func (a *arranger) hollowBelow(d *dir) {
	for _, e := range a.empty {
		if parent, _ := parentOf(e); e != "" && parent == d.path {
			a.hollow = append(a.hollow, e)
		}
	}
}

// leave leaves out the pictures at and below d.
func (a *arranger) leave(d *dir, reason string) {
	d.each(func(i int) {
		a.left.add(reason, a.paths[i])
		a.spots[i].out = true
	})
}

// rest leaves out the pictures that have no spot. If they are most of them, and
// the others one class, that is no class.
func (a *arranger) rest() error {
	loose, placed, classes := 0, 0, map[string]bool{}
	for i, s := range a.spots {
		switch {
		case s.class != "":
			placed++
			classes[s.class] = true
		case !s.out:
			loose++
			a.left.add("picture outside class folders", a.paths[i])
		}
	}
	if loose > placed && len(classes) < 2 {
		return a.noFolders()
	}
	return nil
}

// hasParts says whether there are pictures of parts.
func (a *arranger) hasParts() bool {
	return slices.ContainsFunc(a.spots, func(s spot) bool { return s.part != noPart })
}
