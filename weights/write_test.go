package weights

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWriteEqualsReference writes the tensors of a file that the reference
// implementation of safetensors wrote and expects the same bytes.
func TestWriteEqualsReference(t *testing.T) {
	for path, want := range goldenBytes(t, ".safetensors") {
		if strings.HasPrefix(filepath.Base(path), "float8") {
			continue // of a type that is not written
		}
		f, err := openBytes(want)
		if err != nil {
			t.Fatal(err)
		}
		var tensors []Tensor
		for _, name := range f.Names() {
			info, _ := f.Info(name)
			raw, err := f.ReadBytes(name)
			if err != nil {
				t.Fatal(err)
			}
			tensor := NewTensor(name, info.Shape, raw)
			size := info.DType.Size()
			tensor.DType, tensor.len = info.DType, info.Len()
			tensor.encode = func(dst []byte, from, to int) []byte { return append(dst, raw[from*size:to*size]...) }
			tensors = append(tensors, tensor)
		}
		slices.Reverse(tensors)
		var got bytes.Buffer
		if err := Write(&got, tensors, f.Metadata()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: wrote\n%q\nwant\n%q", path, got.Bytes(), want)
		}
	}
}

func TestWriteRoundTrip(t *testing.T) {
	long := make([]float64, chunkSize/8*2+5) // several chunks
	for i := range long {
		long[i] = math.Sqrt(float64(i))
	}
	half, err := NewHalf("half", []int{3}, []float32{1, 1.0 / 3, 65519}, F16)
	if err != nil {
		t.Fatal(err)
	}
	brain, err := NewHalf("brain", []int{2}, []float32{1, 1.0 / 3}, BF16)
	if err != nil {
		t.Fatal(err)
	}
	meta := map[string]string{"format": "pt", "quote": "<\"é\"\n\u2028>", "": ""}
	path := filepath.Join(t.TempDir(), "f.safetensors")
	err = WriteFile(path, []Tensor{
		NewTensor("long", []int{len(long)}, long),
		half, brain,
		NewTensor("i64", []int{1, 2}, []int64{-1, math.MaxInt64}),
		NewTensor("u64", []int{1}, []uint64{math.MaxUint64}),
		NewTensor("i32", nil, []int32{-5}),
		NewTensor("u8", []int{0, 7}, []uint8{}),
		NewTensor("weird \"name\"\n", []int{1}, []float32{-0.5}),
	}, meta)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, want := range map[string][]float32{
		"half":             {1, 0.33325195, 65504},
		"brain":            {1, 0.33398438},
		"i64":              {-1, math.MaxInt64},
		"u64":              {math.MaxUint64},
		"i32":              {-5},
		"u8":               {},
		"weird \"name\"\n": {-0.5},
	} {
		got, err := f.ReadFloats(name)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: read %v, %v; want %v", name, got, err, want)
		}
	}
	raw, err := f.ReadBytes("long")
	if err != nil {
		t.Fatal(err)
	}
	var encoded []byte
	if encoded = NewTensor("", nil, long).encode(nil, 0, len(long)); !bytes.Equal(raw, encoded) {
		t.Error("float64 values changed")
	}
	got := f.Metadata()
	for k, v := range meta {
		if got[k] != v {
			t.Errorf("metadata %q is %q, want %q", k, got[k], v)
		}
	}
}

// A value that 16 bits hold only as infinity is refused.
func TestHalfErrors(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		value float32
		d     DType
		fits  bool
	}{
		{65519.99, F16, true},
		{65520, F16, false},
		{-1e6, F16, false},
		{inf, F16, false},
		{float32(math.NaN()), F16, false},
		{1e6, BF16, true},
		{3.3895e38, BF16, true},
		{3.4e38, BF16, false},
		{-inf, BF16, false},
		{1, F32, false},
	} {
		if _, err := NewHalf("half", []int{2}, []float32{1, c.value}, c.d); (err == nil) != c.fits {
			t.Errorf("%g as %v: %v", c.value, c.d, err)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	one := []float32{1}
	for name, c := range map[string]struct {
		tensors []Tensor
		meta    map[string]string
	}{
		"name twice":     {[]Tensor{NewTensor("a", []int{1}, one), NewTensor("a", []int{1}, one)}, nil},
		"reserved name":  {[]Tensor{NewTensor("__metadata__", []int{1}, one)}, nil},
		"wrong shape":    {[]Tensor{NewTensor("a", []int{2}, one)}, nil},
		"negative shape": {[]Tensor{NewTensor("a", []int{-1, -1}, one)}, nil},
		"name not UTF-8": {[]Tensor{NewTensor("\xff", []int{1}, one)}, nil},
		"meta not UTF-8": {nil, map[string]string{"a": "\xff"}},
		"meta key":       {nil, map[string]string{"\xff": ""}},
	} {
		var b bytes.Buffer
		if err := Write(&b, c.tensors, c.meta); err == nil {
			t.Errorf("%s: no error", name)
		}
		if b.Len() > 0 {
			t.Errorf("%s: wrote %d bytes before the error", name, b.Len())
		}
	}
	if _, err := NewHalf("a", nil, one, F32); err == nil {
		t.Error("32 bits accepted as half")
	}
}

// fullDisk accepts n bytes.
type fullDisk struct{ n int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.n {
		return d.n, errFull
	}
	d.n -= len(p)
	return len(p), nil
}

func TestWriteReportsFullDisk(t *testing.T) {
	tensors := []Tensor{NewTensor("a", []int{100_000}, make([]float32, 100_000))}
	var b bytes.Buffer
	if err := Write(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < b.Len(); n += 7919 {
		if err := Write(&fullDisk{n}, tensors, nil); !errors.Is(err, errFull) {
			t.Fatalf("disk full after %d bytes: error %v", n, err)
		}
	}
}

func TestWriteFileKeepsOldOnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.safetensors")
	if err := WriteFile(path, []Tensor{NewTensor("a", []int{1}, []float32{7})}, nil); err != nil {
		t.Fatal(err)
	}
	old, _ := os.ReadFile(path)
	if err := WriteFile(path, []Tensor{NewTensor("a", []int{2}, []float32{7})}, nil); err == nil {
		t.Fatal("no error")
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(old, now) {
		t.Error("the old file changed")
	}
}
