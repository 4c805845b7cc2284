package data

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// tableRows is a set of rows of Parquet files.
type tableRows struct {
	tables  []*table
	rows    []tableRow
	labels  []int
	classes []string
}

type tableRow struct{ table, row int32 }

// Len implements [Dataset].
func (t *tableRows) Len() int { return len(t.rows) }

// Classes implements [Dataset].
func (t *tableRows) Classes() []string { return t.classes }

// Label implements [Dataset].
func (t *tableRows) Label(i int) int { return t.labels[i] }

// Name implements [Dataset].
func (t *tableRows) Name(i int) string {
	r := t.rows[i]
	return fmt.Sprintf("%s[%d]", t.tables[r.table].name, r.row)
}

// Read implements [Dataset].
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
// with [Open]; or a column named split, set or the like says that of every row. A
// part without labels, all of them missing or -1, is left out.
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

// joinTables makes the parts.
func joinTables(tables []*table, left *leftOut) (*Splits, error) {
	wholeWords(tables)
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
			if !t.labelled(row) {
				continue
			}
			l, ok := label[t.class(row)]
			switch {
			case t.classes != nil && t.numbers[row] >= len(classes):
				return nil, fmt.Errorf("%w: %s[%d] has label %d, there are %d classes", ErrLabel, t.name, row, t.numbers[row], len(classes))
			case t.classes != nil:
				l = t.numbers[row]
			case !ok:
				return nil, fmt.Errorf("%w: %s[%d] is of class %q, which the training part lacks", ErrLabel, t.name, row, t.class(row))
			}
			of := s.part(t.partOf(row))
			set, _ := (*of).(*tableRows)
			if set == nil {
				set = &tableRows{tables: tables, classes: classes}
				*of = set
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
			if !t.labelled(row) {
				continue
			}
			seen[t.class(row)] = true
			if t.partOf(row) == trainPart {
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
