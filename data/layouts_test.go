package data

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// describe lists a set as "path class", paths relative to root.
func describe(t *testing.T, root string, d Dataset) []string {
	t.Helper()
	if d == nil {
		return nil
	}
	var list []string
	var s Sample
	for i := range d.Len() {
		name := strings.TrimPrefix(filepath.ToSlash(d.Name(i)), filepath.ToSlash(root)+"/")
		if err := d.Read(i, &s); err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %s %s", name, d.Classes()[d.Label(i)], s.File))
	}
	return list
}

// writeFiles writes files below a new folder; each holds its own path unless
// it says otherwise.
func writeFiles(t *testing.T, files ...string) (root string) {
	t.Helper()
	root = t.TempDir()
	for _, f := range files {
		name, content, ok := strings.Cut(f, "=")
		if !ok {
			content = "<" + name + ">"
		}
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// tarOf is an archive of files given as for writeFiles.
func tarOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		name, content, ok := strings.Cut(f, "=")
		if !ok {
			content = "<" + name + ">"
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLayouts(t *testing.T) {
	tarred := func(files ...string) string { return string(tarOf(t, files...)) }
	for _, c := range []struct {
		name             string
		files            []string
		open             string // below the root
		kind             string
		train, val, test []string
	}{
		{
			name:  "class folders",
			files: []string{"b/2.jpg", "b/10.png", "a/deep/er/x.JPEG", "a/.hidden.jpg", "a/notes.md", ".git/x.jpg"},
			kind:  "class folders",
			train: []string{"a/deep/er/x.JPEG a <a/deep/er/x.JPEG>", "b/10.png b <b/10.png>", "b/2.jpg b <b/2.jpg>"},
		},
		{
			name:  "parts below an enclosing folder",
			files: []string{"set/train/a/1.jpg", "set/train/b/1.jpg", "set/val/b/2.jpg", "set/test/a/3.jpg", "set/README.txt"},
			kind:  "class folders",
			train: []string{"set/train/a/1.jpg a <set/train/a/1.jpg>", "set/train/b/1.jpg b <set/train/b/1.jpg>"},
			val:   []string{"set/val/b/2.jpg b <set/val/b/2.jpg>"},
			test:  []string{"set/test/a/3.jpg a <set/test/a/3.jpg>"},
		},
		{
			name:  "validation alone",
			files: []string{"val/n01440764/x.JPEG", "val/n01443537/y.JPEG"},
			kind:  "class folders",
			val: []string{
				"val/n01440764/x.JPEG n01440764 <val/n01440764/x.JPEG>",
				"val/n01443537/y.JPEG n01443537 <val/n01443537/y.JPEG>",
			},
		},
		{
			name:  "Pets",
			files: []string{"images/Abyssinian_1.jpg", "images/great_pyrenees_12.jpg", "images/Abyssinian_2.jpg", "annotations/trainval.txt=#Image CLASS-ID\ngreat_pyrenees_12 2 2 1\nAbyssinian_1 1 1 1\n", "annotations/test.txt=Abyssinian_2 1 1 1\n"},
			kind:  "Oxford-IIIT Pets",
			train: []string{"images/great_pyrenees_12.jpg great_pyrenees <images/great_pyrenees_12.jpg>", "images/Abyssinian_1.jpg Abyssinian <images/Abyssinian_1.jpg>"},
			test:  []string{"images/Abyssinian_2.jpg Abyssinian <images/Abyssinian_2.jpg>"},
		},
		{
			name:  "Food-101",
			files: []string{"images/apple_pie/1.jpg", "images/waffles/2.jpg", "meta/train.txt=waffles/2\n", "meta/test.txt=waffles/2\n"},
			kind:  "Food-101",
			train: []string{"images/waffles/2.jpg waffles <images/waffles/2.jpg>"},
			test:  []string{"images/waffles/2.jpg waffles <images/waffles/2.jpg>"},
		},
		{
			name:  "CSV with a header",
			files: []string{"x/1.jpg", "x/2.jpg", "x/3.jpg", "list.csv=\ufeffID,Label,File,split\n1,cat,x/1.jpg,train\n2,dog,x/2.jpg,train\n3,cat,x/3.jpg,valid\n"},
			open:  "list.csv",
			kind:  "list",
			train: []string{"x/1.jpg cat <x/1.jpg>", "x/2.jpg dog <x/2.jpg>"},
			val:   []string{"x/3.jpg cat <x/3.jpg>"},
		},
		{
			name:  "CSV without a header, numbers",
			files: []string{"1.jpg", "2.jpg", "list.csv=1.jpg,10\n2.jpg,9\n"},
			open:  "list.csv",
			kind:  "list",
			train: []string{"1.jpg 10 <1.jpg>", "2.jpg 9 <2.jpg>"},
		},
		{
			name:  "text list",
			files: []string{"1.jpg", "2.jpg", "val.txt=1.jpg 65\n\n2.jpg 970\n"},
			open:  "val.txt",
			kind:  "list",
			train: []string{"1.jpg 65 <1.jpg>", "2.jpg 970 <2.jpg>"},
		},
		{
			name:  "tar of class folders",
			files: []string{"set.tar=" + tarred("README.md", "./train/b/1.jpg", "./train/a/1.jpg", "./test/a/2.jpg")},
			open:  "set.tar",
			kind:  "class folders in a tar archive",
			train: []string{"set.tar:train/a/1.jpg a <./train/a/1.jpg>", "set.tar:train/b/1.jpg b <./train/b/1.jpg>"},
			test:  []string{"set.tar:test/a/2.jpg a <./test/a/2.jpg>"},
		},
		{
			name: "WebDataset",
			files: []string{
				"train-000.tar=" + tarred("0001.jpg", "0001.cls=10\n", "0001.json={\"label\":7}", "0002.cls=9", "0002.png"),
				"train-001.tar=" + tarred("0001.seg.jpg", "0001.cls=9"),
				"val-000.tar=" + tarred("a/b.c.jpg", "a/b.json={\"x\":1,\"label\":\"10\"}"),
			},
			kind: "WebDataset",
			train: []string{
				"train-000.tar:0001.jpg 10 <0001.jpg>", "train-000.tar:0002.png 9 <0002.png>",
				"train-001.tar:0001.seg.jpg 9 <0001.seg.jpg>",
			},
			val: []string{"val-000.tar:a/b.c.jpg 10 <a/b.c.jpg>"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := writeFiles(t, c.files...)
			s, err := Open(filepath.Join(root, c.open))
			if err != nil {
				t.Fatal(err)
			}
			if s.Kind != c.kind {
				t.Errorf("kind %q, want %q", s.Kind, c.kind)
			}
			for _, p := range []struct {
				name string
				d    Dataset
				want []string
			}{{"train", s.Train, c.train}, {"val", s.Val, c.val}, {"test", s.Test, c.test}} {
				if got := describe(t, root, p.d); !slices.Equal(got, p.want) {
					t.Errorf("%s:\n got %q\nwant %q", p.name, got, p.want)
				}
			}
		})
	}
}

func TestClassOrder(t *testing.T) {
	s, err := Open(filepath.Join(writeFiles(t, "l.csv=a.jpg,10\nb.jpg,9\nc.jpg,100\n"), "l.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"9", "10", "100"}; !slices.Equal(s.Classes(), want) {
		t.Errorf("numbers in a list: %v, want %v", s.Classes(), want)
	}
	s, err = Open(writeFiles(t, "10/a.jpg", "9/a.jpg", "100/a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"10", "100", "9"}; !slices.Equal(s.Classes(), want) {
		t.Errorf("class folders, as torchvision sorts them: %v, want %v", s.Classes(), want)
	}
}

func TestLayoutErrors(t *testing.T) {
	cut := tarOf(t, "train/a/1.jpg="+strings.Repeat("x", 2000))[:1200]
	for name, c := range map[string]struct {
		files []string
		open  string
		want  error
	}{
		"empty list":      {[]string{"l.csv=image,label\n"}, "l.csv", ErrLayout},
		"split":           {[]string{"l.csv=image,label,split\na.jpg,x,nowhere\n"}, "l.csv", ErrCorrupt},
		"columns":         {[]string{"l.csv=a,b,c\n1,2,3\n"}, "l.csv", ErrCorrupt},
		"ragged":          {[]string{"l.csv=image,label\na.jpg\n"}, "l.csv", ErrCorrupt},
		"unknown class":   {[]string{"l.csv=image,label,split\na.jpg,x,train\nb.jpg,y,test\n"}, "l.csv", ErrLabel},
		"text line":       {[]string{"l.txt=a.jpg\n"}, "l.txt", ErrCorrupt},
		"pets entry":      {[]string{"annotations/trainval.txt=Abyssinian\n", "annotations/test.txt="}, "", ErrCorrupt},
		"food entry":      {[]string{"meta/train.txt=waffles\n", "meta/test.txt="}, "", ErrCorrupt},
		"cut tar":         {[]string{"x.tar=" + string(cut)}, "x.tar", ErrCorrupt},
		"no tar":          {[]string{"x.tar=this is no archive, but it is long enough: " + strings.Repeat("x", 1000)}, "x.tar", ErrCorrupt},
		"empty tar":       {[]string{"x.tar=" + string(tarOf(t))}, "x.tar", ErrLayout},
		"no label":        {[]string{"x.tar=" + string(tarOf(t, "1.jpg", "1.cls=3", "2.jpg"))}, "x.tar", ErrLayout},
		"label of a list": {[]string{"x.tar=" + string(tarOf(t, "1.jpg", "1.json={\"label\":[1]}"))}, "x.tar", ErrCorrupt},
		"samples beside":  {[]string{"Dataset/0/1.jpg", "Dataset/1/1.jpg", "Examples/1.jpg"}, "", ErrLayout},
		"compressed":      {[]string{"x.tar.gz"}, "x.tar.gz", ErrLayout},
	} {
		_, err := Open(filepath.Join(writeFiles(t, c.files...), c.open))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

func FuzzTar(f *testing.F) {
	f.Add([]byte("not a tar"))
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "a/1.jpg", Size: 3, Mode: 0o644})
	w.Write([]byte("abc"))
	w.WriteHeader(&tar.Header{Name: "a/1.cls", Size: 1, Mode: 0o644})
	w.Write([]byte("5"))
	w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := OpenTar(file)
		if err != nil {
			return
		}
		var sample Sample
		_, d := s.Evaluation()
		for i := range d.Len() {
			if err := d.Read(i, &sample); err != nil {
				t.Fatal(err)
			}
		}
	})
}
