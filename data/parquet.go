package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
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
	short   string // below the folder of the set
	part    part
	rows    int
	columns string // their names, for messages
	image   *parquet.Column
	label   *parquet.Column
	classes []string // of Hugging Face's metadata
	numbers []int    // labels that are numbers, -1 for none
	words   []string // labels that are words, "" for none
	without int      // rows without a label
	first   int      // the first of them
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
// they are there. A word in a file's name says the part it is of, as described
// with [Open]. A part without labels, all of them missing or -1, is left out.
func OpenParquet(files ...string) (*Splits, error) { return openTables(givenFiles(files)) }

// openTables reads Parquet files.
func openTables(files []sourceFile) (*Splits, error) {
	if err := settleParts(files); err != nil {
		return nil, err
	}
	var tables []*table
	var left leftOut
	var foreign error // of a file without pictures
	for _, file := range files {
		t, err := openTable(file)
		switch {
		case errors.Is(err, errNoPictures):
			foreign = fmt.Errorf("%s: %w", file.path, err)
			left.add("Parquet file without pictures", file.name)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", file.path, err)
		default:
			tables = append(tables, t)
		}
	}
	if len(tables) == 0 && foreign != nil {
		return nil, foreign
	}
	tables, err := withLabels(tables, &left)
	if err != nil {
		return nil, err
	}
	return joinTables(tables, &left)
}

// withLabels returns the tables of the parts that have labels.
func withLabels(tables []*table, left *leftOut) ([]*table, error) {
	var labelled [testPart + 1]bool
	for _, t := range tables {
		if t.rows > 0 && t.without < t.rows {
			labelled[t.part] = true
		}
	}
	var kept []*table
	for _, t := range tables {
		switch {
		case !labelled[t.part] && t.rows > 0:
			left.add(fmt.Sprintf("Parquet file of the part %s, which has no labels", t.part), t.short)
		case t.label == nil && t.rows > 0:
			return nil, fmt.Errorf("%s: %w: no column of labels among %s", t.name, ErrLayout, t.columns)
		case t.without > 0:
			return nil, fmt.Errorf("%w: %s: row %d has no label", ErrLabel, t.name, t.first)
		default:
			kept = append(kept, t)
		}
	}
	if len(kept) == 0 && len(tables) > 0 {
		if t := tables[0]; t.label == nil {
			return nil, fmt.Errorf("%s: %w: no column of labels among %s", t.name, ErrLayout, t.columns)
		}
		return nil, fmt.Errorf("%w: %s: no row has a label", ErrLayout, tables[0].name)
	}
	return kept, nil
}

// joinTables makes the parts.
func joinTables(tables []*table, left *leftOut) (*Splits, error) {
	classes, err := tableClasses(tables)
	if err != nil {
		return nil, err
	}
	label := make(map[string]int, len(classes))
	for i, c := range classes {
		label[c] = i
	}
	s := &Splits{Kind: "Parquet", LeftOut: left.list()}
	for i, t := range tables {
		for row := range t.rows {
			l, ok := label[t.class(row)]
			switch {
			case t.classes != nil && t.numbers[row] >= len(classes):
				return nil, fmt.Errorf("%w: %s[%d] has label %d, there are %d classes", ErrLabel, t.name, row, t.numbers[row], len(classes))
			case t.classes != nil:
				l = t.numbers[row]
			case !ok:
				return nil, fmt.Errorf("%w: %s[%d] is of class %q, which the training part lacks", ErrLabel, t.name, row, t.class(row))
			}
			set, _ := (*s.part(t.part)).(*tableRows)
			if set == nil {
				set = &tableRows{tables: tables, classes: classes}
				*s.part(t.part) = set
			}
			set.rows = append(set.rows, tableRow{int32(i), int32(row)})
			set.labels = append(set.labels, l)
		}
	}
	if s.Train == nil && s.Val == nil && s.Test == nil {
		return nil, fmt.Errorf("%w: the Parquet files have no rows", ErrLayout)
	}
	return s, nil
}

// tableClasses returns the classes: those that files name, else those of the
// training part, or without one of all.
func tableClasses(tables []*table) ([]string, error) {
	seen, train := map[string]bool{}, map[string]bool{}
	var named []string
	for _, t := range tables {
		if t.classes != nil {
			if named != nil && !slices.Equal(named, t.classes) {
				return nil, fmt.Errorf("%w: %s has other class names than the files before it", ErrLabel, t.name)
			}
			named = t.classes
			continue
		}
		for row := range t.rows {
			seen[t.class(row)] = true
			if t.part == trainPart {
				train[t.class(row)] = true
			}
		}
	}
	switch {
	case named != nil && len(seen) > 0:
		return nil, fmt.Errorf("%w: only some of the Parquet files name their classes", ErrLabel)
	case named != nil:
		return named, nil
	case len(train) > 0:
		seen = train
	}
	return sortClasses(seen, true), nil
}

// class returns the name of a row's class where the file does not list them.
func (t *table) class(row int) string {
	if t.words != nil {
		return t.words[row]
	}
	return strconv.Itoa(t.numbers[row])
}

// openTable reads the footer and the labels of a file.
func openTable(file sourceFile) (*table, error) {
	name := file.path
	opened, info, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	opened.Close()
	f, err := parquet.Open(parquetFile(name), info.Size())
	if err != nil {
		return nil, parquetError(err)
	}
	t := &table{name: name, short: file.name, part: file.part, rows: int(f.Rows), columns: columnNames(f)}
	features := hubFeatures(f.Meta["huggingface"])
	if t.image = imageColumn(f, features); t.image == nil {
		return nil, fmt.Errorf("%w among %s", errNoPictures, t.columns)
	}
	if t.label, t.classes = labelColumn(f, features); t.label == nil {
		t.without = t.rows
		return t, nil
	}
	if err := t.readLabels(); err != nil {
		return nil, parquetError(err)
	}
	var check parquet.Reader
	return t, parquetError(check.Reset(t.image))
}

// errNoPictures says that a table has no column of pictures.
var errNoPictures = fmt.Errorf("%w: no column of pictures", ErrLayout)

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
	none := func(row int) {
		if t.without++; t.without == 1 {
			t.first = row
		}
	}
	for row := range t.rows {
		if t.label.Type == parquet.ByteArray {
			b, err := r.Bytes(int64(row))
			if err != nil {
				return err
			}
			if len(b) == 0 {
				none(row)
			}
			t.words = append(t.words, string(b))
			continue
		}
		v, ok, err := r.Int(int64(row))
		switch {
		case err != nil:
			return err
		case !ok || v == -1:
			none(row)
			v = -1
		case v < 0 || v > 1<<30:
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
