package data

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// openAll opens what is at a path and reads all of it. Whatever the path holds,
// labels and names are in order.
func openAll(t *testing.T, path string) {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		return
	}
	var sample Sample
	for _, p := range s.Parts() {
		for i := range p.Set.Len() {
			if l := p.Set.Label(i); l < 0 || l >= len(p.Set.Classes()) || p.Set.Classes()[l] == "" {
				t.Fatalf("%s has label %d of %q", p.Set.Name(i), l, p.Set.Classes())
			}
			_ = p.Set.Read(i, &sample)
		}
	}
	if _, err := s.Plan(Policy{Val: 0.2, Test: 0.2}); err != nil && s.Train != nil && !strings.Contains(err.Error(), "too few") {
		t.Fatal(err)
	}
}

func FuzzList(f *testing.F) {
	for _, text := range []string{
		"image,label\na.jpg,cat\nb.jpg,dog\n", "image_id;label;split\na.jpg;1;train\nb.jpg;2;dev\n", "a.jpg\tx\n", "a.jpg,b.jpg\nc.jpg,a.jpg\n",
		"\ufeffid,breed\n\"a\n.jpg\",cat\n", ",\n,\n", "label,image\n../../etc/passwd,/dev/null\n", "a.jpg cat\n# b\n",
	} {
		f.Add(text, ".csv")
		f.Add(text, ".txt")
	}
	f.Add(`{"file_name":"a.jpg","label":1}`+"\n"+`{"file_name":"b.jpg","label":null,"x":[{}]}`, ".jsonl")
	f.Add("image,label,set\na,1.0,train\nb,-1,test\n", ".csv")
	f.Fuzz(func(t *testing.T, text, ext string) {
		if ext != ".txt" && ext != ".tsv" && ext != ".jsonl" {
			ext = ".csv"
		}
		root := t.TempDir()
		for name, content := range map[string]string{"l" + ext: text, "a.jpg": "x", "b.jpg": "y"} {
			if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		openAll(t, filepath.Join(root, "l"+ext))
	})
}

func FuzzLabel(f *testing.F) {
	for _, text := range []string{"3", `{"label":3}`, `{"label":null,"cls":"a"}`, `"a\u0000"`, "null", "-1", "\ufeff7\n", "[1]", `{"label":`} {
		f.Add([]byte(text), 1)
		f.Add([]byte(text), 4)
	}
	f.Fuzz(func(t *testing.T, text []byte, kind int) {
		label, ok, err := parseLabel(text, labelKind(kind))
		if ok && (err != nil || label == "") || !ok && label != "" {
			t.Errorf("%q: label %q, %v, %v", text, label, ok, err)
		}
	})
}

// FuzzShard has a shard whose members have the names and contents given.
func FuzzShard(f *testing.F) {
	f.Add("a.jpg\na.cls=3\nb.c.jpg\nb.c.json={\"label\":1}", "train-0")
	f.Add("/x/a.jpg\n../x/a.jpg\nx/a.txt=cat\nx/b.png\nx/b.txt=dog", "val")
	f.Add("a.b.jpg\na.c.cls=1\na.d.cls=2", "test_train")
	f.Add("cat@->dog\ndog/1.jpg\ncat/1.jpg@->../dog/1.jpg\ndog/2.jpg@=dog/1.jpg", "x")
	f.Add("a@->b\nb@->a\nc/.jpg\n.jpg\n/", "dev.test")
	f.Fuzz(func(t *testing.T, members, name string) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for line := range strings.SplitSeq(members, "\n") {
			member, content, _ := strings.Cut(line, "=")
			h := &tar.Header{Name: member, Size: int64(len(content)), Typeflag: tar.TypeReg, Mode: 0o644}
			if from, to, ok := strings.Cut(line, "@->"); ok {
				h, content = &tar.Header{Name: from, Linkname: to, Typeflag: tar.TypeSymlink}, ""
			} else if from, to, ok := strings.Cut(line, "@="); ok {
				h, content = &tar.Header{Name: from, Linkname: to, Typeflag: tar.TypeLink}, ""
			}
			if w.WriteHeader(h) != nil {
				return
			}
			if _, err := w.Write([]byte(content)); err != nil {
				return
			}
		}
		if w.Close() != nil {
			return
		}
		root := t.TempDir()
		if os.WriteFile(filepath.Join(root, "x"+strings.Map(plainRune, name)+".tar"), b.Bytes(), 0o644) != nil {
			return
		}
		openAll(t, root)
	})
}

// plainRune keeps what any file system takes in a name.
func plainRune(r rune) rune {
	if r < ' ' || r >= 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
		return '_'
	}
	return r
}

// FuzzArrange has pictures at any paths: every one is placed or left out, once.
func FuzzArrange(f *testing.F) {
	f.Add("train/a/1.jpg\ntrain/b/1.jpg\ntest/a/2.jpg\nextra/1.jpg")
	f.Add("a/train/1.jpg\na/test/1.jpg\nb/train/1.jpg")
	f.Add("x/y/z/1.jpg\n1.jpg\nx/y/w/2.jpg")
	f.Add("train/train/a/1.jpg\nval/val/b/1.jpg\ntrain/2.jpg")
	f.Fuzz(func(t *testing.T, text string) {
		paths := strings.Split(text, "\n")
		paths = slices.DeleteFunc(paths, func(p string) bool { return p == "" || cleanMember(p) != p })
		slices.Sort(paths)
		paths = slices.Compact(paths)
		a := &arranger{paths: paths, left: &leftOut{}}
		if a.arrange() != nil {
			return
		}
		placed, left := 0, 0
		for _, s := range a.spots {
			if s.class != "" {
				placed++
			}
			if s.class != "" && s.out {
				t.Errorf("a picture is placed and left out: %q", paths)
			}
		}
		for _, l := range a.left.list() {
			if strings.HasPrefix(l.Reason, "picture") {
				left += l.Count
			}
		}
		if placed+left != len(paths) {
			t.Errorf("%d of %d pictures are placed and %d left out: %q", placed, len(paths), left, paths)
		}
	})
}

func FuzzPartNames(f *testing.F) {
	for _, name := range []string{"train", "imagenet1k-validation-00.tar", "TestSet", "strainer", "a/partial-train/0.parquet", "train_test", "ÄVal", "x\xffval"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		p, several := partOf(name)
		if several && p != noPart {
			t.Errorf("%q: several parts, and %v", name, p)
		}
		if q, _ := partOf("-" + name + "."); q != p {
			t.Errorf("%q: %v, with separators around it %v", name, p, q)
		}
		_, _ = pathPart(name)
		_ = setName(name)
	})
}

// FuzzParquetSet opens a Parquet file as a data set.
func FuzzParquetSet(f *testing.F) {
	files, err := filepath.Glob("testdata/parquet/*.parquet")
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
		file := filepath.Join(t.TempDir(), "x.parquet")
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		openAll(t, file)
	})
}
