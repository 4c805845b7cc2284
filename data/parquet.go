package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/data/internal/parquet"
)

// parquetFile is a file that is opened for every read, so that a set of many
// files holds none open.
type parquetFile string

// ReadAt is described with [io.ReaderAt].
func (p parquetFile) ReadAt(b []byte, at int64) (int, error) {
	f, err := os.Open(string(p))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.ReadAt(b, at)
}

// table is one Parquet file of a set.
type table struct {
	name    string
	part    part
	rows    int
	image   *parquet.Column
	label   *parquet.Column
	classes []string // of Hugging Face's metadata
	numbers []int    // labels that are numbers, -1 for none
	words   []string // labels that are words
}

// tableRows is a set of rows of Parquet files.
type tableRows struct {
	tables  []*table
	rows    []tableRow
	labels  []int
	classes []string
}

type tableRow struct{ table, row int32 }

// Len is described with [Dataset].
func (t *tableRows) Len() int { return len(t.rows) }

// Classes is described with [Dataset].
func (t *tableRows) Classes() []string { return t.classes }

// Label is described with [Dataset].
func (t *tableRows) Label(i int) int { return t.labels[i] }

// Name is described with [Dataset].
func (t *tableRows) Name(i int) string {
	r := t.rows[i]
	return fmt.Sprintf("%s[%d]", t.tables[r.table].name, r.row)
}

// Read is described with [Dataset].
func (t *tableRows) Read(i int, s *Sample) error {
	if i < 0 || i >= len(t.rows) {
		return fmt.Errorf("example %d of %d", i, len(t.rows))
	}
	r := t.rows[i]
	if err := s.table.Reset(t.tables[r.table].image); err != nil {
		return fmt.Errorf("%s: %w", t.Name(i), err)
	}
	b, err := s.table.Bytes(int64(r.row))
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name(i), err)
	}
	s.Pixels, s.File = nil, b
	return nil
}

