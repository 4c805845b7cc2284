package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mixnet-go/mixnet/data/fashion"
)

// idxFile is an IDX file of bytes.
func idxFile(data []byte, dims ...uint32) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return append(b, data...)
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

func ramp(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func TestEmbeddedFashionMNIST(t *testing.T) {
	s, err := OpenIDX(fashion.FS(), "Fashion-MNIST")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []struct {
		d        Dataset
		perClass int
	}{{s.Train, 1000}, {s.Test, 200}} {
		for c, n := range ClassCounts(part.d) {
			if n != part.perClass {
				t.Errorf("class %d: %d pictures, want %d", c, n, part.perClass)
			}
		}
	}
	if got := s.Classes()[9]; got != "ankle boot" {
		t.Errorf("class 9 is %q", got)
	}
	// The first training picture of the set is an ankle boot, the first test
	// picture too.
	if s.Train.Label(0) != 9 || s.Test.Label(0) != 9 {
		t.Errorf("first labels %d and %d, want 9", s.Train.Label(0), s.Test.Label(0))
	}
}

func TestEmbeddedIsThePublishedSet(t *testing.T) {
	const dir = "/usr/share/datasets/fashion-mnist"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("needs Debian's dataset-fashion-mnist:", err)
	}
	full, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	part, err := OpenIDX(fashion.FS(), "fashion")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range [][2]Dataset{{full.Train, part.Train}, {full.Test, part.Test}} {
		all, some := p[0].(*Memory), p[1].(*Memory)
		taken, j := [10]int{}, 0
		perClass := some.Len() / 10
		for i, l := range all.Labels {
			if taken[l] == perClass {
				continue
			}
			taken[l]++
			if some.Labels[j] != l || !bytes.Equal(some.Pixels[j*784:(j+1)*784], all.Pixels[i*784:(i+1)*784]) {
				t.Fatalf("%s differs from %s", some.Name(j), all.Name(i))
			}
			j++
		}
	}
}

func TestOpenIDX(t *testing.T) {
	images, labels := idxFile(ramp(4*6), 4, 2, 3), idxFile([]byte{2, 0, 1, 2}, 4)
	for name, fsys := range map[string]fstest.MapFS{
		"plain":  {"train-images-idx3-ubyte": {Data: images}, "train-labels-idx1-ubyte": {Data: labels}},
		"gzip":   {"train-images-idx3-ubyte.gz": {Data: gzipped(images)}, "train-labels-idx1-ubyte.gz": {Data: gzipped(labels)}},
		"mixed":  {"train-images.idx3-ubyte": {Data: images}, "train-labels.idx1-ubyte.gz": {Data: gzipped(labels)}},
		"colour": {"train-images-idx4-ubyte": {Data: idxFile(ramp(4*6), 4, 1, 2, 3)}, "train-labels-idx1-ubyte": {Data: labels}},
	} {
		s, err := OpenIDX(fsys, "x")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var sample Sample
		if err := s.Train.Read(1, &sample); err != nil {
			t.Fatal(err)
		}
		if want := ramp(24)[6:12]; !bytes.Equal(sample.Pixels.Pix, want) {
			t.Errorf("%s: picture 1 is %v, want %v", name, sample.Pixels.Pix, want)
		}
		if got := []int{s.Train.Label(0), s.Train.Label(1), s.Train.Label(2)}; !slices.Equal(got, []int{2, 0, 1}) {
			t.Errorf("%s: labels %v", name, got)
		}
		if s.Test != nil || len(s.Classes()) != 3 {
			t.Errorf("%s: %d classes, test %v", name, len(s.Classes()), s.Test)
		}
	}
}

func TestOpenIDXErrors(t *testing.T) {
	images, labels := idxFile(ramp(24), 4, 2, 3), idxFile([]byte{2, 0, 1, 2}, 4)
	for name, files := range map[string][2][]byte{
		"no labels":       {images, nil},
		"empty":           {{}, labels},
		"cut header":      {images[:9], labels},
		"cut pixels":      {images[:30], labels},
		"too long":        {append(slices.Clone(images), 1), labels},
		"cut gzip":        {gzipped(images)[:30], labels},
		"not IDX":         {[]byte("hello, this is no IDX file"), labels},
		"floats":          {append([]byte{0, 0, 0x0d, 3}, images[4:]...), labels},
		"label count":     {images, idxFile([]byte{2, 0, 1}, 3)},
		"huge":            {idxFile(nil, 1<<31, 1<<31, 1<<31), labels},
		"one dimension":   {idxFile(ramp(4), 4), labels},
		"no pictures":     {idxFile(nil, 0, 2, 3), idxFile(nil, 0)},
		"empty pictures":  {idxFile(nil, 4, 0, 3), labels},
		"five channels":   {idxFile(ramp(40), 4, 1, 2, 5), labels},
		"images as label": {images, images},
	} {
		fsys := fstest.MapFS{"train-images-idx3-ubyte": {Data: files[0]}}
		if files[1] != nil {
			fsys["train-labels-idx1-ubyte"] = &fstest.MapFile{Data: files[1]}
		}
		_, err := OpenIDX(fsys, "set")
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrLayout) {
			t.Errorf("%s: error %v", name, err)
		} else if !strings.Contains(err.Error(), "set") && name != "no labels" {
			t.Errorf("%s: the error does not name the file: %v", name, err)
		}
	}
}

// cifarRecords makes n records whose pixels tell planes and places apart.
func cifarRecords(n, labels, classes int) []byte {
	var b []byte
	for i := range n {
		for range labels {
			b = append(b, byte(i%classes))
		}
		for plane := range 3 {
			for p := range cifarPlane {
				b = append(b, byte(100*plane+p%97+i))
			}
		}
	}
	return b
}

