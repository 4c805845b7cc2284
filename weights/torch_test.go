package weights

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// torchZip assembles a file as torch.save would, from a pickle and storages.
func torchZip(t testing.TB, method uint16, pickle string, storages map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, content string) {
		e, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	add("archive/data.pkl", pickle)
	for key, content := range storages {
		add("archive/data/"+key, content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pickleString is the instruction that pushes s.
func pickleString(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// pickleInt is the instruction that pushes n.
func pickleInt(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func pickleTuple(n ...int64) string {
	s := "("
	for _, v := range n {
		s += pickleInt(v)
	}
	return s + "t"
}

// pickleTensor describes a tensor of a storage of the given length.
func pickleTensor(class, key string, length, offset int64, shape, stride string) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n(" +
		"(" + pickleString("storage") + "ctorch\n" + class + "\n" + pickleString(key) + pickleString("cpu") + pickleInt(length) + "tQ" +
		pickleInt(offset) + shape + stride + "\x89Nt" + "R"
}

const (
	pickleStart = "\x80\x02}" // an empty dict
	pickleEnd   = "s."        // sets one item of it
)

// oneTensor is the pickle of a dict with the tensor "a".
func oneTensor(length, offset int64, shape, stride string) string {
	return pickleStart + pickleString("a") + pickleTensor("FloatStorage", "0", length, offset, shape, stride) + pickleEnd
}

func TestTorchAccepts(t *testing.T) {
	four := "\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40\x00\x00\x80\x40"
	for name, c := range map[string]struct {
		pickle string
		want   []float32
	}{
		"all":             {oneTensor(4, 0, pickleTuple(4), pickleTuple(1)), []float32{1, 2, 3, 4}},
		"part":            {oneTensor(4, 2, pickleTuple(2), pickleTuple(1)), []float32{3, 4}},
		"transposed":      {oneTensor(4, 0, pickleTuple(2, 2), pickleTuple(1, 2)), []float32{1, 3, 2, 4}},
		"overlapping":     {oneTensor(4, 0, pickleTuple(2, 3), pickleTuple(1, 1)), []float32{1, 2, 3, 2, 3, 4}},
		"repeated":        {oneTensor(4, 1, pickleTuple(2, 2), pickleTuple(0, 0)), []float32{2, 2, 2, 2}},
		"scalar":          {oneTensor(4, 3, pickleTuple(), pickleTuple()), []float32{4}},
		"any unit stride": {oneTensor(4, 0, pickleTuple(1, 4), pickleTuple(99, 1)), []float32{1, 2, 3, 4}},
		"empty":           {oneTensor(4, 4, pickleTuple(0), pickleTuple(1)), nil},
	} {
		f, err := openBytes(torchZip(t, zip.Store, c.pickle, map[string]string{"0": four}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := f.ReadFloats("a")
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: read %v, %v; want %v", name, got, err, c.want)
		}
	}
}

func TestTorchRejects(t *testing.T) {
	const big = 1 << 62
	one := pickleTuple(1)
	for name, pickle := range map[string]string{
		"empty":                  "",
		"no result":              "\x80\x02.",
		"unknown instruction":    "\x80\x02\xfe.",
		"text protocol":          "I1\n.",
		"protocol 9":             "\x80\x09N.",
		"no tensors":             "\x80\x02}.",
		"only a number":          "\x80\x02K\x01.",
		"shape past the end":     oneTensor(4, 0, pickleTuple(5), one),
		"offset past the end":    oneTensor(4, 4, one, one),
		"negative offset":        oneTensor(4, -1, one, one),
		"huge offset":            oneTensor(4, 1<<63-1, one, one),
		"strides past the end":   oneTensor(4, 0, pickleTuple(2, 2), pickleTuple(3, 1)),
		"negative stride":        oneTensor(4, 3, pickleTuple(2), pickleTuple(-1)),
		"huge stride":            oneTensor(4, 0, pickleTuple(2), pickleTuple(big)),
		"strides that wrap":      oneTensor(4, 0, pickleTuple(5, 5), pickleTuple(big, big)),
		"negative shape":         oneTensor(4, 0, pickleTuple(-4), one),
		"huge shape":             oneTensor(4, 0, pickleTuple(big, 4), pickleTuple(0, 0)),
		"repeated without end":   oneTensor(4, 0, pickleTuple(1<<20, 1<<19), pickleTuple(0, 0)),
		"fewer strides":          oneTensor(4, 0, pickleTuple(2, 2), one),
		"storage too long":       oneTensor(5, 0, one, one),
		"storage of 2^62":        oneTensor(big, 0, one, one),
		"storage of -1":          oneTensor(-1, 0, one, one),
		"missing storage":        pickleStart + pickleString("a") + pickleTensor("FloatStorage", "1", 4, 0, one, one) + pickleEnd,
		"storage outside":        pickleStart + pickleString("a") + pickleTensor("FloatStorage", "../data.pkl", 4, 0, one, one) + pickleEnd,
		"storage of two types":   "\x80\x02(" + pickleTensor("FloatStorage", "0", 4, 0, one, one) + pickleTensor("IntStorage", "0", 4, 0, one, one) + "t.",
		"storage not a class":    strings.Replace(oneTensor(4, 0, one, one), "ctorch\nFloatStorage\n", pickleString("torch.FloatStorage"), 1),
		"name twice":             pickleStart + pickleString("a") + pickleTensor("FloatStorage", "0", 4, 0, one, one) + "s" + pickleString("a") + pickleTensor("FloatStorage", "0", 4, 0, one, one) + pickleEnd,
		"calls a number":         "\x80\x02K\x01)R.",
		"calls a storage class":  "\x80\x02ctorch\nFloatStorage\n)R.",
		"no arguments":           "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
		"string of 4 GiB":        "\x80\x02X\xff\xff\xff\xff",
		"bytes of 2^64":          "\x80\x02\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
		"number of 2^31 bytes":   "\x80\x02\x8b\xff\xff\xff\x7f",
		"unknown memo":           "\x80\x02h\x07.",
		"unopened group":         "\x80\x02t.",
		"odd items":              "\x80\x02}(Nu.",
		"adds to a number":       "\x80\x02K\x01K\x02a.",
		"takes from outside":     "\x80\x02K\x01(\x85.",
		"dict in itself":         "\x80\x02}q\x00" + pickleString("a") + "h\x00s.",
		"unsupported persistent": "\x80\x02" + pickleString("module") + "\x85Q.",
	} {
		data := torchZip(t, zip.Store, pickle, map[string]string{"0": strings.Repeat("\x00", 16)})
		var err error
		used := allocated(func() { _, err = openBytes(data) })
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v", name, err)
		}
		if used > 1<<20 {
			t.Errorf("%s: allocated %d bytes", name, used)
		}
	}
}

// TestHostilePickles opens pickles that would run a command, and expects an
// error that names what they ask for.
func TestHostilePickles(t *testing.T) {
	data, err := os.ReadFile("testdata/torch/hostile.json")
	if err != nil {
		t.Fatal(err)
	}
	var files map[string]string
	if err := json.Unmarshal(data, &files); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"hostile_system.pth": "posix.system", "hostile_eval.pth": "eval", "hostile_getattr.pth": "getattr",
		"hostile_system_legacy.pth": "posix.system", "hostile_alias.pth": "builtins.exec",
	}
	for name := range files {
		_, err := Open(filepath.Join("testdata/torch", name))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want[name]) || want[name] == "" {
			t.Errorf("%s: error %v does not name %q", name, err, want[name])
		}
	}
	for name, want := range map[string]string{
		"module.pth":     "save its state_dict()",
		"plain.pkl":      "torch.save did not write",
		"object.npy":     "only numbers",
		"compressed.npz": "compressed",
	} {
		_, err := Open(filepath.Join("testdata/more", name))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", name, err, want)
		}
	}
}

// TestPickleBombs opens small files that expand when they are believed.
func TestPickleBombs(t *testing.T) {
	// Every dict holds the one before twice, so 2^50 paths lead to the tensor.
	laughs := "\x80\x02" + pickleTensor("FloatStorage", "0", 4, 0, pickleTuple(1), pickleTuple(1)) + "q\x00"
	for range 50 {
		laughs += "}(" + pickleString("a") + "h\x00" + pickleString("b") + "h\x00uq\x00"
	}
	laughs += "."
	// Deep nesting of dicts, lists, tuples and groups.
	const deep = 200_000
	dicts := "\x80\x02" + strings.Repeat("}"+pickleString("a"), deep) + "N" + strings.Repeat("s", deep) + "."
	tuples := "\x80\x02N" + strings.Repeat("\x85", deep) + "."
	groups := "\x80\x02" + strings.Repeat("(", deep) + "."
	// A list of a million items handed to a constructor again and again.
	list := "\x80\x02](" + strings.Repeat("N", 1_000_000) + "eq\x00" + strings.Repeat("ccollections\nOrderedDict\nh\x00\x85R0", 2000) + "."
	// A name of 1,000 bytes that 50,000 tensors begin with, and one that grows
	// on every level.
	long := pickleString(strings.Repeat("n", 1000))
	var names strings.Builder
	names.WriteString("\x80\x02" + pickleTensor("FloatStorage", "0", 4, 0, pickleTuple(1), pickleTuple(1)) + "q\x000}" + long + "}(")
	for i := range 50_000 {
		names.WriteString(pickleString(fmt.Sprint(i)) + "h\x00")
	}
	names.WriteString("us.")
	growing := "\x80\x02" + strings.Repeat("}"+long, 10) + pickleTensor("FloatStorage", "0", 4, 0, pickleTuple(1), pickleTuple(1)) + strings.Repeat("s", 10) + "."
	for i, pickle := range []string{laughs, dicts, tuples, groups, list, names.String(), growing} {
		data := torchZip(t, zip.Store, pickle, map[string]string{"0": strings.Repeat("\x00", 16)})
		var err error
		used := allocated(func() { _, err = openBytes(data) })
		if !errors.Is(err, ErrFormat) {
			t.Errorf("bomb %d: error %v", i, err)
		}
		if limit := uint64(len(data))*200 + 1<<20; used > limit {
			t.Errorf("bomb %d: allocated %d bytes for a file of %d", i, used, len(data))
		}
	}
}

// TestZipBomb opens archives whose compressed entries are a thousand times
// their size.
func TestZipBomb(t *testing.T) {
	zeros := strings.Repeat("\x00", 32<<20)
	pickle := oneTensor(int64(len(zeros)/4), 0, pickleTuple(1), pickleTuple(1))
	for _, data := range [][]byte{
		torchZip(t, zip.Deflate, pickle, map[string]string{"0": zeros}),
		torchZip(t, zip.Deflate, zeros, nil),
	} {
		var err error
		used := allocated(func() { _, err = openBytes(data) })
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "compressed") {
			t.Errorf("error %v", err)
		}
		if used > 1<<20 {
			t.Errorf("allocated %d bytes for a file of %d", used, len(data))
		}
	}
	// The same with an entry that claims to be stored.
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestCompression)
	_, _ = w.Write([]byte(zeros))
	_ = w.Close()
	data := torchZip(t, zip.Store, packed.String(), nil)
	at := bytes.LastIndex(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[at+24:], uint32(len(zeros))) // uncompressed size
	if _, err := openBytes(data); !errors.Is(err, ErrFormat) {
		t.Errorf("stored entry of two sizes: error %v", err)
	}
}

