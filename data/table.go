package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mixnet-go/mixnet/data/internal/parquet"
)

// parquetFile is a file that is opened for every read, so that a set of many
// files holds none open.
type parquetFile string

// ReadAt implements [io.ReaderAt].
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
	part    part   // that its name says
	parts   []part // of the rows, where a column says them
	rows    int
	columns string // their names, for messages
	image   *parquet.Column
	label   *parquet.Column
	classes []string // of Hugging Face's metadata
	numbers []int    // labels that are numbers, -1 for none
	words   []string // labels that are words, "" for none
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
	if err := t.readParts(f); err != nil {
		return nil, parquetError(err)
	}
	if t.label, t.classes = labelColumn(f, features); t.label == nil {
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
	for row := range t.rows {
		if t.label.Type == parquet.ByteArray {
			b, err := r.Bytes(int64(row))
			if err != nil {
				return err
			}
			t.words = append(t.words, string(b))
			continue
		}
		v, ok, err := r.Int(int64(row))
		switch {
		case err != nil:
			return err
		case !ok || v == -1:
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
