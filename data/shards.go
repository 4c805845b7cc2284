package data

import (
	"fmt"
	"path"
)

// sample is a picture of a WebDataset shard and its label.
type sample struct {
	picture int    // in the tree
	from    member // the file of the label; its name is "" for none
	label   string
}

// labelKinds returns the kinds of files that stand beside pictures.
func (a *archives) labelKinds() (kinds [textLabel + 1]bool, err error) {
	for i, pictures := range a.pictures {
		for _, m := range pictures {
			for kind := classLabel; kind <= textLabel; kind++ {
				if kinds[kind] {
					continue
				}
				if _, kinds[kind], err = a.labels[i].find(m.name, kind); err != nil {
					return kinds, err
				}
			}
		}
	}
	return kinds, nil
}

// samples returns every picture with its label, of the first of some kinds that
// there is, and how many have one.
func (a *archives) samples(t *tree, kinds ...labelKind) (list []sample, labelled int, err error) {
	r := labelReader{archives: a.files}
	defer r.close()
	for i, name := range t.paths {
		s := sample{picture: i}
		for _, kind := range kinds {
			m, found, err := a.labels[t.places[i].archive].find(name, kind)
			if err != nil {
				return nil, 0, err
			}
			if !found {
				continue
			}
			label, ok, err := r.read(m)
			if err != nil {
				return nil, 0, err
			}
			if ok {
				s.from, s.label = m, label
				labelled++
				break
			}
		}
		list = append(list, s)
	}
	return list, labelled, nil
}

// webDataset makes the set of WebDataset shards. It returns nil if no file
// beside a picture holds a label.
func (a *archives) webDataset(t *tree) (*Splits, error) {
	kinds, err := a.labelKinds()
	if err != nil || kinds == [textLabel + 1]bool{} {
		return nil, err
	}
	list, labelled, err := a.samples(t, classLabel, jsonLabel, indexLabel)
	if err != nil {
		return nil, err
	}
	if labelled == 0 && kinds[textLabel] {
		if list, labelled, err = a.texts(t); err != nil {
			return nil, err
		}
	}
	if labelled == 0 {
		return nil, nil
	}
	if list, err = a.single(t, list); err != nil {
		return nil, err
	}
	b := newBuilder(t, "WebDataset", &a.left)
	b.numeric = true
	if err := a.place(b, list); err != nil {
		return nil, err
	}
	return b.splits()
}

// texts takes the text files for labels, unless they are something else.
func (a *archives) texts(t *tree) ([]sample, int, error) {
	folders := map[string]bool{}
	for _, p := range t.paths {
		folders[path.Dir(p)] = true
	}
	if len(folders) > 1 {
		return nil, 0, ambiguous("%s: the classes may be the folders %s or the texts beside the pictures: leave out the .txt files for the first, name them .cls for the second",
			t.root, listNames(sortClasses(folders, false)))
	}
	list, labelled, err := a.samples(t, textLabel)
	if err != nil {
		return nil, 0, err
	}
	different := map[string]bool{}
	for _, s := range list {
		different[s.label] = true
	}
	const captions = 10
	if labelled >= captions && len(different) >= labelled {
		return nil, 0, fmt.Errorf("%w: %s: every picture has another text beside it, such as %q: captions are no labels: want .cls or .json files", ErrLayout, t.root, list[0].label)
	}
	return list, labelled, nil
}

// single leaves out what shares its label with the picture of the label's name.
func (a *archives) single(t *tree, list []sample) ([]sample, error) {
	type id struct {
		archive int
		name    string
	}
	main := map[id]int{} // the sample's index in list
	for i, s := range list {
		if s.from.name == "" {
			continue
		}
		of := id{s.from.archive, s.from.name}
		first, ok := main[of]
		stem := stemOf(s.from.name)
		switch {
		case !ok || stemOf(t.paths[s.picture]) == stem && stemOf(t.paths[list[first].picture]) != stem:
			main[of] = i
		case stemOf(t.paths[list[first].picture]) != stem || stemOf(t.paths[s.picture]) == stem:
			return nil, ambiguous("%s and %s have one label, in %s: leave one of the pictures out, or give each its label",
				t.name(list[first].picture), t.paths[s.picture], s.from.name)
		}
	}
	kept := list[:0:0]
	for i, s := range list {
		if s.from.name == "" || main[id{s.from.archive, s.from.name}] == i {
			kept = append(kept, s)
		} else {
			a.left.add("further picture of a sample", t.paths[s.picture])
		}
	}
	return kept, nil
}

// place adds the samples to a set. Parts of which no picture has a label are
// left out; elsewhere all must have one.
func (a *archives) place(b *builder, list []sample) error {
	partAt := func(s sample) part { return a.files[b.tree.places[s.picture].archive].part }
	var labelled [testPart + 1]bool
	for _, s := range list {
		if s.from.name != "" {
			labelled[partAt(s)] = true
		}
	}
	for _, s := range list {
		switch p := partAt(s); {
		case s.from.name != "":
			b.add(s.picture, p, s.label)
		case labelled[p]:
			return fmt.Errorf("%w: %s has no label beside it", ErrLayout, b.tree.name(s.picture))
		default:
			b.left.add(fmt.Sprintf("picture of the part %s, which has no labels", p), b.tree.paths[s.picture])
		}
	}
	return nil
}