// TestChecksum changes one bit of a storage in an archive.
func TestChecksum(t *testing.T) {
	data := torchZip(t, zip.Store, oneTensor(4, 0, pickleTuple(4), pickleTuple(1)), map[string]string{"0": "0123456789abcdef"})
	data[bytes.Index(data, []byte("89ab"))] ^= 1
	f, err := openBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFloats("a"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("error %v", err)
	}
}

// TestCut opens every beginning of every golden file that is not safetensors.
func TestCut(t *testing.T) {
	for _, suffix := range []string{".pth", ".npy", ".npz"} {
		for path, data := range goldenBytes(t, suffix) {
			for n := range data {
				if _, err := openBytes(data[:n]); !errors.Is(err, ErrFormat) {
					t.Fatalf("%s cut to %d of %d bytes: error %v", path, n, len(data), err)
				}
			}
		}
	}
}

// TestDamaged changes every fifth byte of every golden file. Whatever comes out, nothing may panic or take more memory than the file warrants.
func TestDamaged(t *testing.T) {
	for path, data := range goldenBytes(t, "") {
		used := allocated(func() {
			for i := 0; i < len(data); i += 5 {
				data[i] ^= 1 << (i % 8)
				if f, err := openBytes(data); err == nil {
					_ = readAll(f)
				}
				data[i] ^= 1 << (i % 8)
			}
		})
		if mean := used * 5 / uint64(len(data)); mean > 1<<20 {
			t.Errorf("%s: %d bytes allocated on average", path, mean)
		}
	}
}
