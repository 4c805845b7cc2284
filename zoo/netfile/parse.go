// Package netfile reads and writes the table of a network as a file: a TOML
// vocabulary of its own, and the block strings of timm.
package netfile

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/internal/near"
	"github.com/mixnet-go/mixnet/zoo"
)

// Bounds of a network file, of the network and of the mistakes reported.
const (
	maxFile     = 1 << 20
	maxParams   = 1 << 30
	maxMistakes = 20
	maxReason   = 300
)

//go:embed vocabulary.md
var vocabulary string

// Vocabulary describes network files, in Markdown.
func Vocabulary() string { return vocabulary }

// Lookup returns the network of a name as zoo.Lookup does, or that of a file
// whose name ends in .toml, with the changes after an at sign:
// path/mine.toml@width=1.5. A detector on the network of a file, for images of
// some size, is path/mine.toml_ssdlite320.
func Lookup(name string) (zoo.Spec, error) {
	path, changes, changed := strings.Cut(name, "@")
	file, size, detector := onBackbone(path)
	if !strings.HasSuffix(file, tomlEnding) {
		return zoo.Lookup(name)
	}
	s, err := LoadSpec(file)
	if err != nil {
		return nil, err
	}
	if detector {
		n, ok := s.(zoo.Network)
		if !ok {
			return nil, fmt.Errorf("%s finds objects already", file)
		}
		s = zoo.SSDLite(n, size)
	}
	if !changed {
		return s, nil
	}
	return zoo.Change(s, changes)
}

// FileError is a mistake in a network file.
type FileError struct {
	File   string
	Line   int // 0 where the mistake has no place
	Reason string
}

// Error formats the mistake as FILE:LINE: reason.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Reason
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
}

// Load reads a network file. See Parse.
func Load(path string) (zoo.Network, error) {
	data, err := content(path)
	if err != nil {
		return zoo.Network{}, err
	}
	return Parse(path, data)
}

// LoadSpec reads a network file. See ParseSpec.
func LoadSpec(path string) (zoo.Spec, error) {
	data, err := content(path)
	if err != nil {
		return nil, err
	}
	return ParseSpec(path, data)
}

func content(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	return data, nil
}

// Parse reads a network written in the vocabulary of zoo.Network, which
// [Vocabulary] describes, for example
//
//	name = "mine"
//	classes = 10
//	act = "relu"
//	norm = {eps = 1e-5, momentum = 0.1}
//	input = {size = 32, channels = 1}
//
//	[stem]
//	out = 16
//	stride = 1
//
//	[[stage]]
//	kernels = [3, 5, 7]
//	stride = 2
//	expand = 6
//	out = 40
//	se = 0.5
//	act = "swish"
//
//	[[stage]]
//	block = "ir_r2_k3.5_a1.1_p1.1_s1_e6_c40_se0.5_nsw"   # a block string of timm
//
//	[head]
//	out = 256
//
// Instead of stages, blocks may hold a whole definition of timm: a list of
// lists of block strings. file names the data in errors, which join one
// *FileError for every mistake found.
func Parse(file string, data []byte) (zoo.Network, error) {
	d, err := Read(file, data)
	if err != nil {
		return zoo.Network{}, err
	}
	n := d.network(d.Root, "stage", "blocks")
	n.Stages = d.stages(d.Root)
	if len(d.mistakes) == 0 {
		d.validate(n)
	}
	if err := d.Err(); err != nil {
		return zoo.Network{}, err
	}
	return n, nil
}

// decoder fills tables from decoded TOML and notes mistakes.
type decoder struct {
	file     string
	lines    map[place]int
	mistakes []*FileError
}

// place is a key of a table: "stage", 2, "kernels".
type place struct {
	table string
	index int
	key   string
}

// wrong notes a mistake at a place, or where its table begins.
func (d *decoder) wrong(p place, format string, args ...any) {
	if len(d.mistakes) == maxMistakes {
		return
	}
	line, ok := d.lines[p]
	for q, l := range d.lines {
		if ok {
			break
		}
		near := q.table == p.table && q.index == p.index && p.table != "" || q == place{key: p.table} || q == place{table: p.key}
		if near && (line == 0 || l < line) {
			line = l
		}
	}
	where := p.table
	if part, ok := strings.CutPrefix(p.table, "stage"); ok {
		where = fmt.Sprintf("stage %d%s", p.index+1, strings.ReplaceAll(part, ".", ", "))
	}
	if where != "" && p.key != "" {
		where += ": "
	}
	reason := where + p.key + ": " + fmt.Sprintf(format, args...)
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + " …"
	}
	d.mistakes = append(d.mistakes, &FileError{d.file, line, reason})
}

