// Package parquet reads columns of Apache Parquet files as data sets of
// pictures use them: byte strings and integers that are not repeated, plain or
// by dictionary, uncompressed or by Zstandard, Snappy, LZ4 or gzip. Single values
// can be read at random.
package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Errors that the package's errors wrap.
var (
	ErrCorrupt     = errors.New("parquet file is corrupt")
	ErrUnsupported = errors.New("unsupported parquet feature")
)

// Type is the physical type of a column.
type Type int

// The types that are read.
const (
	Int32     Type = 1
	Int64     Type = 2
	ByteArray Type = 6
)

const (
	magic     = "PAR1"
	maxFooter = 64 << 20
	maxPage   = 256 << 20
	maxHeader = 64 << 10 // of a page
	maxValues = 1 << 22  // of a page
	maxRows   = 1 << 26
)

// File is an open file.
type File struct {
	// Rows is the number of rows.
	Rows int64
	// Meta are the key-value pairs of the file.
	Meta map[string]string
	// Columns are those of the schema's leaves that are not repeated.
	Columns []*Column

	r    io.ReaderAt
	size int64
}

// Column is one leaf of the schema.
type Column struct {
	// Path is the leaf's place in the schema, joined with dots.
	Path string
	Type Type

	file   *File
	maxDef int // definition level of a value that is there
	chunks []chunk
	pages  []page // in row order, once indexed
}

// chunk is a column's part in a row group.
type chunk struct {
	codec      int64
	start, end int64 // in the file
	firstRow   int64
	rows       int64
}

