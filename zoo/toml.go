package zoo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// Bounds of a network file, of the network and of the mistakes reported.
const (
	maxFile     = 1 << 20
	maxParams   = 1 << 30
	maxMistakes = 20
)

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

// LoadTOML reads a network file. See ParseTOML.
func LoadTOML(path string) (Network, error) {
	f, err := os.Open(path)
	if err != nil {
		return Network{}, fmt.Errorf("network file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Network{}, fmt.Errorf("network file: %w", err)
	}
	return ParseTOML(path, data)
}

// ParseTOML reads a network written in the vocabulary of Network, for example
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
func ParseTOML(file string, data []byte) (Network, error) {
	if len(data) > maxFile {
		return Network{}, &FileError{file, 0, fmt.Sprintf("larger than %d bytes", maxFile)}
	}
	var root map[string]any
	if _, err := toml.Decode(string(data), &root); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return Network{}, &FileError{file, syntax.Position.Line, strings.TrimSpace(syntax.Message)}
		}
		return Network{}, &FileError{file, 0, err.Error()}
	}
	d := &decoder{file: file, lines: locate(data)}
	n := d.network(root)
	if len(d.mistakes) == 0 {
		d.validate(n)
	}
	if len(d.mistakes) > 0 {
		slices.SortStableFunc(d.mistakes, func(a, b *FileError) int { return a.Line - b.Line })
		var errs []error
		for _, m := range d.mistakes {
			errs = append(errs, m)
		}
		return Network{}, errors.Join(errs...)
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
	if p.table == "stage" {
		where = fmt.Sprintf("stage %d", p.index+1)
	}
	if where != "" && p.key != "" {
		where += ": "
	}
	d.mistakes = append(d.mistakes, &FileError{d.file, line, where + p.key + ": " + fmt.Sprintf(format, args...)})
}

var networkName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

func (d *decoder) network(root map[string]any) Network {
	n := Network{Info: Info{Family: "user"}}
	tables := map[string][]field{
		"norm":           normFields(&n.Norm),
		"input":          inputFields(&n.Input),
		"squeeze_excite": n.SE.fields(),
		"stem":           n.Stem.fields(),
		"head":           n.Head.fields(),
	}
	d.table(place{}, root, n.fields(), append(slices.Sorted(maps.Keys(tables)), "stage", "blocks"))
	for name, fields := range tables {
		if v, ok := root[name]; ok {
			if m, ok := v.(map[string]any); ok {
				d.table(place{table: name}, m, fields, nil)
			} else {
				d.wrong(place{key: name}, "want a table")
			}
		}
	}
	n.Name = or(n.Name, strings.TrimSuffix(filepath.Base(d.file), ".toml"))
	if !networkName.MatchString(n.Name) {
		d.wrong(place{key: "name"}, "%q: want letters, digits, _ and -", n.Name)
	}
	n.Title = or(n.Title, n.Name)
	n.Stages = d.stages(root)
	return n
}

// stages reads the rows, or timm's block strings.
func (d *decoder) stages(root map[string]any) []Stage {
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
	stages := make([]Stage, len(rows))
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
		d.table(at, row, stages[i].fields(), []string{"block"})
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
		if slices.Contains(known, key) {
			continue
		}
		advice := "known: " + strings.Join(known, ", ")
		if near := closest(key, known); len(near) > 0 {
			advice = "did you mean " + near[0] + "?"
		}
		d.wrong(place{at.table, at.index, key}, "unknown key; %s", advice)
	}
}

// validate notes what Network.Validate finds, at its line.
func (d *decoder) validate(n Network) {
	for _, err := range []error{n.Validate(), n.Input.Validate()} {
		var t *TableError
		switch {
		case errors.As(err, &t):
			p := place{t.Table, t.Index, t.Field}
			if t.Table == "stage" && d.lines[p] == 0 && d.lines[place{"stage", t.Index, "block"}] > 0 {
				p.key = "block"
			}
			d.wrong(p, "%s", t.Reason)
		case err != nil:
			d.wrong(place{table: "input"}, "%v", err)
		}
	}
	if len(d.mistakes) > 0 {
		return
	}
	switch g, err := n.Build(Options{}); {
	case err != nil:
		d.wrong(place{key: "name"}, "%v", err)
	case g.ParamCount() > maxParams:
		d.wrong(place{key: "name"}, "%d parameters are more than %d", g.ParamCount(), int64(maxParams))
	}
}