// OpenParquet reads Parquet files as Hugging Face's data sets have them: a
// column of picture files — image.bytes, or the like — and one of labels,
// numbers or words. The names of the classes come from the file's metadata if
// they are there. A file's name, or its folder's, begins with the part it is
// of: train, validation or test.
func OpenParquet(files ...string) (*Splits, error) {
	var tables []*table
	for _, name := range files {
		t, err := openTable(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		tables = append(tables, t)
	}
	classes, err := tableClasses(tables)
	if err != nil {
		return nil, err
	}
	label := make(map[string]int, len(classes))
	for i, c := range classes {
		label[c] = i
	}
	var sets [testPart + 1]*tableRows
	for i, t := range tables {
		set := sets[t.part]
		if set == nil {
			set = &tableRows{tables: tables, classes: classes}
			sets[t.part] = set
		}
		for row := range t.rows {
			l := -1
			if t.words != nil {
				l = label[t.words[row]]
			} else if l = t.numbers[row]; t.classes == nil && l >= 0 {
				l = label[strconv.Itoa(l)]
			}
			if l < 0 || l >= len(classes) {
				return nil, fmt.Errorf("%w: %s[%d] has label %d, there are %d classes", ErrLabel, t.name, row, l, len(classes))
			}
			set.rows = append(set.rows, tableRow{int32(i), int32(row)})
			set.labels = append(set.labels, l)
		}
	}
	s := &Splits{Kind: "Parquet"}
	for p, set := range sets {
		switch {
		case set == nil || len(set.rows) == 0:
		case part(p) == noPart || part(p) == trainPart:
			s.Train = set
		case part(p) == valPart:
			s.Val = set
		default:
			s.Test = set
		}
	}
	if s.Train == nil && s.Val == nil && s.Test == nil {
		return nil, fmt.Errorf("%w: the Parquet files have no rows", ErrLayout)
	}
	return s, nil
}

// tableClasses returns the classes of all files together.
func tableClasses(tables []*table) ([]string, error) {
	seen := map[string]bool{}
	var named []string
	for _, t := range tables {
		switch {
		case t.classes != nil && t.words == nil:
			if named != nil && !slices.Equal(named, t.classes) {
				return nil, fmt.Errorf("%w: %s has other class names than the files before it", ErrLabel, t.name)
			}
			named = t.classes
		case t.words != nil:
			for _, w := range t.words {
				seen[w] = true
			}
		default:
			for _, n := range t.numbers {
				if n >= 0 {
					seen[strconv.Itoa(n)] = true
				}
			}
		}
	}
	if named != nil {
		if len(seen) > 0 {
			return nil, fmt.Errorf("%w: only some of the Parquet files name their classes", ErrLabel)
		}
		return named, nil
	}
	return sortClasses(seen, true), nil
}

// openTable reads the footer and the labels of a file.
func openTable(name string) (*table, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	f, err := parquet.Open(parquetFile(name), info.Size())
	if err != nil {
		return nil, parquetError(err)
	}
	t := &table{name: name, part: prefixPart(filepath.Base(name)), rows: int(f.Rows)}
	if t.part == noPart {
		t.part = partOf(filepath.Base(filepath.Dir(name)))
	}
	features := hubFeatures(f.Meta["huggingface"])
	if t.image = imageColumn(f, features); t.image == nil {
		return nil, fmt.Errorf("%w: no column of pictures among %s", ErrLayout, columnNames(f))
	}
	if t.label, t.classes = labelColumn(f, features); t.label == nil {
		return nil, fmt.Errorf("%w: no column of labels among %s", ErrLayout, columnNames(f))
	}
	if err := t.readLabels(); err != nil {
		return nil, parquetError(err)
	}
	var check parquet.Reader
	return t, parquetError(check.Reset(t.image))
}

// parquetError makes a reader's complaint wrap one of this package's.
func parquetError(err error) error {
	switch {
	case errors.Is(err, parquet.ErrCorrupt):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case errors.Is(err, parquet.ErrUnsupported):
		return fmt.Errorf("%w: %w", ErrLayout, err)
	}
	return err
}

// readLabels reads the whole column of labels.
func (t *table) readLabels() error {
	var r parquet.Reader
	if err := r.Reset(t.label); err != nil {
		return err
	}
	for row := range t.rows {
		if t.label.Type == parquet.ByteArray {
			b, err := r.Bytes(int64(row))
			if err != nil {
				return err
			}
			if len(b) == 0 {
				return fmt.Errorf("%w: row %d has no label", ErrLabel, row)
			}
			t.words = append(t.words, string(b))
			continue
		}
		v, ok, err := r.Int(int64(row))
		if err != nil {
			return err
		}
		if !ok || v < 0 || v > 1<<30 {
			return fmt.Errorf("%w: row %d has label %d", ErrLabel, row, v)
		}
		t.numbers = append(t.numbers, int(v))
	}
	return nil
}

// feature is what Hugging Face's metadata say of a column.
type feature struct {
	Type  string   `json:"_type"`
	Names []string `json:"names"`
}

// hubFeatures reads the metadata; without any there are no features.
func hubFeatures(text string) map[string]feature {
	var meta struct {
		Info struct {
			Features map[string]json.RawMessage `json:"features"`
		} `json:"info"`
	}
	if json.Unmarshal([]byte(text), &meta) != nil {
		return nil
	}
	features := map[string]feature{}
	for name, raw := range meta.Info.Features {
		var f feature
		if json.Unmarshal(raw, &f) == nil {
			features[name] = f
		}
	}
	return features
}

// imageColumn finds the column of picture files.
func imageColumn(f *parquet.File, features map[string]feature) *parquet.Column {
	names := []string{"image", "img", "picture", "jpg", "png"}
	for _, c := range f.Columns {
		if top, _, _ := strings.Cut(c.Path, "."); features[top].Type == "Image" {
			names = append(names, top)
		}
	}
	for _, n := range names {
		for _, path := range []string{n + ".bytes", n} {
			if c := f.Column(path); c != nil && c.Type == parquet.ByteArray {
				return c
			}
		}
	}
	return nil
}

// labelColumn finds the column of labels, and its classes' names if they are
// known.
func labelColumn(f *parquet.File, features map[string]feature) (*parquet.Column, []string) {
	names := []string{"label", "labels", "fine_label", "class", "category", "target", "cls"}
	for _, c := range f.Columns {
		if features[c.Path].Type == "ClassLabel" {
			names = append(names, c.Path)
		}
	}
	for _, n := range names {
		c := f.Column(n)
		if c == nil || c.Type != parquet.ByteArray && c.Type != parquet.Int32 && c.Type != parquet.Int64 {
			continue
		}
		if len(features[n].Names) > 0 && c.Type != parquet.ByteArray {
			return c, features[n].Names
		}
		return c, nil
	}
	return nil, nil
}

func columnNames(f *parquet.File) string {
	var names []string
	for _, c := range f.Columns {
		names = append(names, c.Path)
	}
	return listNames(names)
}
