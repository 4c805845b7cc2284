package data

import (
	"fmt"
	"maps"
	"slices"
)

// placeClasses places the pictures of a set whose top folders are classes.
func (a *arranger) placeClasses(top *dir, words []partDir) error {
	a.hollowBelow(top)
	if done, err := a.partsWithin(top); done || err != nil {
		return err
	}
	if err := a.oneDepth(top); err != nil {
		return err
	}
	if same := sharedFolders(top.subs); len(same) > 0 {
		return ambiguous("%s: the folders %s hold folders of the same names, %s: give one of them, such as %s, if those are the classes; else put the pictures of each class directly into its folder",
			a.at(top), listNames(top.names()), listNames(same), a.at(top.subs[0]))
	}
	for _, w := range words {
		a.notes = append(a.notes, fmt.Sprintf("%s is read as a class: there are no class folders in it", w.name))
	}
	for _, class := range top.subs {
		class.each(func(i int) { a.spots[i] = spot{class: class.name} })
	}
	return nil
}

// partsWithin places the pictures of classes that have folders of parts, such
// as cat/train and cat/test. It reports whether they have.
func (a *arranger) partsWithin(top *dir) (done bool, err error) {
	seen := map[part]string{}
	with, without := "", ""
	for _, class := range top.subs {
		if len(class.files) > 0 {
			without = class.name
		}
		for _, s := range class.subs {
			p, _ := partOf(s.name)
			if p == noPart {
				without = class.name + "/" + s.name
				continue
			}
			seen[p], with = s.name, class.name+"/"+s.name
			if len(s.subs) > 1 {
				return false, ambiguous("%s: %s may be a class, with parts below it, or a set of its own: give %s for the second", a.at(top), class.name, a.at(class))
			}
		}
	}
	switch {
	case len(seen) == 0 || without != "" && len(seen) == 1:
		return false, nil
	case without != "":
		return false, ambiguous("%s: %s may be a part of the set or only a folder of the class, like %s: put parts into folders above those of the classes, or pictures directly into these",
			a.at(top), with, without)
	}
	for _, class := range top.subs {
		for _, s := range class.subs {
			p, _ := partOf(s.name)
			s.each(func(i int) { a.spots[i] = spot{part: p, class: class.name} })
		}
	}
	a.notes = append(a.notes, fmt.Sprintf("the parts are folders within the classes: %s", listNames(slices.Sorted(maps.Values(seen)))))
	return true, nil
}

// oneDepth reports a folder of class folders that lies beside a folder of
// pictures: one of the two is not meant to be a class.
func (a *arranger) oneDepth(top *dir) error {
	var flat, deep *dir
	for _, s := range top.subs {
		switch {
		case len(s.files) > 0:
			flat = s
		case len(s.subs) > 1:
			deep = s
		}
	}
	if flat == nil || deep == nil {
		return nil
	}
	return ambiguous("in %s, the folder %s holds pictures and %s holds %d folders of them: give the folder whose folders are the classes, such as %s",
		a.at(top), flat.name, deep.name, len(deep.subs), a.at(deep))
}

// sharedFolders returns the names of folders that all of several have in
// common, if that is what they are made of.
func sharedFolders(tops []*dir) []string {
	count := map[string]int{}
	for _, s := range tops {
		if len(s.files) > 0 || len(s.subs) < 2 {
			return nil
		}
		for _, c := range s.subs {
			count[c.name]++
		}
	}
	for _, s := range tops {
		if 2*len(s.subs) < len(count) {
			return nil
		}
	}
	var same []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		if count[name] > 1 {
			same = append(same, name)
		}
	}
	if len(tops) < 2 || 2*len(same) < len(count) {
		return nil
	}
	return same
}
