package weights

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// reference is a file's content as PyTorch or NumPy read it.
type reference struct {
	Metadata map[string]string
	Tensors  map[string]struct {
		DType  string
		Shape  []int
		Values []any
	}
}

// references reads testdata/DIR/expected.json.
func references(t *testing.T, dir string) map[string]reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var refs map[string]reference
	if err := json.Unmarshal(data, &refs); err != nil {
		t.Fatal(err)
	}
	return refs
}

var torchNames = map[DType]string{
	F32: "float32", F64: "float64", F16: "float16", BF16: "bfloat16", I64: "int64", I32: "int32", I16: "int16", I8: "int8",
	U64: "uint64", U32: "uint32", U16: "uint16", U8: "uint8", Bool: "bool",
}

func referenceValue(v any) float32 {
	switch v {
	case "nan":
		return float32(math.NaN())
	case "inf":
		return float32(math.Inf(1))
	case "-inf":
		return float32(math.Inf(-1))
	}
	return float32(v.(float64))
}

func sameFloat(a, b float32) bool {
	return a == b && math.Signbit(float64(a)) == math.Signbit(float64(b)) || a != a && b != b
}

// TestGoldenFiles reads every file that PyTorch, safetensors and NumPy wrote
// and compares all that is in it.
func TestGoldenFiles(t *testing.T) {
	for _, dir := range []string{"torch", "more"} {
		for name, ref := range references(t, dir) {
			t.Run(name, func(t *testing.T) {
				f, err := Open(filepath.Join("testdata", dir, name))
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				checkReference(t, f, ref)
			})
		}
	}
}

func checkReference(t *testing.T, f *File, ref reference) {
	t.Helper()
	names := f.Names()
	slices.Sort(names)
	if want := slices.Sorted(maps.Keys(ref.Tensors)); !slices.Equal(names, want) {
		t.Fatalf("names %q, want %q", names, want)
	}
	for k, want := range ref.Metadata {
		if got := f.Metadata()[k]; got != want {
			t.Errorf("metadata %s is %q, want %q", k, got, want)
		}
	}
	for name, want := range ref.Tensors {
		info, _ := f.Info(name)
		if torchNames[info.DType] != want.DType || !slices.Equal(info.Shape, want.Shape) {
			t.Errorf("%s is %v %v, want %s %v", name, info.DType, info.Shape, want.DType, want.Shape)
			continue
		}
		got, err := f.ReadFloats(name)
		if err != nil || len(got) != len(want.Values) {
			t.Errorf("%s: %d values, %v; want %d", name, len(got), err, len(want.Values))
			continue
		}
		for i, v := range want.Values {
			if !sameFloat(got[i], referenceValue(v)) {
				t.Errorf("%s[%d] is %v, want %v", name, i, got[i], v)
			}
		}
		raw, err := f.ReadBytes(name)
		if err != nil || len(raw) != len(got)*info.DType.Size() {
			t.Errorf("%s: %d bytes, %v", name, len(raw), err)
		}
	}
}

// goldenBytes returns the content of all golden files whose name has the
// suffix, by name.
func goldenBytes(t testing.TB, suffix string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	paths, err := filepath.Glob("testdata/*/*" + suffix)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".md") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = data
	}
	if len(files) == 0 {
		t.Fatalf("no golden file ends in %s", suffix)
	}
	return files
}
