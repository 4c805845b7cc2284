package imagenet

import (
	"slices"
	"testing"
)

func TestClasses(t *testing.T) {
	names, synsets := Names(), Synsets()
	if len(names) != 1000 || len(synsets) != 1000 {
		t.Fatalf("%d names, %d synsets, want 1000", len(names), len(synsets))
	}
	if !slices.IsSorted(synsets) {
		t.Error("synsets are not in order")
	}
	unique := slices.Clone(names)
	slices.Sort(unique)
	if n := len(slices.Compact(unique)); n != 1000 {
		t.Errorf("%d different names", n)
	}
	// Numbers that are quoted everywhere in the literature.
	for synset, want := range map[string]struct {
		index int
		name  string
	}{
		"n01440764": {0, "tench"},
		"n02123045": {281, "tabby"},
		"n07697537": {934, "hotdog"},
		"n15075141": {999, "toilet tissue"},
	} {
		i := slices.Index(Synsets(), synset)
		if i != want.index || names[i] != want.name {
			t.Errorf("%s: class %d %q, want %d %q", synset, i, names[i], want.index, want.name)
		}
	}
}
