package weights

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
)

// ErrMismatch is wrapped by the error of Load about a file that does not fit
// the network.
var ErrMismatch = errors.New("weights do not fit the network")

// Options says what Load accepts beside a file that fits exactly.
type Options struct {
	// ReplaceHead leaves the classifier at its initial values where the file
	// has none or one for other classes: the start of fine-tuning.
	ReplaceHead bool
	// Seed starts the random initial values of what is not read from the file.
	Seed uint64
	// AllowUnexpected accepts tensors that the network has no use for.
	AllowUnexpected bool
	// SkipEMA prefers the weights that the optimizer updates to their moving
	// average, in checkpoints that hold both.
	SkipEMA bool
}

// Report says how the tensors of a file were put onto a network.
type Report struct {
	Section    string     // what precedes the names in the file, such as "state_dict_ema/module."
	Names      string     // whose names the file uses: OwnNames, or the source of a name map
	Loaded     int        // parameters read
	Classes    int        // of the classifier in the file; 0 if it has none
	Initial    []string   // parameters left at their initial values
	Missing    []string   // parameters of the network that the file lacks
	Misshaped  []Mismatch // parameters that the file has in another shape
	Unexpected []string   // tensors of the file that the network has not
	Ignored    []string   // tensors that never matter, such as num_batches_tracked
}

// Mismatch is a parameter whose shape in the file is not the network's.
type Mismatch struct {
	Name       string
	Have, Want []int
}

// String formats the mismatch for messages.
func (m Mismatch) String() string {
	return fmt.Sprintf("%s (%v in the file, %v in the network)", m.Name, m.Have, m.Want)
}

// Load reads the values of all parameters of g. Names are timm's or those of a
// source that is known by a name map; they may all begin with the same prefix,
// such as "module.", or lie in one dict of a checkpoint, of which the moving
// average of the weights (EMA) is preferred. Auxiliary classifiers, which only
// training uses, may be absent.
//
// If the file does not fit, the error wraps ErrMismatch and names the first
// few differences; the Report has all of them.
func Load(g *graph.Graph, f *File, o Options) (graph.Values[float32], *Report, error) {
	s, r, err := NewSource(g, f, o)
	if err != nil {
		return nil, r, err
	}
	v := graph.NewValues[float32](g)
	for i := range v {
		if _, err := s.Values(graph.ParamID(i), v[i]); err != nil {
			return nil, r, err
		}
	}
	return v, r, nil
}

// Source reads the values of a network's parameters from a file when they are
// asked for. It is safe for concurrent use while the file is open.
type Source struct {
	g       *graph.Graph
	f       *File
	seed    uint64
	tensors []string  // by ParamID: the name in the file; "" for initial values
	add     []float32 // by ParamID: what is added to the values
}

// NewSource returns the parameters that Load would read, under the same
// conditions.
func NewSource(g *graph.Graph, f *File, o Options) (*Source, *Report, error) {
	m, r, err := check(g, f, o)
	if err != nil {
		return nil, r, err
	}
	s := &Source{g: g, f: f, seed: o.Seed, tensors: make([]string, len(g.Params)), add: m.names.variances(g)}
	for i, p := range g.Params {
		name := m.section + m.tensors[i]
		if t, ok := f.tensors[name]; m.tensors[i] != "" && ok && sameShape(t.Shape, p.Shape) {
			s.tensors[i] = name
		}
	}
	return s, r, nil
}

// Values reads the values of a parameter, in PyTorch's layout, into buf and
// returns it. Its length must be the parameter's.
func (s *Source) Values(id graph.ParamID, buf []float32) ([]float32, error) {
	if s.tensors[id] == "" {
		s.g.Params[id].Initialize(buf, s.seed)
	} else if err := s.f.Read(s.tensors[id], buf); err != nil {
		return nil, err
	}
	if x := s.add[id]; x != 0 {
		for i := range buf {
			buf[i] += x
		}
	}
	return buf, nil
}

// Check reports how Load would put the tensors of a file onto g, and its error,
// without reading any values.
func Check(g *graph.Graph, f *File, o Options) (*Report, error) {
	_, r, err := check(g, f, o)
	return r, err
}

func check(g *graph.Graph, f *File, o Options) (matching, *Report, error) {
	m := match(g, f, o)
	r := &Report{Section: m.section, Names: m.names.source}
	head, needed := headParams(g), neededParams(g)
	for i, p := range g.Params {
		t, ok := f.tensors[m.section+m.tensors[i]]
		ok = ok && m.tensors[i] != ""
		if ok && head[i] && p.Kind == graph.Weight && len(t.Shape) > 0 {
			r.Classes = t.Shape[0]
		}
		switch {
		case ok && sameShape(t.Shape, p.Shape):
			r.Loaded++
		case !needed[i] || o.ReplaceHead && head[i]:
			r.Initial = append(r.Initial, p.Name)
		case !ok:
			r.Missing = append(r.Missing, p.Name)
		default:
			r.Misshaped = append(r.Misshaped, Mismatch{p.Name, t.Shape, p.Shape})
		}
	}
	r.addUnused(f, m, g)
	return m, r, r.err(g, f, m, head, o)
}

