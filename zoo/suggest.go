package zoo

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/internal/near"
)

// Suggest returns up to three names close to a mistyped one, closest first:
// networks of the zoo, and those of further names. A name may be the beginning
// of another, or what follows the "torchvision_" of one.
func Suggest(name string, further ...string) []string {
	if len(name) > 100 {
		return nil
	}
	word := near.Plain(strings.ToLower(name))
	var found []guess
	for _, w := range append(slices.Clone(further), names()...) {
		if g, ok := guessed(word, w); ok {
			found = append(found, g)
		}
	}
	slices.SortStableFunc(found, func(a, b guess) int {
		return cmp.Or(cmp.Compare(a.edits, b.edits), cmp.Compare(a.rest, b.rest))
	})
	var out []string
	for _, g := range found[:min(len(found), 3)] {
		out = append(out, g.name)
	}
	return out
}

func names() []string {
	all := make([]string, 0, len(index()))
	for _, s := range List() {
		all = append(all, s.About().Name)
	}
	for _, d := range Detectors() {
		all = append(all, d.Name)
	}
	return all
}

// guess is a name that may be meant.
type guess struct {
	name  string
	edits int // to make the word, or its beginning
	rest  int // how unusual it is to leave out what is left of the name
}

// guessed compares a word without separators with a name, and with its beginning.
func guessed(word, name string) (guess, bool) {
	full := near.Plain(name)
	whole := guess{name: name, edits: near.Distance(word, full)}
	ok := whole.edits <= max(1, len(full)/4)
	if len(word) < 4 {
		return whole, ok
	}
	start := guess{name: name, edits: whole.edits}
	if own, cut := strings.CutPrefix(full, "torchvision"); cut {
		full, start.rest = own, 1
	}
	// A letter too few or too many moves the end of the beginning.
	for n := len(word) - 1; n <= len(word)+1 && n <= len(full); n++ {
		start.edits = min(start.edits, near.Distance(word, full[:n]))
	}
	switch {
	case len(word) >= len(full):
	case strings.HasSuffix(name, "_100"):
		start.rest++
	default:
		start.rest += 2
	}
	if start.edits < whole.edits && start.edits <= max(1, len(word)/5) {
		return start, true
	}
	return whole, ok
}
