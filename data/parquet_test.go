package data

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data/internal/parquet"
)

// copyTables copies files written by pyarrow (bench/golden/parquet_files.py)
// into a new folder, under new names.
func copyTables(t *testing.T, names map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for from, to := range names {
		b, err := os.ReadFile(filepath.Join("testdata/parquet", from+".parquet"))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(root, to)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestOpenParquet(t *testing.T) {
	root := copyTables(t, map[string]string{
		"train-snappy":    "data/train-00000-of-00002.parquet",
		"train-plain":     "data/train-00001-of-00002.parquet",
		"validation-gzip": "data/validation-00000-of-00001.parquet",
		"test-groups":     "other/test/0000.parquet",
	})
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Len() != 140 || s.Val.Len() != 40 || s.Test.Len() != 120 {
		t.Errorf("%d, %d, %d rows", s.Train.Len(), s.Val.Len(), s.Test.Len())
	}
	if want := []string{"airplane", "bird", "cat"}; !slices.Equal(s.Classes(), want) {
		t.Errorf("classes %v, want %v", s.Classes(), want)
	}
	if s.Train.Label(89) != 2 || s.Train.Label(90) != 0 || !strings.HasSuffix(s.Train.Name(91), "train-00001-of-00002.parquet[1]") {
		t.Errorf("labels %d %d, name %s", s.Train.Label(89), s.Train.Label(90), s.Train.Name(91))
	}
	var sample Sample
	for _, d := range []Dataset{s.Train, s.Val, s.Test} {
		for i := range d.Len() {
			if err := d.Read(i, &sample); err != nil {
				t.Fatal(err)
			}
		}
	}
	words, err := Open(filepath.Join(copyTables(t, map[string]string{"words": "words.parquet"}), "words.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"cat", "dog", "owl"}; !slices.Equal(words.Classes(), want) {
		t.Errorf("classes %v, want %v", words.Classes(), want)
	}
}

func TestOpenParquetErrors(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  error
	}{
		"compression": {map[string]string{"brotli": "a.parquet"}, ErrLayout},
		"names":       {map[string]string{"words": "a.parquet", "v2": "b.parquet"}, ErrLabel},
	} {
		if _, err := Open(copyTables(t, c.files)); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
	b, err := os.ReadFile("testdata/parquet/v2.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(b); n += 97 {
		if _, err := OpenParquet(filepath.Join(writeFiles(t, "x.parquet="+string(b[:n])), "x.parquet")); !errors.Is(err, ErrCorrupt) {
			t.Errorf("the first %d bytes: error %v", n, err)
		}
	}
}

// TestParquetWholeWords has words that are numbers with a point.
func TestParquetWholeWords(t *testing.T) {
	for _, c := range []struct{ words, want []string }{
		{[]string{"10.0", "2.0", "2"}, []string{"2", "10"}},
		{[]string{"10.0", "2.5"}, []string{"10.0", "2.5"}},
	} {
		one := &table{rows: len(c.words), words: c.words, label: &parquet.Column{}}
		s, err := joinTables([]*table{one}, &leftOut{})
		if err != nil || !slices.Equal(s.Classes(), c.want) {
			t.Errorf("%v: classes %v, want %v", c.words, s.Classes(), c.want)
		}
	}
}

// TestParquetWithoutLabels has parts without labels and one row without.
func TestParquetWithoutLabels(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string // an error if it begins with "error "
		says  string
	}{
		{"a test part of -1", map[string]string{"train-snappy": "train.parquet", "unlabelled": "test-0.parquet"}, "train airplane 40 bird 40 cat 10", "Parquet file of the part test, which has no labels (test-0.parquet)"},
		{"nothing but -1", map[string]string{"unlabelled": "train.parquet"}, "error no row has a label", ""},
		{"one null", map[string]string{"one-null": "train.parquet"}, "error train.parquet: row 5 has no label", ""},
		{"part of a part", map[string]string{"train-snappy": "train-0.parquet", "unlabelled": "train-1.parquet"}, "error train-1.parquet: row 0 has no label", ""},
		{"polars", map[string]string{"polars": "pets_train.parquet", "words": "pets_test.parquet"}, "train cat 17 dog 18 owl 25; test cat 20 dog 23 owl 17", ""},
		{"in folders", map[string]string{"train-snappy": "default/partial-train/0000.parquet", "validation-gzip": "default/partial-test/0000.parquet"}, "train airplane 40 bird 40 cat 10; test airplane 40", ""},
		{"a column of parts", map[string]string{"split": "pets.parquet"}, "train airplane 40 bird 20; val bird 20 cat 10", "Parquet file of the part test, which has no labels (pets.parquet)"},
		{"a column beside a name", map[string]string{"split": "pets_train.parquet"}, "error the file's name says the part train, the column split another", ""},
		{"one says no part", map[string]string{"train-snappy": "train.parquet", "train-plain": "old.parquet"}, "error old.parquet", ""},
	} {
		s, err := Open(copyTables(t, c.files))
		if want, ok := strings.CutPrefix(c.want, "error "); ok {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q in it", c.name, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := counts(s); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		checkSays(t, leftOutText(s), []string{c.says})
	}
}
