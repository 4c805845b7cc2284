package weights

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
)

// matching is the way of reading a file's names that fits a network best.
type matching struct {
	names   *NameMap
	section string
	found   int
}

// match tries the network's own names and then every map of o, in every section
// of the file.
func match(g *graph.Graph, f *File, o Options) matching {
	best := matching{names: ownNames(g)}
	if o.Exact {
		return best
	}
	try := func(names *NameMap) {
		known := make(map[string]bool, len(names.Names))
		for _, n := range names.Names {
			if n != "" {
				known[n] = true
			}
		}
		found := sections(f, known)
		for section, n := range found {
			if m := (matching{names, section, n}); m.compare(best) > 0 {
				best = m
			}
		}
		for _, section := range slices.Sorted(maps.Keys(found)) {
			if m := (matching{names, section, found[section]}); m.almost(best) {
				best = m
			}
		}
	}
	try(best.names)
	for i := range o.Names {
		if best.found < len(g.Params) {
			try(&o.Names[i])
		}
	}
	return best
}

// sections returns, for everything that precedes a known name in the file, how
// many names it precedes.
func sections(f *File, known map[string]bool) map[string]int {
	found := map[string]int{}
	for _, name := range f.names {
		for at := 0; ; {
			if known[name[at:]] {
				found[name[:at]]++
			}
			next := strings.IndexAny(name[at:], "./")
			if next < 0 {
				break
			}
			at += next + 1
		}
	}
	return found
}

// compare orders matchings by fitness: the most parameters, then the kind of
// section, then the shortest prefix.
func (m matching) compare(b matching) int {
	return cmp.Or(
		cmp.Compare(m.found, b.found),
		cmp.Compare(sectionRank(m.section), sectionRank(b.section)),
		cmp.Compare(len(b.section), len(m.section)),
		cmp.Compare(b.section, m.section),
	)
}

// almost reports whether m is a moving average that lacks a few parameters of
// the best section, so that the file is damaged: the weights that are not
// averaged must not be taken for it in silence.
func (m matching) almost(best matching) bool {
	return m.names == best.names && m.found < best.found && m.found >= best.found-1-best.found/50 && sectionRank(m.section) > sectionRank(best.section)
}

// Names of the dicts and wrappers that hold a network's weights, in timm,
// torchvision and other training code.
var (
	emaSections   = []string{"ema", "model_ema", "state_dict_ema", "ema_state_dict", "params_ema", "ema_model"}
	plainSections = []string{"", "state_dict", "model", "model_state_dict", "model_state", "module", "net", "network", "params", "weights", "_orig_mod"}
)

// sectionRank prefers moving averages to the weights themselves and both to
// sections of other names, such as an optimizer's.
func sectionRank(section string) int {
	rank := 1
	for _, part := range strings.FieldsFunc(section, func(r rune) bool { return r == '.' || r == '/' }) {
		switch {
		case slices.Contains(emaSections, part):
			rank = 2
		case !slices.Contains(plainSections, part):
			return -1
		}
	}
	return rank
}