// matching is the way of reading a file's names that fits a network best.
type matching struct {
	names   *nameMap
	section string
	tensors []string // by ParamID: the name after the section; "" for none
	found   int
}

// match tries every name map and every section of the file.
func match(g *graph.Graph, f *File, o Options) matching {
	best := matching{names: &nameMaps[0], tensors: nameMaps[0].apply(g)}
	for i := range nameMaps {
		if best.found == len(g.Params) {
			break
		}
		names := nameMaps[i].apply(g)
		known := make(map[string]bool, len(names))
		for _, n := range names {
			if n != "" {
				known[n] = true
			}
		}
		for section, found := range sections(f, known) {
			m := matching{&nameMaps[i], section, names, found}
			if m.compare(best, o) > 0 {
				best = m
			}
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
func (m matching) compare(b matching, o Options) int {
	return cmp.Or(
		cmp.Compare(m.found, b.found),
		cmp.Compare(sectionRank(m.section, o.SkipEMA), sectionRank(b.section, o.SkipEMA)),
		cmp.Compare(len(b.section), len(m.section)),
		cmp.Compare(b.section, m.section),
	)
}

// Names of the dicts and wrappers that hold a network's weights, in timm,
// torchvision and other training code.
var (
	emaSections   = []string{"ema", "model_ema", "state_dict_ema", "ema_state_dict", "params_ema", "ema_model"}
	plainSections = []string{"", "state_dict", "model", "model_state_dict", "model_state", "module", "net", "network", "params", "weights", "_orig_mod"}
)

// sectionRank prefers moving averages, or the weights themselves, and both to
// sections of other names, such as an optimizer's.
func sectionRank(section string, skipEMA bool) int {
	rank := 1
	for _, part := range strings.FieldsFunc(section, func(r rune) bool { return r == '.' || r == '/' }) {
		switch {
		case slices.Contains(emaSections, part):
			rank = 2
			if skipEMA {
				rank = 0
			}
		case !slices.Contains(plainSections, part):
			return -1
		}
	}
	return rank
}

// addUnused sorts the tensors of the section that belong to no parameter.
func (r *Report) addUnused(f *File, m matching, g *graph.Graph) {
	used := make(map[string]bool, len(g.Params))
	for _, name := range m.tensors {
		used[m.section+name] = true
	}
	for _, name := range f.names {
		rest, ok := strings.CutPrefix(name, m.section)
		switch {
		case !ok || used[name] || strings.Contains(rest, "/"):
		case strings.HasSuffix(rest, "num_batches_tracked"):
			r.Ignored = append(r.Ignored, name)
		default:
			r.Unexpected = append(r.Unexpected, name)
		}
	}
}

// err says what does not fit, if anything.
func (r *Report) err(g *graph.Graph, f *File, m matching, head []bool, o Options) error {
	var parts []string
	if n := len(r.Missing); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d parameters are missing: %s", n, len(g.Params), list(r.Missing)))
	}
	if n := len(r.Misshaped); n > 0 {
		parts = append(parts, fmt.Sprintf("%d have another shape: %s", n, list(r.Misshaped)))
	}
	if n := len(r.Unexpected); n > 0 && !o.AllowUnexpected {
		parts = append(parts, fmt.Sprintf("%d tensors are not the network's: %s", n, list(r.Unexpected)))
	}
	if len(parts) > 0 {
		index := g.ParamIndex()
		onlyHead := len(r.Missing) == 0 && !slices.ContainsFunc(r.Misshaped, func(x Mismatch) bool { return !head[index[x.Name]] })
		if onlyHead && len(r.Misshaped) > 0 {
			x := r.Misshaped[0]
			parts = append(parts, fmt.Sprintf("the file is for %d classes and the network for %d: build it for as many, or replace the head", x.Have[0], x.Want[0]))
		}
		return fmt.Errorf("%s: %w %s: %s", f.path, ErrMismatch, g.Name, strings.Join(parts, "; "))
	}
	if err := m.names.checkPadding(g); err != nil {
		return fmt.Errorf("%s: %w %s: %w", f.path, ErrMismatch, g.Name, err)
	}
	return nil
}

// list formats the first few items.
func list[T any](items []T) string {
	const few = 4
	var b strings.Builder
	for i, item := range items[:min(len(items), few)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.200v", item)
	}
	if len(items) > few {
		fmt.Fprintf(&b, " and %d more", len(items)-few)
	}
	return b.String()
}

// sameShape compares shapes without the ones at their ends: a 1×1 convolution
// has the values of a fully connected layer.
func sameShape(a, b []int) bool {
	trim := func(s []int) []int {
		for len(s) > 1 && s[len(s)-1] == 1 {
			s = s[:len(s)-1]
		}
		return s
	}
	return slices.Equal(trim(a), trim(b))
}

// headParams marks the parameters of the classifiers.
func headParams(g *graph.Graph) []bool {
	head := make([]bool, len(g.Params))
	for _, p := range g.HeadParams() {
		head[p] = true
	}
	return head
}

// neededParams marks the parameters that inference reads.
func neededParams(g *graph.Graph) []bool {
	needed := make([]bool, len(g.Params))
	for i, used := range g.Used() {
		if used {
			for _, p := range g.Nodes[i].Op.Params() {
				needed[p] = true
			}
		}
	}
	return needed
}
