package weights

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
)

// Report says how the tensors of a file were put onto a network.
type Report struct {
	Section    string     // what precedes the names in the file, such as "state_dict_ema/module."
	Names      string     // whose names the file uses: OwnNames, or the source of a NameMap
	Loaded     int        // parameters read
	Classes    int        // of the classifier in the file; 0 if it has none
	Channels   int        // of the images that the file's first convolution takes; 0 if that cannot be told
	Initial    []string   // parameters left at their initial values
	Missing    []string   // parameters of the network that the file lacks
	Misshaped  []Mismatch // parameters that the file has in another shape
	Unexpected []string   // tensors of the file that the network has not
	Ignored    []string   // tensors that never matter, such as num_batches_tracked and those of types that cannot be read
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

// addUnused sorts the tensors of the section that belong to no parameter. Those
// of other layers in the classifier's place are ignored if it is replaced.
func (r *Report) addUnused(f *File, m matching, g *graph.Graph, replaceHead bool) {
	used := make(map[string]bool, len(g.Params))
	for _, name := range m.names.Names {
		used[m.section+name] = true
	}
	var replaced []string
	if replaceHead {
		for _, id := range g.HeadParams() {
			name := m.names.Names[id]
			replaced = append(replaced, name[:strings.LastIndexByte(name, '.')+1])
		}
	}
	for _, name := range f.names {
		rest, ok := strings.CutPrefix(name, m.section)
		switch {
		case !ok || used[name] || strings.Contains(rest, "/"):
		case strings.HasSuffix(rest, "num_batches_tracked"), f.tensors[name].DType == Other,
			slices.ContainsFunc(replaced, func(module string) bool { return module != "" && strings.HasPrefix(rest, module) }):
			r.Ignored = append(r.Ignored, name)
		default:
			r.Unexpected = append(r.Unexpected, name)
		}
	}
}

// err says what does not fit, if anything.
func (r *Report) err(g *graph.Graph, f *File, m matching, head []bool) error {
	var parts []string
	if n := len(r.Missing); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d parameters are missing: %s", n, len(g.Params), list(r.Missing)))
	}
	if n := len(r.Misshaped); n > 0 {
		parts = append(parts, fmt.Sprintf("%d have another shape: %s", n, list(r.Misshaped)))
	}
	if n := len(r.Unexpected); n > 0 {
		parts = append(parts, fmt.Sprintf("%d tensors are not the network's: %s", n, list(r.Unexpected)))
	}
	switch {
	case len(parts) > 0:
		if r.onlyHead(g, head) {
			x := r.Misshaped[0]
			parts = append(parts, fmt.Sprintf("the file is for %d classes and the network for %d: build it for as many, or replace the head", x.Have[0], x.Want[0]))
		}
		if r.Channels > 0 && r.Channels != g.Channels() {
			parts = append(parts, fmt.Sprintf("the file is for images of %d channels and the network for %d: build it for as many", r.Channels, g.Channels()))
		}
		return fmt.Errorf("%s: %w %s: %s", f.path, ErrMismatch, g.Name, strings.Join(parts, "; "))
	case m.names.Err != nil:
		return fmt.Errorf("%s: %w %s: %w", f.path, ErrMismatch, g.Name, m.names.Err)
	}
	return nil
}

// onlyHead reports whether nothing is wrong but the classifier's shape.
func (r *Report) onlyHead(g *graph.Graph, head []bool) bool {
	if len(r.Missing) > 0 || len(r.Misshaped) == 0 {
		return false
	}
	index := g.ParamIndex()
	return !slices.ContainsFunc(r.Misshaped, func(x Mismatch) bool { return !head[index[x.Name]] })
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
