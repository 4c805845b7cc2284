package data

import (
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/data/internal/parquet"
)

// partOf returns the part of a row.
func (t *table) partOf(row int) part {
	if t.parts != nil {
		return t.parts[row]
	}
	return t.part
}

// labelled says whether a row has a label.
func (t *table) labelled(row int) bool {
	switch {
	case t.label == nil:
		return false
	case t.words != nil:
		return t.words[row] != ""
	}
	return t.numbers[row] >= 0
}

// partColumns are the names of columns that say a row's part, if their values
// are part words.
var partColumns = append([]string{"set", "dataset", "phase"}, columnWords.part...)

// readParts reads the column that says the parts of the rows, if there is one.
func (t *table) readParts(f *parquet.File) error {
	for _, c := range f.Columns {
		if c.Type != parquet.ByteArray || !slices.Contains(partColumns, columnWord(c.Path)) {
			continue
		}
		parts, err := columnParts(c, t.rows)
		switch {
		case err != nil:
			return err
		case parts == nil:
			continue
		case t.parts != nil:
			return ambiguous("two columns say the parts, the second is %s: remove one of them", c.Path)
		case t.part != noPart && slices.ContainsFunc(parts, func(p part) bool { return p != t.part }):
			return ambiguous("the file's name says the part %s, the column %s another: rename the file", t.part, c.Path)
		}
		t.parts = parts
	}
	return nil
}

// columnParts returns the parts that a column's values stand for; nil if one
// stands for none.
func columnParts(c *parquet.Column, rows int) ([]part, error) {
	var r parquet.Reader
	if err := r.Reset(c); err != nil {
		return nil, err
	}
	var parts []part
	for row := range rows {
		b, err := r.Bytes(int64(row))
		if err != nil {
			return nil, err
		}
		p, several := partOf(string(b))
		if p == noPart || several {
			return nil, nil
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// withLabels returns the tables that have rows with labels. A part may lack them
// altogether, not in some rows.
func withLabels(tables []*table, left *leftOut) ([]*table, error) {
	var labelled [testPart + 1]bool
	rows := 0
	for _, t := range tables {
		rows += t.rows
		for row := range t.rows {
			p := t.partOf(row)
			labelled[p] = labelled[p] || t.labelled(row)
		}
	}
	switch {
	case rows == 0 || labelled != [testPart + 1]bool{}:
	case tables[0].label == nil:
		return nil, tables[0].noLabels()
	default:
		return nil, fmt.Errorf("%w: %s: no row has a label", ErrLayout, tables[0].name)
	}
	var kept []*table
	for _, t := range tables {
		var without [testPart + 1]bool
		some := t.rows == 0
		for row := range t.rows {
			switch p := t.partOf(row); {
			case !labelled[p]:
				without[p] = true
			case t.label == nil:
				return nil, t.noLabels()
			case !t.labelled(row):
				return nil, fmt.Errorf("%w: %s: row %d has no label", ErrLabel, t.name, row)
			default:
				some = true
			}
		}
		for p, without := range without {
			if without {
				left.add(fmt.Sprintf("Parquet file of the part %s, which has no labels", part(p)), t.short)
			}
		}
		if some {
			kept = append(kept, t)
		}
	}
	return kept, nil
}

func (t *table) noLabels() error {
	return fmt.Errorf("%s: %w: no column of labels, whole numbers or words, among %s", t.name, ErrLayout, t.columns)
}

// wholeWords makes whole numbers of words such as 3.0, if all labels are.
func wholeWords(tables []*table) {
	whole := wholeNumbers(func(yield func(string) bool) {
		for _, t := range tables {
			for _, w := range t.words {
				if !yield(w) {
					return
				}
			}
		}
	})
	for _, t := range tables {
		for i, w := range t.words {
			t.words[i] = whole(w)
		}
	}
}
