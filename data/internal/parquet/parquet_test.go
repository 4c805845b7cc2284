package parquet

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

const dir = "../../testdata/parquet"

// written is what bench/golden/parquet_files.py wrote.
type written struct {
	Files []struct {
		File string
		Rows []struct {
			Image *uint32
			Label any
		}
	}
}

func readIndex(t testing.TB) written {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var w written
	if err := json.Unmarshal(b, &w); err != nil {
		t.Fatal(err)
	}
	if len(w.Files) == 0 {
		t.Fatal("no files")
	}
	return w
}

func open(t testing.TB, name string) *File {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

// TestReadsWhatOthersWrote compares with what pyarrow and polars were given.
func TestReadsWhatOthersWrote(t *testing.T) {
	for _, w := range readIndex(t).Files {
		f := open(t, w.File)
		if f.Rows != int64(len(w.Rows)) {
			t.Errorf("%s: %d rows, want %d", w.File, f.Rows, len(w.Rows))
			continue
		}
		if f.Column("boxes.list.element") != nil {
			t.Errorf("%s: a repeated column is offered", w.File)
		}
		var images, labels Reader
		if err := errors.Join(images.Reset(f.Column("image.bytes")), labels.Reset(f.Column("label"))); err != nil {
			t.Fatalf("%s: %v", w.File, err)
		}
		// Every row in order, then at random.
		order := rand.New(rand.NewPCG(1, 2)).Perm(len(w.Rows))
		for i := range 2 * len(w.Rows) {
			row := i
			if i >= len(w.Rows) {
				row = order[i-len(w.Rows)]
			}
			want := w.Rows[row]
			b, err := images.Bytes(int64(row))
			if w.File == "brotli.parquet" {
				if !errors.Is(err, ErrUnsupported) {
					t.Errorf("%s: error %v", w.File, err)
				}
				break
			}
			if err != nil {
				t.Fatalf("%s: row %d: %v", w.File, row, err)
			}
			if (want.Image == nil) != (b == nil) || b != nil && crc32.ChecksumIEEE(b) != *want.Image {
				t.Errorf("%s: picture of row %d differs", w.File, row)
			}
			checkLabel(t, w.File, &labels, row, want.Label)
		}
		if _, err := images.Bytes(f.Rows); err == nil {
			t.Errorf("%s: no error past the end", w.File)
		}
		if _, err := images.Bytes(-1); err == nil {
			t.Errorf("%s: no error before the start", w.File)
		}
	}
}

func checkLabel(t *testing.T, file string, labels *Reader, row int, want any) {
	t.Helper()
	if word, ok := want.(string); ok {
		if b, err := labels.Bytes(int64(row)); err != nil || string(b) != word {
			t.Errorf("%s: label of row %d is %q, want %q (%v)", file, row, b, word, err)
		}
		return
	}
	if want == nil {
		if v, ok, err := labels.Int(int64(row)); ok || err != nil {
			t.Errorf("%s: label of row %d is %d, want none (%v)", file, row, v, err)
		}
		return
	}
	if v, ok, err := labels.Int(int64(row)); err != nil || !ok || float64(v) != want.(float64) {
		t.Errorf("%s: label of row %d is %d, want %v (%v)", file, row, v, want, err)
	}
}

// TestBombs has pages that say they hold more than they can.
func TestBombs(t *testing.T) {
	packed := []byte{0x28, 0xb5, 0x2f, 0xfd} // the beginning of Zstandard
	for codec := range int64(8) {
		var u unpacker
		if _, err := u.decompress(nil, packed, codec, maxPage); err == nil {
			t.Errorf("codec %d: no error", codec)
		}
		if _, err := u.decompress(nil, packed, codec, 100); err == nil {
			t.Errorf("codec %d: no error for a short page", codec)
		}
	}
}

func TestMetadata(t *testing.T) {
	if m := open(t, "train-snappy.parquet").Meta["huggingface"]; !bytes.Contains([]byte(m), []byte("ClassLabel")) {
		t.Errorf("metadata %q", m)
	}
}

// FuzzParquet opens whatever it is given and reads all of it.
func FuzzParquet(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var r Reader
		for _, c := range file.Columns {
			if r.Reset(c) != nil {
				continue
			}
			for row := range min(file.Rows, 500) {
				if _, err := r.Bytes(row); err != nil {
					if _, _, err := r.Int(row); err != nil {
						break
					}
				}
			}
		}
	})
}
