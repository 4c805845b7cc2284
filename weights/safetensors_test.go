package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// openBytes opens the content of a file.
func openBytes(data []byte) (*File, error) {
	return NewFile(bytes.NewReader(data), int64(len(data)), "test")
}

// readAll reads every tensor of f.
func readAll(f *File) error {
	for _, name := range f.Names() {
		if _, err := f.ReadFloats(name); err != nil {
			return err
		}
	}
	return nil
}

// safetensors assembles a file from a header and a number of data bytes.
func safetensors(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	return append(b, make([]byte, data)...)
}

func TestSafetensorsAccepts(t *testing.T) {
	for name, data := range map[string][]byte{
		"no tensors":        safetensors(`{}`, 0),
		"only metadata":     safetensors(`{"__metadata__":{"a":"b"}}`, 0),
		"empty metadata":    safetensors(`{"__metadata__":{}}`, 0),
		"scalar":            safetensors(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   `, 4),
		"empty tensors":     safetensors(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}}`, 0),
		"keys in any order": safetensors(`{"b":{"data_offsets":[4,6],"shape":[1],"dtype":"F16"},"a":{"shape":[2,1],"dtype":"I16","data_offsets":[0,4]}}`, 6),
	} {
		f, err := openBytes(data)
		if err == nil {
			err = readAll(f)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSafetensorsRejects(t *testing.T) {
	tensor := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`"a":{"dtype":%q,"shape":%s,"data_offsets":%s}`, dtype, shape, offsets)
	}
	good := tensor("F32", "[2]", "[0,8]")
	for name, c := range map[string]struct {
		header string
		data   int
	}{
		"empty header":           {``, 0},
		"not an object":          {`[]`, 0},
		"null":                   {`null`, 0},
		"unfinished":             {`{` + good, 8},
		"bytes after the header": {`{` + good + `}x`, 8},
		"leading space":          {` {` + good + `}`, 8},
		"invalid UTF-8":          {`{"` + "\xff" + `":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8},
		"duplicate name":         {`{` + good + `,"a":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}`, 8},
		"duplicate key":          {`{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}`, 8},
		"duplicate metadata":     {`{"__metadata__":{"k":"1","k":"2"},` + good + `}`, 8},
		"two metadata":           {`{"__metadata__":{"k":"1"},"__metadata__":{},` + good + `}`, 8},
		"metadata not a string":  {`{"__metadata__":{"k":1},` + good + `}`, 8},
		"metadata not an object": {`{"__metadata__":"k",` + good + `}`, 8},
		"unknown key":            {`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}`, 8},
		"missing shape":          {`{"a":{"dtype":"F32","data_offsets":[0,8]}}`, 8},
		"negative size":          {`{` + tensor("F32", "[-2]", "[0,8]") + `}`, 8},
		"fractional size":        {`{` + tensor("F32", "[2.0]", "[0,8]") + `}`, 8},
		"exponent":               {`{` + tensor("F32", "[2e0]", "[0,8]") + `}`, 8},
		"size of 2^64":           {`{` + tensor("F32", "[18446744073709551616]", "[0,8]") + `}`, 8},
		"product wraps to 2":     {`{` + tensor("F32", "[9223372036854775809,2]", "[0,8]") + `}`, 8},
		"product of 2^64":        {`{` + tensor("F32", "[4294967296,4294967296]", "[0,0]") + `}`, 0},
		"2^62 and zero":          {`{` + tensor("F32", "[4611686018427387904,0]", "[0,0]") + `}`, 0},
		"too many dimensions":    {`{` + tensor("F32", "["+strings.Repeat("1,", maxDims)+"2]", "[0,8]") + `}`, 8},
		"shape for other bytes":  {`{` + tensor("F32", "[3]", "[0,8]") + `}`, 8},
		"type for other bytes":   {`{` + tensor("F64", "[2]", "[0,8]") + `}`, 8},
		"one offset":             {`{` + tensor("F32", "[2]", "[0]") + `}`, 8},
		"three offsets":          {`{` + tensor("F32", "[2]", "[0,8,8]") + `}`, 8},
		"offsets reversed":       {`{` + tensor("F32", "[2]", "[8,0]") + `}`, 8},
		"offset past the end":    {`{` + tensor("F32", "[3]", "[0,12]") + `}`, 8},
		"huge offsets":           {`{` + tensor("F32", "[2]", "[9223372036854775800,9223372036854775807]") + `}`, 8},
		"gap before":             {`{` + tensor("F32", "[1]", "[4,8]") + `}`, 8},
		"bytes after":            {`{` + good + `}`, 9},
		"overlap":                {`{` + good + `,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12},
		"same bytes twice":       {`{` + good + `,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8},
		"gap between":            {`{` + good + `,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}`, 16},
		"deep nesting":           {strings.Repeat(`{"a":`, 100_000), 0},
	} {
		if _, err := openBytes(safetensors(c.header, c.data)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// TestSafetensorsCut opens every beginning of a file.
func TestSafetensorsCut(t *testing.T) {
	for path, data := range goldenBytes(t, ".safetensors") {
		for n := range data {
			if _, err := openBytes(data[:n]); !errors.Is(err, ErrFormat) {
				t.Fatalf("%s cut to %d of %d bytes: error %v", path, n, len(data), err)
			}
		}
	}
}

// TestSafetensorsHugeHeader declares headers of all sizes in a small file and
// expects an error before anything of that size is allocated.
func TestSafetensorsHugeHeader(t *testing.T) {
	for shift := 6; shift < 64; shift++ {
		data := safetensors(`{}`, 16)
		binary.LittleEndian.PutUint64(data, 1<<shift)
		used := allocated(func() {
			if _, err := openBytes(data); !errors.Is(err, ErrFormat) {
				t.Errorf("header of 2^%d bytes: error %v", shift, err)
			}
		})
		if used > 64<<10 {
			t.Errorf("header of 2^%d bytes: allocated %d bytes", shift, used)
		}
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestReadAllocatesNothing reads a large tensor into the caller's slice.
func TestReadAllocatesNothing(t *testing.T) {
	values := make([]float32, 1<<20)
	for i := range values {
		values[i] = float32(i)
	}
	path := filepath.Join(t.TempDir(), "f.safetensors")
	if err := WriteFile(path, []Tensor{NewTensor("a", []int{1 << 10, 1 << 10}, values)}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dst := make([]float32, len(values))
	used := allocated(func() {
		if err := f.Read("a", dst); err != nil {
			t.Fatal(err)
		}
	})
	if used > 4*chunkSize {
		t.Errorf("reading 4 MiB allocated %d bytes", used)
	}
	for i := range dst {
		if dst[i] != values[i] {
			t.Fatalf("value %d is %v", i, dst[i])
		}
	}
}

func TestReadErrors(t *testing.T) {
	f, err := openBytes(safetensors(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Read("a", make([]float32, 3)); err == nil {
		t.Error("read two values into three")
	}
	if _, err := f.ReadFloats("b"); err == nil {
		t.Error("read a tensor that does not exist")
	}
	if _, ok := f.Info("b"); ok {
		t.Error("described a tensor that does not exist")
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("opened a directory")
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(empty); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), empty) {
		t.Errorf("empty file: %v", err)
	}
}