func TestOpenCIFAR(t *testing.T) {
	fsys := fstest.MapFS{
		"data_batch_1.bin": {Data: cifarRecords(3, 1, 10)},
		"data_batch_2.bin": {Data: cifarRecords(2, 1, 10)},
		"test_batch.bin":   {Data: cifarRecords(1, 1, 10)},
		"batches.meta.txt": {Data: []byte("airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n")},
	}
	s, err := OpenCIFAR(fsys, "cifar")
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Len() != 5 || s.Test.Len() != 1 || s.Classes()[9] != "truck" {
		t.Fatalf("%d + %d pictures, classes %v", s.Train.Len(), s.Test.Len(), s.Classes())
	}
	var sample Sample
	if err := s.Train.Read(2, &sample); err != nil {
		t.Fatal(err)
	}
	for _, p := range []int{0, 31, 32, 1023} {
		want := []byte{byte(p%97 + 2), byte(100 + p%97 + 2), byte(200 + p%97 + 2)}
		if got := sample.Pixels.Pix[3*p : 3*p+3]; !bytes.Equal(got, want) {
			t.Errorf("pixel %d: %v, want %v", p, got, want)
		}
	}
	c100, err := OpenCIFAR(fstest.MapFS{"train.bin": {Data: cifarRecords(2, 2, 100)}}, "cifar")
	if err != nil || c100.Kind != "CIFAR-100" || len(c100.Classes()) != 100 {
		t.Errorf("CIFAR-100: %v, %v", c100, err)
	}
}

func TestOpenCIFARErrors(t *testing.T) {
	good := cifarRecords(2, 1, 10)
	bad := slices.Clone(good)
	bad[3073] = 10
	for name, c := range map[string]struct {
		file string
		data []byte
		want error
	}{
		"cut":            {"data_batch_1.bin", good[:4000], ErrCorrupt},
		"empty":          {"test_batch.bin", nil, ErrCorrupt},
		"label":          {"data_batch_1.bin", bad, ErrLabel},
		"one byte label": {"train.bin", good, ErrCorrupt},
	} {
		_, err := OpenCIFAR(fstest.MapFS{c.file: {Data: c.data}}, "cifar")
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

func FuzzIDX(f *testing.F) {
	f.Add(idxFile(ramp(24), 4, 2, 3), idxFile([]byte{2, 0, 1, 2}, 4))
	f.Add(gzipped(idxFile(ramp(24), 4, 2, 3)), gzipped(idxFile([]byte{2, 0, 1, 2}, 4)))
	f.Add(idxFile(nil, 1<<31, 1<<31, 1<<31), idxFile(nil, 0))
	f.Fuzz(func(t *testing.T, images, labels []byte) {
		s, err := OpenIDX(fstest.MapFS{
			"train-images-idx3-ubyte": {Data: images},
			"train-labels-idx1-ubyte": {Data: labels},
		}, "fuzz")
		if err == nil {
			readAll(t, s.Train)
		}
	})
}

func FuzzCIFAR(f *testing.F) {
	f.Add(cifarRecords(2, 1, 10), false)
	f.Add(cifarRecords(2, 2, 100), true)
	f.Fuzz(func(t *testing.T, b []byte, hundred bool) {
		name := "data_batch_3.bin"
		if hundred {
			name = "train.bin"
		}
		var fsys fs.FS = fstest.MapFS{name: {Data: b}}
		s, err := OpenCIFAR(fsys, "fuzz")
		if err == nil {
			readAll(t, s.Train)
		}
	})
}

// readAll reads every example of a set and checks what it says of itself.
func readAll(t *testing.T, d Dataset) {
	t.Helper()
	var s Sample
	for i := range d.Len() {
		if l := d.Label(i); l < 0 || l >= len(d.Classes()) {
			t.Fatalf("label %d of %d classes", l, len(d.Classes()))
		}
		if err := d.Read(i, &s); err != nil {
			t.Fatal(err)
		}
		if err := s.Pixels.Check(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenTellsLayouts(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("idx/train-images-idx3-ubyte", idxFile(ramp(24), 4, 2, 3))
	write("idx/train-labels-idx1-ubyte", idxFile([]byte{2, 0, 1, 2}, 4))
	write("cifar/test_batch.bin", cifarRecords(2, 1, 10))
	write("folders/cat/a.png", nil)
	write("parts/train/cat/a.png", nil)
	write("parts/val/cat/a.png", nil)
	write("flat/a.png", nil)
	write("none/readme.txt", nil)
	write("hole/cat/a.png", nil)
	write("hole/dog/readme.txt", nil)
	write("strange/train/cat/a.png", nil)
	write("strange/val/dog/a.png", nil)
	for _, c := range []struct {
		path, kind string
		err        error
	}{
		{"idx", "IDX", nil},
		{"cifar", "CIFAR-10", nil},
		{"folders", "class folders", nil},
		{"parts", "class folders", nil},
		{"flat", "", ErrLayout},
		{"none", "", ErrLayout},
		{"hole", "", ErrLayout},
		{"strange", "", ErrLabel},
		{"missing", "", os.ErrNotExist},
		{"none/readme.txt", "", ErrLayout},
	} {
		s, err := Open(filepath.Join(dir, c.path))
		if !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", c.path, err, c.err)
		}
		if err == nil && s.Kind != c.kind {
			t.Errorf("%s: kind %q, want %q", c.path, s.Kind, c.kind)
		}
	}
}
