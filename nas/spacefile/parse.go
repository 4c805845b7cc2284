// Package spacefile reads and writes search spaces as TOML files, in the words of
// network files: where those have a value, a space has the list of values to
// choose from.
package spacefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// Bounds of a space file.
const (
	maxFile   = 1 << 20
	maxStages = 256
)

// Lookup returns the space of a name that package nas knows, or that of a file
// whose name ends in .toml.
func Lookup(name string) (*nas.TableSpace, error) {
	if !strings.HasSuffix(name, ".toml") {
		s, err := nas.Lookup(name)
		if err != nil {
			err = fmt.Errorf("%w, or a .toml file", err)
		}
		return s, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("space file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("space file: %w", err)
	}
	return Parse(name, data)
}

// Parse reads a space. What is not decided is written as in a network file (see
// netfile.Parse), and what is, as a list:
//
//	name = "mine"
//	classes = 10
//	input = {size = 32}
//
//	[stem]
//	out = [16, 24]                       # or one width
//	stride = 1
//
//	[[stage]]
//	stride = 2                           # of the first block
//	out = [24, 32, 40]
//	depth = [1, 2, 3]                    # blocks; 1 unless given
//	kernels = [3, [3, 5], [3, 5, 7]]     # each block chooses for itself
//	expand = [3, 6]
//	se = [0, 0.25]
//	act = ["relu", "swish"]
//	expand_groups = [1, 2]
//	project_groups = [1, 2]
//	shared = true                        # all blocks of the stage are alike
//
//	[[stage]]
//	out = 64
//	depth = 4
//	rows = [{name = "k3_e3", kernels = 3, expand = 3}, {name = "k5_e6", kernels = 5, expand = 6}]
//
//	[stage.rest]                         # of all blocks but the first
//	rows = [{name = "k3_e3", kernels = 3, expand = 3}, {name = "skip", none = true}]
//
//	[head]
//	out = 256
//
// file names the data in errors, which join one *netfile.FileError for every
// mistake found.
func Parse(file string, data []byte) (*nas.TableSpace, error) {
	d, err := netfile.Read(file, data)
	if err != nil {
		return nil, err
	}
	p := parser{d}
	t := nas.Table{Stem: p.width("stem"), Head: p.width("head")}
	t.Base = d.Network("stage")
	t.Stages = p.stages()
	if err := d.Err(); err != nil {
		return nil, err
	}
	s, err := nas.NewTable(t)
	if err != nil {
		return nil, &netfile.FileError{File: file, Reason: err.Error()}
	}
	p.try(s)
	return s, d.Err()
}

// parser reads the choices of a document.
type parser struct{ *netfile.Document }

// width takes the widths to choose from out of a table, and leaves the first
// one there.
func (p parser) width(table string) []int {
	m, _ := p.Root[table].(map[string]any)
	list, ok := m["out"].([]any)
	if !ok {
		return nil
	}
	widths := choices[int](p, table, 0, "out", list)
	if len(list) > 0 {
		m["out"] = list[0]
	}
	return widths
}

func (p parser) stages() []nas.StageChoices {
	list, _ := p.Root["stage"].([]map[string]any)
	if len(list) == 0 || len(list) > maxStages {
		p.Wrong("", 0, "stage", "%d stages: want 1 to %d tables, each under [[stage]]", len(list), maxStages)
		return nil
	}
	all := make([]nas.StageChoices, len(list))
	for i, m := range list {
		s := &all[i]
		s.Out = choices[int](p, "stage", i, "out", m["out"])
		s.Depth = choices[int](p, "stage", i, "depth", m["depth"])
		s.First = p.block("stage", i, m, []netfile.Field{{Key: "stride", Value: &s.Stride}, {Key: "shared", Value: &s.Shared}}, "out", "depth", "rest")
		if rest, ok := m["rest"].(map[string]any); ok {
			c := p.block("stage.rest", i, rest, nil)
			s.Rest = &c
		} else if m["rest"] != nil {
			p.Wrong("stage", i, "rest", "want a table, under [stage.rest]")
		}
	}
	return all
}

// block reads what can be chosen of a block.
func (p parser) block(table string, index int, m map[string]any, fields []netfile.Field, others ...string) nas.BlockChoices {
	keys := []string{"rows", "kernels", "expand", "se", "act", "expand_groups", "project_groups"}
	p.Table(table, index, m, fields, append(others, keys...)...)
	c := nas.BlockChoices{
		Rows:          p.rows(table, index, m["rows"]),
		Kernels:       choices[[]int](p, table, index, "kernels", m["kernels"]),
		Expand:        choices[float64](p, table, index, "expand", m["expand"]),
		SE:            choices[float64](p, table, index, "se", m["se"]),
		Act:           choices[graph.Activation](p, table, index, "act", m["act"]),
		ExpandGroups:  choices[int](p, table, index, "expand_groups", m["expand_groups"]),
		ProjectGroups: choices[int](p, table, index, "project_groups", m["project_groups"]),
	}
	for _, key := range keys[1:] {
		if m[key] != nil && m["rows"] != nil {
			p.Wrong(table, index, key, "give rows or what each is made of, not both")
		}
	}
	return c
}

func (p parser) rows(table string, index int, v any) []nas.Row {
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	tables, isTables := v.([]map[string]any)
	for _, m := range tables {
		list = append(list, m)
	}
	if !ok && !isTables || len(list) == 0 {
		p.Wrong(table, index, "rows", "want a list of rows, such as {name = \"k3\", kernels = 3}")
		return nil
	}
	rows := make([]nas.Row, len(list))
	for i, e := range list {
		r := &rows[i]
		m, ok := e.(map[string]any)
		if !ok {
			p.Wrong(table, index, "rows", "row %d: want a table in braces", i+1)
			continue
		}
		for key, dst := range map[string]any{"name": &r.Name, "none": &r.None} {
			if v, ok := m[key]; ok {
				if err := netfile.Assign(dst, v); err != nil {
					p.Wrong(table, index, "rows", "row %d: %s: %v", i+1, key, err)
				}
			}
		}
		p.Stage(table, index, "rows", m, &r.Stage, "name", "none")
		if r.Name == "" || slices.ContainsFunc(rows[:i], func(other nas.Row) bool { return other.Name == r.Name }) {
			p.Wrong(table, index, "rows", "row %d: %q: want a name that no other row has", i+1, r.Name)
		}
	}
	return rows
}

// choices reads a list of values, or a single one.
func choices[T any](p parser, table string, index int, key string, v any) []T {
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		p.Wrong(table, index, key, "want at least one choice")
	}
	all := make([]T, len(list))
	for i, e := range list {
		if err := netfile.Assign(&all[i], e); err != nil {
			p.Wrong(table, index, key, "choice %d: %v", i+1, err)
		}
	}
	return all
}

// try builds the networks of the first and of the last options, and notes what
// is wrong with them.
func (p parser) try(s *nas.TableSpace) {
	first := make(nas.Arch, len(s.Decisions()))
	last := make(nas.Arch, len(first))
	for i, d := range s.Decisions() {
		last[i] = uint8(len(d.Options) - 1)
	}
	for _, a := range []nas.Arch{first, last} {
		n, err := s.Network(s.Canonical(a))
		if err == nil {
			_, err = nas.CostOf(n)
		}
		if err == nil {
			continue
		}
		var wrong *zoo.TableError
		if !errors.As(err, &wrong) {
			p.Wrong("", 0, "name", "%v", err)
			return
		}
		index := 0
		if wrong.Table == "stage" {
			index = -1
			for _, row := range n.Stages[:min(wrong.Index+1, len(n.Stages))] {
				if row.Part == zoo.NewPart {
					index++
				}
			}
		}
		p.Wrong(wrong.Table, max(index, 0), wrong.Field, "%s", wrong.Reason)
		return
	}
}
