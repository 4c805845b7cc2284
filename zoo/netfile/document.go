package netfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/mixnet-go/mixnet/zoo"
)

// Document is a file in the vocabulary of network files, for formats that say
// more than one network does, such as what there is to choose from. It collects
// mistakes, each with its line, until Err returns them.
type Document struct {
	Root map[string]any
	*decoder
}

// Read reads the TOML of a document, which file names in errors.
func Read(file string, data []byte) (*Document, error) {
	if len(data) > maxFile {
		return nil, &FileError{file, 0, fmt.Sprintf("larger than %d bytes", maxFile)}
	}
	if line := nestedTooDeep(data); line > 0 {
		return nil, &FileError{file, line, fmt.Sprintf("nested deeper than %d", maxNesting)}
	}
	d := &Document{decoder: &decoder{file: file, lines: locate(data)}}
	if _, err := toml.Decode(string(data), &d.Root); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, &FileError{file, syntax.Position.Line, strings.TrimSpace(syntax.Message)}
		}
		return nil, &FileError{file, 0, err.Error()}
	}
	return d, nil
}

// Network reads all of a network but its stages. others are further keys that
// the document may have at its top.
func (d *Document) Network(others ...string) zoo.Network { return d.network(d.Root, others...) }

// Field is a value of a table under its key. Value is a pointer: to an int, a
// float64, a bool, a string, a list of numbers or an enumeration.
type Field struct {
	Key   string
	Value any
}

// Table fills fields from m, the table of that name ("" for the document
// itself); of the tables of a list, from the one of that index. Keys that are
// neither a field nor among others are mistakes.
func (d *Document) Table(name string, index int, m map[string]any, fields []Field, others ...string) {
	var own []field
	for _, f := range fields {
		own = append(own, field{f.Key, f.Value})
	}
	d.table(place{table: name, index: index}, m, own, others)
}

// Stage fills a row from m, whose mistakes are those of a key of a table.
func (d *Document) Stage(name string, index int, key string, m map[string]any, s *zoo.Stage, others ...string) {
	inner := &decoder{file: d.file}
	inner.table(place{}, m, stageFields(s), others)
	for _, wrong := range inner.mistakes {
		d.wrong(place{name, index, key}, "%s", wrong.Reason)
	}
}

// Wrong notes a mistake at a key of a table.
func (d *Document) Wrong(name string, index int, key, format string, args ...any) {
	d.wrong(place{name, index, key}, format, args...)
}

// Err returns the mistakes in the order of their lines, each a *FileError; nil
// for none.
func (d *Document) Err() error {
	slices.SortStableFunc(d.mistakes, func(a, b *FileError) int { return a.Line - b.Line })
	var errs []error
	for _, m := range d.mistakes {
		errs = append(errs, m)
	}
	return errors.Join(errs...)
}

// Assign stores a decoded value in what dst points to, see [Field].
func Assign(dst, v any) error { return assign(dst, v) }

// Row writes the fields of a row that are set as the inside of an inline table.
func Row(s zoo.Stage) string {
	return strings.ReplaceAll(strings.TrimSpace(encode(stageFields(&s))), "\n", ", ")
}

// Quote writes a string of TOML.
func Quote(s string) string { return quote(s) }