// networkName is what a network may be called: also the name that Lookup gives
// to one with changes.
var networkName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(@[A-Za-z0-9_=,.+-]+)?$`)

// network reads all but the stages. others are further keys that there may be.
func (d *decoder) network(root map[string]any, others ...string) zoo.Network {
	n := zoo.Network{Info: zoo.Info{Family: "user"}}
	tables := map[string][]field{
		"norm":           normFields(&n.Norm),
		"input":          inputFields(&n.Input),
		"squeeze_excite": squeezeFields(&n.SE),
		"stem":           stemFields(&n.Stem),
		"head":           headFields(&n.Head),
	}
	d.table(place{}, root, networkFields(&n), append(slices.Sorted(maps.Keys(tables)), others...))
	for name, fields := range tables {
		if v, ok := root[name]; ok {
			if m, ok := v.(map[string]any); ok {
				d.table(place{table: name}, m, fields, nil)
			} else {
				d.wrong(place{key: name}, "want a table")
			}
		}
	}
	if _, ok := root["name"]; !ok {
		n.Name = strings.TrimSuffix(filepath.Base(d.file), ".toml")
	}
	if !networkName.MatchString(n.Name) {
		d.wrong(place{key: "name"}, "%q: want letters, digits, _ and -", n.Name)
	}
	n.Title = cmp.Or(n.Title, n.Name)
	return n
}

// stages reads the rows, or timm's block strings.
func (d *decoder) stages(root map[string]any) []zoo.Stage {
	if v, ok := root["blocks"]; ok {
		if _, ok := root["stage"]; ok {
			d.wrong(place{key: "blocks"}, "give blocks or stages, not both")
		}
		definition, ok := stringLists(v)
		if !ok {
			d.wrong(place{key: "blocks"}, `want a list of lists of block strings, such as [["ds_r1_k3_s1_c16"], ["ir_r2_k3_s2_e6_c24"]]`)
			return nil
		}
		stages, err := FromTimm(definition)
		if err != nil {
			d.wrong(place{key: "blocks"}, "%v", err)
		}
		return stages
	}
	v, ok := root["stage"]
	if !ok {
		return nil
	}
	rows, ok := v.([]map[string]any)
	if list, isList := v.([]any); isList {
		rows, ok = nil, true
		for _, e := range list {
			m, isTable := e.(map[string]any)
			ok = ok && isTable
			rows = append(rows, m)
		}
	}
	if !ok {
		d.wrong(place{key: "stage"}, "want tables, each under [[stage]]")
		return nil
	}
	stages := make([]zoo.Stage, len(rows))
	for i, row := range rows {
		at := place{table: "stage", index: i}
		if v, ok := row["block"]; ok {
			s, isString := v.(string)
			stage, err := ParseTimm(s)
			switch {
			case !isString:
				d.wrong(place{"stage", i, "block"}, "want a block string of timm")
			case err != nil:
				d.wrong(place{"stage", i, "block"}, "%v", err)
			default:
				stages[i] = stage
			}
		}
		d.table(at, row, stageFields(&stages[i]), []string{"block"})
	}
	return stages
}

// table fills the fields of one table. others are further keys it may have.
func (d *decoder) table(at place, m map[string]any, fields []field, others []string) {
	known := others
	for _, f := range fields {
		known = append(known, f.key)
		if v, ok := m[f.key]; ok {
			if err := assign(f.value, v); err != nil {
				d.wrong(place{at.table, at.index, f.key}, "%v", err)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if slices.Contains(known, key) || len(d.mistakes) == maxMistakes {
			continue
		}
		advice := "known: " + strings.Join(known, ", ")
		if close := near.Words(key, known); len(close) > 0 {
			advice = "did you mean " + close[0] + "?"
		}
		d.wrong(place{at.table, at.index, key}, "unknown key; %s", advice)
	}
}

// validate notes what zoo.Network.Validate finds, at its line.
func (d *decoder) validate(n zoo.Network) {
	d.input(n.Input)
	if err := n.Validate(); err != nil {
		var t *zoo.TableError
		if !errors.As(err, &t) {
			d.wrong(place{key: "name"}, "%v", err)
			return
		}
		p := place{t.Table, t.Index, t.Field}
		if t.Table == "stage" && d.lines[p] == 0 && d.lines[place{"stage", t.Index, "block"}] > 0 {
			p.key = "block"
		}
		d.wrong(p, "%s", t.Reason)
	}
	if len(d.mistakes) > 0 {
		return
	}
	switch g, err := n.Build(zoo.Options{}); {
	case err != nil:
		d.wrong(place{key: "name"}, "%v", err)
	case g.ParamCount() > maxParams:
		d.wrong(place{key: "name"}, "%d parameters are more than %d", g.ParamCount(), int64(maxParams))
	}
}

// input notes what is wrong with the preprocessing, at the first key that is
// wrong by itself.
func (d *decoder) input(p input.Preprocess) {
	all := p.Validate()
	if all == nil {
		return
	}
	at := place{table: "input"}
	var one input.Preprocess
	for i, f := range inputFields(&one) {
		reflect.ValueOf(f.value).Elem().Set(reflect.ValueOf(inputFields(&p)[i].value).Elem())
		if err := one.Validate(); err != nil {
			at.key, all = f.key, err
			break
		}
	}
	d.wrong(at, "%s", strings.TrimPrefix(all.Error(), input.ErrPreprocess.Error()+": "))
}