// assign stores a decoded value in a field.
func assign(dst, v any) error {
	switch dst := dst.(type) {
	case *string:
		s, ok := v.(string)
		if !ok {
			return errors.New("want a string")
		}
		*dst = s
	case *bool:
		b, ok := v.(bool)
		if !ok {
			return errors.New("want true or false")
		}
		*dst = b
	case *int:
		i, ok := v.(int64)
		if !ok || i < 0 || i > math.MaxInt32 {
			return errors.New("want a whole number")
		}
		*dst = int(i)
	case *float64:
		x, ok := number(v)
		if !ok {
			return errors.New("want a number")
		}
		*dst = x
	case *[]int:
		list, ok := v.([]any)
		if !ok {
			list = []any{v} // a single kernel size needs no list
		}
		*dst = make([]int, len(list))
		for i, e := range list {
			if assign(&(*dst)[i], e) != nil {
				return errors.New("want whole numbers, such as [3, 5, 7]")
			}
		}
	case *[]float32:
		list, ok := v.([]any)
		*dst = make([]float32, len(list))
		for i, e := range list {
			x, isNumber := number(e)
			ok = ok && isNumber
			(*dst)[i] = float32(x)
		}
		if !ok {
			return errors.New("want numbers, one a channel")
		}
	case *[2]int:
		var sides []int
		if err := assign(&sides, v); err != nil || len(sides) < 1 || len(sides) > 2 {
			return errors.New("want a side or [height, width] in pixels")
		}
		*dst = [2]int{sides[0], sides[len(sides)-1]}
	case enumeration:
		s, ok := v.(string)
		if !ok {
			return errors.New("want a word in quotes")
		}
		return dst.parse(s)
	}
	return nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func stringLists(v any) ([][]string, bool) {
	list, ok := v.([]any)
	var out [][]string
	for _, e := range list {
		inner, isList := e.([]any)
		ok = ok && isList
		var words []string
		for _, w := range inner {
			s, isString := w.(string)
			ok = ok && isString
			words = append(words, s)
		}
		out = append(out, words)
	}
	return out, ok
}

var (
	headerLine = regexp.MustCompile(`^\s*\[(\[?)\s*([A-Za-z0-9_.-]+)\s*\]`)
	keyLine    = regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=`)
)

// locate finds the lines of tables and keys. It knows the way network files
// are written, not all of TOML: what it misses gets the line of its table.
func locate(data []byte) map[place]int {
	lines := map[place]int{}
	at, stages, line := place{}, 0, 0
	for text := range bytes.Lines(data) {
		line++
		if m := headerLine.FindSubmatch(text); m != nil {
			at = place{table: string(m[2])}
			if at.table == "stage" && len(m[1]) > 0 {
				at.index = stages
				stages++
			}
			lines[at] = line
			continue
		}
		if m := keyLine.FindSubmatch(text); m != nil {
			p := at
			p.key = string(m[1])
			if table, key, dotted := strings.Cut(p.key, "."); dotted && at.table == "" {
				p.table, p.key = table, key
			}
			lines[p] = line
		}
	}
	return lines
}

// TOML writes the table as a network file that ParseTOML reads back.
func (n Network) TOML() []byte {
	var b bytes.Buffer
	b.WriteString(encode(n.fields()))
	section := func(header string, fields []field) {
		if body := encode(fields); body != "" || header == "[[stage]]" {
			fmt.Fprintf(&b, "\n%s\n%s", header, body)
		}
	}
	section("[input]", inputFields(&n.Input))
	section("[norm]", normFields(&n.Norm))
	section("[squeeze_excite]", n.SE.fields())
	section("[stem]", n.Stem.fields())
	for i := range n.Stages {
		section("[[stage]]", n.Stages[i].fields())
	}
	section("[head]", n.Head.fields())
	return b.Bytes()
}

// encode writes the fields that are set.
func encode(fields []field) string {
	var b strings.Builder
	for _, f := range fields {
		if reflect.ValueOf(f.value).Elem().IsZero() {
			continue
		}
		text := ""
		switch v := f.value.(type) {
		case *string:
			text = quote(*v)
		case *bool:
			text = strconv.FormatBool(*v)
		case *int:
			text = strconv.Itoa(*v)
		case *float64:
			text = strconv.FormatFloat(*v, 'g', -1, 64)
		case *[]int:
			text = list(*v)
		case *[]float32:
			text = list(*v)
		case *[2]int:
			text = list(v[:])
		case enumeration:
			text = quote(v.String())
		}
		fmt.Fprintf(&b, "%s = %s\n", f.key, text)
	}
	return b.String()
}

func list[T any](v []T) string {
	words := make([]string, len(v))
	for i, x := range v {
		words[i] = fmt.Sprint(x)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// quote writes a basic string of TOML.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