// Open reads a file's footer.
func Open(r io.ReaderAt, size int64) (*File, error) {
	var tail [8]byte
	if size < int64(len(tail)+len(magic)) {
		return nil, fmt.Errorf("%w: %d bytes", ErrCorrupt, size)
	}
	if _, err := r.ReadAt(tail[:], size-int64(len(tail))); err != nil {
		return nil, err
	}
	if string(tail[4:]) != magic {
		return nil, fmt.Errorf("%w: it does not end in %s", ErrCorrupt, magic)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n > maxFooter || n > size-int64(len(tail)+len(magic)) {
		return nil, fmt.Errorf("%w: footer of %d bytes", ErrCorrupt, n)
	}
	footer := make([]byte, n)
	if _, err := r.ReadAt(footer, size-int64(len(tail))-n); err != nil {
		return nil, err
	}
	f := &File{r: r, size: size, Meta: map[string]string{}}
	if err := f.readFooter(footer); err != nil {
		return nil, err
	}
	return f, nil
}

// Column returns the column of a path, or nil.
func (f *File) Column(path string) *Column {
	i := slices.IndexFunc(f.Columns, func(c *Column) bool { return c.Path == path })
	if i < 0 {
		return nil
	}
	return f.Columns[i]
}

// element is a node of the schema.
type element struct {
	kind       int64 // -1 for a group
	repetition int64
	name       string
	children   int64
}

// columnMeta is what a row group says of one column.
type columnMeta struct {
	path                      string
	codec                     int64
	start, dictionary, length int64
}

// rowGroup is a run of rows.
type rowGroup struct {
	columns []columnMeta
	rows    int64
}

func (f *File) readFooter(b []byte) error {
	d := &decoder{b: b}
	var schema []element
	var groups []rowGroup
	d.fields(func(id int, kind byte) {
		switch {
		case id == 2 && kind == typeList:
			d.list(func(byte) { schema = append(schema, d.element()) })
		case id == 3 && kind == typeI64:
			f.Rows = d.int()
		case id == 4 && kind == typeList:
			d.list(func(byte) { groups = append(groups, d.rowGroup()) })
		case id == 5 && kind == typeList:
			d.list(func(byte) { d.keyValue(f.Meta) })
		default:
			d.skip(kind, false)
		}
	})
	if d.err != nil {
		return d.err
	}
	if err := f.readSchema(schema); err != nil {
		return err
	}
	return f.readGroups(groups)
}

func (d *decoder) element() element {
	e := element{kind: -1}
	d.fields(func(id int, kind byte) {
		switch {
		case id == 1 && kind == typeI32:
			e.kind = d.int()
		case id == 3 && kind == typeI32:
			e.repetition = d.int()
		case id == 4 && kind == typeBinary:
			e.name = string(d.bytes())
		case id == 5 && kind == typeI32:
			e.children = d.int()
		default:
			d.skip(kind, false)
		}
	})
	return e
}

func (d *decoder) rowGroup() rowGroup {
	var g rowGroup
	d.fields(func(id int, kind byte) {
		switch {
		case id == 1 && kind == typeList:
			d.list(func(byte) {
				d.fields(func(id int, kind byte) {
					if id == 3 && kind == typeStruct {
						g.columns = append(g.columns, d.columnMeta())
					} else {
						d.skip(kind, false)
					}
				})
			})
		case id == 3 && kind == typeI64:
			g.rows = d.int()
		default:
			d.skip(kind, false)
		}
	})
	return g
}

func (d *decoder) columnMeta() columnMeta {
	c := columnMeta{dictionary: -1}
	d.fields(func(id int, kind byte) {
		switch {
		case id == 3 && kind == typeList:
			var path []string
			d.list(func(byte) { path = append(path, string(d.bytes())) })
			c.path = strings.Join(path, ".")
		case id == 4 && kind == typeI32:
			c.codec = d.int()
		case id == 7 && kind == typeI64:
			c.length = d.int()
		case id == 9 && kind == typeI64:
			c.start = d.int()
		case id == 11 && kind == typeI64:
			c.dictionary = d.int()
		default:
			d.skip(kind, false)
		}
	})
	return c
}

func (d *decoder) keyValue(meta map[string]string) {
	var k, v string
	d.fields(func(id int, kind byte) {
		switch {
		case id == 1 && kind == typeBinary:
			k = string(d.bytes())
		case id == 2 && kind == typeBinary:
			v = string(d.bytes())
		default:
			d.skip(kind, false)
		}
	})
	meta[k] = v
}

// readSchema flattens the tree of elements, which lies in preorder.
func (f *File) readSchema(schema []element) error {
	if len(schema) == 0 {
		return fmt.Errorf("%w: no schema", ErrCorrupt)
	}
	const optional, repeated = 1, 2
	next := 1
	var walk func(children int64, path string, def int, skip bool, depth int) error
	walk = func(children int64, path string, def int, skip bool, depth int) error {
		if depth > maxNesting {
			return fmt.Errorf("%w: the schema is nested too deep", ErrCorrupt)
		}
		for range children {
			if next >= len(schema) {
				return fmt.Errorf("%w: the schema is cut short", ErrCorrupt)
			}
			e := schema[next]
			next++
			full, level := e.name, def
			if path != "" {
				full = path + "." + e.name
			}
			if e.repetition == optional {
				level++
			}
			hidden := skip || e.repetition == repeated
			if e.kind < 0 {
				if err := walk(e.children, full, level, hidden, depth+1); err != nil {
					return err
				}
			} else if !hidden {
				f.Columns = append(f.Columns, &Column{Path: full, Type: Type(e.kind), file: f, maxDef: level})
			}
		}
		return nil
	}
	return walk(schema[0].children, "", 0, false, 0)
}

// readGroups gives the columns their chunks.
func (f *File) readGroups(groups []rowGroup) error {
	if f.Rows < 0 || f.Rows > maxRows {
		return fmt.Errorf("%w: %d rows", ErrCorrupt, f.Rows)
	}
	row := int64(0)
	for _, g := range groups {
		if g.rows < 0 || g.rows > f.Rows-row {
			return fmt.Errorf("%w: row groups hold more than %d rows", ErrCorrupt, f.Rows)
		}
		for _, m := range g.columns {
			c := f.Column(m.path)
			if c == nil {
				continue
			}
			start := m.start
			if m.dictionary > 0 && m.dictionary < start {
				start = m.dictionary
			}
			if start < 0 || m.length < 0 || start > f.size || m.length > f.size-start {
				return fmt.Errorf("%w: column %s lies at %d to %d of %d bytes", ErrCorrupt, m.path, start, start+m.length, f.size)
			}
			c.chunks = append(c.chunks, chunk{m.codec, start, start + m.length, row, g.rows})
		}
		row += g.rows
	}
	if row != f.Rows {
		return fmt.Errorf("%w: row groups hold %d of %d rows", ErrCorrupt, row, f.Rows)
	}
	return nil
}
