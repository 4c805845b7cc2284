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

// many lists n files of each pattern, a number in place of its *.
func many(n int, patterns ...string) []string {
	var files []string
	for _, p := range patterns {
		for i := range n {
			files = append(files, strings.Replace(p, "*", fmt.Sprint(i), 1))
		}
	}
	return files
}

// counts describes the parts of a set: "train cat 3 dog 2; test cat 1".
func counts(s *Splits) string {
	var parts []string
	for _, p := range []part{trainPart, valPart, testPart} {
		d := *s.part(p)
		if d == nil {
			continue
		}
		text := p.String()
		for i, n := range ClassCounts(d) {
			if n > 0 {
				text += fmt.Sprintf(" %s %d", d.Classes()[i], n)
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// leftOutText joins what is left out.
func leftOutText(s *Splits) string {
	var lines []string
	for _, l := range s.LeftOut {
		lines = append(lines, l.String())
	}
	return strings.Join(lines, "\n")
}

// opened is a folder, or a file in it, and what Open makes of it.
type opened struct {
	name  string
	files []string
	open  string // below the root
	want  string // as counts has it; "" for an error
	says  []string
}

// checkOpened opens every case. What it says, its notes or left-outs, or the
// error where want is "", must have all of says.
func checkOpened(t *testing.T, cases []opened) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(filepath.Join(writeFiles(t, c.files...), c.open))
			if c.want == "" {
				if err == nil {
					t.Fatalf("no error: %s", counts(s))
				}
				if !errors.Is(err, ErrLayout) && !errors.Is(err, ErrLabel) && !errors.Is(err, ErrCorrupt) {
					t.Errorf("error of no kind: %v", err)
				}
				checkSays(t, err.Error(), c.says)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := counts(s); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			checkSays(t, leftOutText(s)+"\n"+strings.Join(s.Notes, "\n"), c.says)
		})
	}
}

func checkSays(t *testing.T, text string, says []string) {
	t.Helper()
	for _, want := range says {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

// TestRunFolders has the program's own runs in a data set: they are no class.
func TestRunFolders(t *testing.T) {
	run := []string{"runs/mixnet_tiny-1/config.json", "runs/mixnet_tiny-1/metrics.jsonl", "runs/mixnet_tiny-1/accuracy.png", "runs/mixnet_tiny-1/samples/x.png"}
	set := many(2, "train/cat/*.jpg", "train/dog/*.jpg", "val/cat/*.jpg")
	classes := many(2, "cat/*.jpg", "dog/*.jpg")
	checkOpened(t, []opened{
		{name: "beside parts", files: slices.Concat(set, run), want: "train cat 2 dog 2; val cat 2", says: []string{"folder of training runs (runs)"}},
		{name: "beside classes", files: slices.Concat(classes, run), want: "train cat 2 dog 2", says: []string{"folder of training runs (runs)"}},
		{name: "a plot among the runs", files: slices.Concat(classes, run, []string{"runs/all.png"}), want: "train cat 2 dog 2"},
		{name: "another name", files: slices.Concat(classes, []string{"out/last.safetensors", "out/config.json", "out/loss.png"}), want: "train cat 2 dog 2", says: []string{"folder of training runs (out)"}},
		{name: "within a class", files: slices.Concat(classes, []string{"cat/out/best.safetensors", "cat/out/config.json", "cat/out/loss.png"}), want: "train cat 2 dog 2"},
		{name: "no picture in it", files: slices.Concat(classes, []string{"exp/tuned/finetune.json", "exp/tuned/notes.txt"}), want: "train cat 2 dog 2", says: []string{"(exp/tuned)"}},
		{name: "runs that have just begun", files: append(slices.Clone(classes), "runs/a-1/.lock", "runs/a-2/.lock"), want: "train cat 2 dog 2"},
		{name: "a class named so", files: many(2, "cat/*.jpg", "runs/*.jpg"), want: "train cat 2 runs 2"},
		{name: "a class with a settings file", files: slices.Concat(classes, []string{"cat/config.json"}), want: "train cat 2 dog 2"},
	})
}

// TestStrayArchives has archives and tables beside class folders.
func TestStrayArchives(t *testing.T) {
	stray := string(tarOf(t, many(3, "x/*.jpg", "y/*.jpg")...))
	shard := string(tarOf(t, "0.jpg", "0.cls=7", "1.jpg", "1.cls=8"))
	set := many(2, "train/cat/*.jpg", "train/dog/*.jpg", "val/dog/*.jpg")
	classes := many(2, "cat/*.jpg", "dog/*.jpg")
	checkOpened(t, []opened{
		{name: "beside parts", files: slices.Concat(set, []string{"old.tar=" + stray}), want: "train cat 2 dog 2; val dog 2", says: []string{"old.tar"}},
		{name: "ImageNet's root", files: slices.Concat(set, []string{"ILSVRC2012_img_val.tar=" + stray, "ILSVRC2012_img_train.tar=" + stray, "ILSVRC2012_devkit_t12.tar.gz"}), want: "train cat 2 dog 2; val dog 2", says: []string{"ILSVRC2012_img_val.tar", "1 × compressed archive"}},
		{name: "beside classes", files: slices.Concat(classes, []string{"old.tar=" + stray}), want: "train cat 2 dog 2", says: []string{"old.tar"}},
		{name: "a table beside classes", files: slices.Concat(classes, []string{"all.parquet"}), want: "train cat 2 dog 2", says: []string{"all.parquet"}},
		{name: "in a folder of their own", files: slices.Concat(set, []string{"backup/old.tar=" + stray}), want: "train cat 2 dog 2; val dog 2", says: []string{"backup/old.tar"}},
		{name: "shards of parts beside classes", files: slices.Concat(classes, []string{"train-0.tar=" + shard, "val-0.tar=" + shard}), says: []string{"2 tar archives", "4 pictures in folders"}},
		{name: "a picture beside shards", files: []string{"preview.jpg", "train-0.tar=" + shard}, want: "train 7 1 8 1", says: []string{"preview.jpg"}},
		{name: "a folder of pictures beside shards", files: append(many(3, "assets/*.jpg"), "train-0.tar="+shard), want: "train 7 1 8 1", says: []string{"3 × picture beside"}},
		{name: "archives of both kinds", files: []string{"train-0.tar=" + shard, "train-0.parquet"}, says: []string{"1 tar archives", "1 Parquet files"}},
		{name: "compressed shards", files: []string{"train-0.tar.gz", "val-0.tar.gz"}, says: []string{"2 × compressed archive", "train-0.tar.gz"}},
		{name: "no picture at all", files: many(4, "cat/*.heic", "dog/*.heic"), says: []string{"8 × no picture: .heic"}},
	})
}

// TestPartFolders has the widespread ways to name parts.
func TestPartFolders(t *testing.T) {
	checkOpened(t, []opened{
		{name: "training_set, test_set", files: many(2, "training_set/training_set/cat/*.jpg", "training_set/training_set/dog/*.jpg", "test_set/test_set/cat/*.jpg"), want: "train cat 2 dog 2; test cat 2", says: []string{"train is in training_set", "test is in test_set"}},
		{name: "seg_train, seg_test, seg_pred", files: many(2, "seg_train/seg_train/sea/*.jpg", "seg_train/seg_train/forest/*.jpg", "seg_test/seg_test/sea/*.jpg", "seg_pred/seg_pred/*.jpg"), want: "train forest 2 sea 2; test sea 2", says: []string{"2 × picture in a folder beside the parts, seg_pred"}},
		{name: "joined words", files: many(1, "trainset/a/*.jpg", "trainset/b/*.jpg", "testset/b/*.jpg", "ValidationImages/a/*.jpg"), want: "train a 1 b 1; val a 1; test b 1"},
		{name: "capitals and years", files: many(1, "TRAIN2017/a/*.jpg", "TRAIN2017/b/*.jpg", "Eval-2017/b/*.jpg", "my dev data/a/*.jpg"), want: "train a 1 b 1; val a 1; test b 1"},
		{name: "images within parts", files: many(1, "train/images/a/*.jpg", "train/images/b/*.jpg", "val/images/b/*.jpg"), want: "train a 1 b 1; val b 1"},
		{name: "the same folder within parts", files: many(1, "train/xrays/a/*.jpg", "train/xrays/b/*.jpg", "val/xrays/b/*.jpg"), want: "train a 1 b 1; val b 1"},
		{name: "a part without classes", files: many(2, "train/a/*.jpg", "train/b/*.jpg", "test/*.jpg"), want: "train a 2 b 2", says: []string{"2 × picture of the part test, which has no class folders"}},
		{name: "a part without classes, nested", files: many(2, "train/a/*.jpg", "train/b/*.jpg", "test/test/*.jpg"), want: "train a 2 b 2", says: []string{"2 × picture of the part test"}},
		{name: "an empty part", files: append(many(2, "train/a/*.jpg", "train/b/*.jpg"), "test/readme.md"), want: "train a 2 b 2", says: []string{"without a picture (test)"}},
		{name: "folders beside parts", files: many(2, "set/train/a/*.jpg", "set/train/b/*.jpg", "set/val/a/*.jpg", "set/extra/a/*.jpg"), want: "train a 2 b 2; val a 2", says: []string{"2 × picture in a folder beside the parts, extra"}},
		{name: "an enclosing folder with a part's word", files: many(1, "train_test_2020/train/a/*.jpg", "train_test_2020/train/b/*.jpg", "train_test_2020/test/a/*.jpg"), want: "train a 1 b 1; test a 1"},
		{name: "an enclosing folder named as a part", files: many(1, "test-data/train/a/*.jpg", "test-data/train/b/*.jpg", "test-data/val/a/*.jpg"), want: "train a 1 b 1; val a 1"},
		{name: "a class named train", files: many(2, "bus/*.jpg", "car/*.jpg", "train/*.jpg"), want: "train bus 2 car 2 train 2", says: []string{"train is read as a class"}},
		{name: "a class named train within parts", files: many(1, "train/bus/*.jpg", "train/train/*.jpg", "test/bus/*.jpg", "test/train/*.jpg"), want: "train bus 1 train 1; test bus 1 train 1"},
		{name: "pictures named after parts", files: []string{"cat/train.jpg", "cat/test.jpg", "dog/val-1.jpg", "dog/x.jpg"}, want: "train cat 2 dog 2"},
		{name: "words within words", files: many(1, "strainers/*.jpg", "contest/*.jpg", "values/*.jpg", "devices/*.jpg"), want: "train contest 1 devices 1 strainers 1 values 1"},
		{name: "parts within classes", files: many(1, "cat/train/*.jpg", "cat/test/*.jpg", "dog/train/*.jpg", "dog/test/*.jpg"), want: "train cat 1 dog 1; test cat 1 dog 1", says: []string{"within the classes: test, train"}},
		{name: "a loose picture beside an enclosing folder", files: append(many(2, "set/a/*.jpg", "set/b/*.jpg"), "grid.png"), want: "train a 2 b 2", says: []string{"1 × picture outside class folders (grid.png)"}},
		{name: "folders of the system", files: append(many(1, "a/*.jpg", "b/*.jpg"), "__MACOSX/a/._0.jpg", "a/.ipynb_checkpoints/0.jpg", "a/Thumbs.db"), want: "train a 1 b 1", says: []string{"hidden or of the system"}},
		{name: "two parts without classes beside a class", files: many(1, "train/*.jpg", "test/*.jpg", "sample/*.jpg"), says: []string{"test, train", "sample"}},
		{name: "parts without classes", files: many(2, "train/*.jpg", "test/*.jpg"), says: []string{"4 pictures but no class folders"}},
		{name: "one part beside other folders", files: many(1, "train/a/*.jpg", "train/b/*.jpg", "unknown/a/*.jpg"), says: []string{"train may be a part", "unknown"}},
		{name: "only some classes have parts", files: many(1, "cat/train/*.jpg", "cat/test/*.jpg", "dog/*.jpg"), says: []string{"cat/"}},
		{name: "sets of the same classes", files: many(1, "amazon/bike/*.jpg", "amazon/mug/*.jpg", "dslr/bike/*.jpg", "dslr/mug/*.jpg"), says: []string{"amazon, dslr", "bike, mug"}},
		{name: "parts in a part", files: many(1, "train/train/a/*.jpg", "train/val/a/*.jpg", "test/a/*.jpg", "test/b/*.jpg"), says: []string{"train may be a part", "val"}},
		{name: "a test part in a folder unknown", files: many(2, "train/a/*.jpg", "train/b/*.jpg", "test/unknown/*.jpg"), want: "train a 2 b 2", says: []string{"2 × picture of the part test, which has no classes but a folder unknown"}},
		{name: "a class unknown", files: many(2, "train/a/*.jpg", "train/unknown/*.jpg", "test/unknown/*.jpg"), want: "train a 2 unknown 2; test unknown 2"},
		{name: "a test part of one class", files: many(2, "train/a/*.jpg", "train/b/*.jpg", "test/b/*.jpg"), want: "train a 2 b 2; test b 2"},
		{name: "classes of one part's word", files: many(2, "test positive/*.jpg", "test negative/*.jpg"), says: []string{"test negative, test positive may be classes", "part test"}},
		{name: "mostly loose pictures", files: append(many(9, "*.jpg"), "thumbs/1.jpg"), says: []string{"no class folders"}},
		{name: "flat pictures with a list", files: append(many(3, "train/*.jpg"), "train.csv"), says: []string{"no class folders", "train.csv"}},
		{name: "an unknown class in a part", files: many(1, "train/a/*.jpg", "train/b/*.jpg", "test/c/*.jpg"), says: []string{`class "c"`, "training part lacks"}},
	})
}

// TestExtensions has pictures of all formats, and files that are none.
func TestExtensions(t *testing.T) {
	files := many(1, "a/*.jpg", "a/*.JPEG", "a/*.jpe", "a/*.jfif", "a/*.png", "a/*.webp", "b/*.gif", "b/*.bmp", "b/*.tif", "b/*.TIFF", "b/*.ppm", "b/*.pgm")
	checkOpened(t, []opened{
		{name: "all", files: append(files, "a/x.heic", "a/y.heic", "b/z.avif", "b/labels.txt", "b/LICENSE"), want: "train a 6 b 6", says: []string{"2 × no picture: .heic (a/x.heic, a/y.heic)", "1 × no picture: .avif", "1 × no picture: .txt", "no picture: no extension"}},
	})
}

// TestPartFiles has parts in the names of shards and of their folders.
func TestPartFiles(t *testing.T) {
	shard := func(labels ...string) string {
		var files []string
		for i, l := range labels {
			files = append(files, fmt.Sprintf("%d.jpg", i), fmt.Sprintf("%d.cls=%s", i, l))
		}
		return string(tarOf(t, files...))
	}
	folders := func(files ...string) string { return string(tarOf(t, files...)) }
	checkOpened(t, []opened{
		{name: "imagenet1k-train, -validation", files: []string{"imagenet1k-train-0000.tar=" + shard("0", "1"), "imagenet1k-train-0001.tar=" + shard("1"), "imagenet1k-validation-00.tar=" + shard("0")}, want: "train 0 1 1 2; val 0 1"},
		{name: "in folders", files: []string{"train/0.tar=" + shard("0", "1"), "val/0.tar=" + shard("1")}, want: "train 0 1 1 1; val 1 1"},
		{name: "in partial-train", files: []string{"default/partial-train/0000.tar=" + shard("0", "1"), "default/partial-test/0000.tar=" + shard("1")}, want: "train 0 1 1 1; test 1 1"},
		{name: "below a folder with a part's word", files: []string{"test-sets/train-0.tar=" + shard("0", "1"), "test-sets/val-0.tar=" + shard("1")}, want: "train 0 1 1 1; val 1 1"},
		{name: "class folders in archives of parts", files: []string{"train.tar=" + folders("cat/1.jpg", "dog/1.jpg"), "val.tar=" + folders("cat/2.jpg")}, want: "train cat 1 dog 1; val cat 1"},
		{name: "parts in an archive of another name", files: []string{"test-set.tar=" + folders("train/a/1.jpg", "train/b/1.jpg", "val/a/2.jpg")}, want: "train a 1 b 1; val a 1"},
		{name: "an archive without pictures", files: []string{"train-0.tar=" + shard("0", "1"), "val-0.tar=" + shard("1"), "meta.tar=" + folders("x.mat")}, want: "train 0 1 1 1; val 1 1", says: []string{"archive without pictures"}},
		{name: "a part without labels", files: []string{"train-0.tar=" + shard("0", "1"), "test-0.tar=" + folders("0.jpg", "1.jpg", "0.json={}")}, want: "train 0 1 1 1", says: []string{"2 × picture of the part test, which has no labels"}},
		{name: "a part of label -1", files: []string{"train-0.tar=" + shard("0", "1"), "test-0.tar=" + shard("-1", "-1")}, want: "train 0 1 1 1", says: []string{"2 × picture of the part test, which has no labels"}},
		{name: "one name says no part", files: []string{"train-0.tar=" + shard("0"), "old_subset.tar=" + shard("1")}, says: []string{"train-0.tar", "old_subset.tar"}},
		{name: "a name of two parts", files: []string{"train-and-test.tar=" + shard("0"), "val.tar=" + shard("1")}, says: []string{"train-and-test.tar"}},
		{name: "two sets", files: []string{"pets_train.tar=" + shard("0"), "pets_test.tar=" + shard("0"), "food_train.tar=" + shard("0"), "food_test.tar=" + shard("0")}, says: []string{"pets_t", "food_t"}},
		{name: "two sets of training shards", files: []string{"pets/train-0.tar=" + shard("0"), "food/train-0.tar=" + shard("0")}, says: []string{"pets", "food"}},
		{name: "shards in numbered folders", files: []string{"000/train-0.tar=" + shard("0", "1"), "001/train-0.tar=" + shard("0")}, want: "train 0 2 1 1"},
		{name: "the archive and the folder disagree", files: []string{"val.tar=" + folders("train/a/1.jpg", "test/a/2.jpg"), "test.tar=" + folders("train/a/3.jpg", "train/b/1.jpg")}, says: []string{"val.tar:test/a/2.jpg"}},
	})
}

// TestWebDatasetLabels has labels whose file is not plain to find.
func TestWebDatasetLabels(t *testing.T) {
	open := func(files ...string) []string { return []string{"train-0.tar=" + string(tarOf(t, files...))} }
	var captions []string
	for i := range 12 {
		captions = append(captions, fmt.Sprintf("%d.jpg", i), fmt.Sprintf("%d.txt=picture number %d", i, i))
	}
	checkOpened(t, []opened{
		{name: "names with dots", files: open("IMG.2024.0.jpg", "IMG.2024.0.cls=0", "IMG.2024.1.jpg", "IMG.2024.1.cls=1", "IMG.2024.2.jpg", "IMG.2024.2.cls=2"), want: "train 0 1 1 1 2 1"},
		{name: "names with dots, labels first", files: open("v1.0.cls=a", "v1.1.cls=b", "v1.0.png", "v1.1.png"), want: "train a 1 b 1"},
		{name: "two extensions", files: open("0.input.jpg", "0.outputs.txt=cat", "1.input.jpg", "1.outputs.txt=dog"), want: "train cat 1 dog 1"},
		{name: "caption last", files: open("0.jpg", `0.json={"label":1}`, "0.txt=a cat", "1.jpg", `1.json={"label":0}`, "1.txt=a dog"), want: "train 0 1 1 1"},
		{name: "caption first", files: open("0.txt=a cat", `0.json={"label":1}`, "0.jpg", "1.jpg", "1.txt=a dog", `1.json={"label":0}`), want: "train 0 1 1 1"},
		{name: "class before the others", files: open("0.txt=x", `0.json={"label":5}`, "0.cls=3", "0.jpg", "1.jpg", "1.cls=4"), want: "train 3 1 4 1"},
		{name: "null", files: open("0.jpg", `0.json={"label":null}`, "0.cls=3", "1.jpg", `1.json={"label":null,"class":"4"}`), want: "train 3 1 4 1"},
		{name: "capitals and index", files: open("0.JPG", "0.CLS=3", "1.jpg", "1.index=4"), want: "train 3 1 4 1"},
		{name: "texts alone", files: open("0.jpg", "0.txt=cat", "1.jpg", "1.txt=dog", "2.jpg", "2.txt=cat"), want: "train cat 2 dog 1"},
		{name: "a second picture", files: open("0.jpg", "0.mask.png", "0.cls=3", "1.jpg", "1.mask.png", "1.cls=4"), want: "train 3 1 4 1", says: []string{"2 × further picture of a sample (0.mask.png, 1.mask.png)"}},
		{name: "folders in a shard", files: open("a/0.jpg", "a/0.cls=3", "b/0.jpg", "b/0.cls=4"), want: "train 3 1 4 1"},
		{name: "class folders with metadata", files: open("a/0.jpg", `a/0.json={"width":3}`, "b/0.jpg", `b/0.json={"width":4}`), want: "train a 1 b 1"},
		{name: "a missing label", files: open("0.jpg", `0.json={"label":null}`, "1.jpg", `1.json={"label":2}`), says: []string{"0.jpg has no label"}},
		{name: "numbers with a point", files: open("0.jpg", `0.json={"label":10.0}`, "1.jpg", `1.json={"label":2.0}`), want: "train 2 1 10 1"},
		{name: "labels of another name", files: open("0.jpg", `0.json={"y":1}`, "1.jpg", `1.json={"y":0}`), says: []string{"hold no label", "member label"}},
		{name: "labels of another kind", files: open("0.jpg", "0.label=1", "1.jpg", "1.label=0"), says: []string{"no picture: .label (0.label, 1.label)"}},
		{name: "captions alone", files: open(captions...), says: []string{"captions are no labels", "picture number"}},
		{name: "class folders with texts", files: open("a/0.jpg", "a/0.txt=x", "b/0.jpg", "b/0.txt=y"), says: []string{"folders a, b", "texts"}},
		{name: "two labels", files: open("0.in.jpg", "0.a.cls=3", "0.b.cls=4"), says: []string{"0.a.cls", "0.b.cls"}},
		{name: "two pictures", files: open("0.a.jpg", "0.b.jpg", "0.cls=4"), says: []string{"0.a.jpg", "0.b.jpg", "0.cls"}},
	})
}

// tarEntry is a member of an archive other than a plain file.
func tarEntry(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := "<" + h.Name + ">"
		if h.Typeflag == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(content))
		}
		h.Mode = 0o644
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTarMembers has members that are not plain files of plain names.
func TestTarMembers(t *testing.T) {
	file := func(name string) tar.Header { return tar.Header{Name: name} }
	hard := func(name, to string) tar.Header {
		return tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeLink}
	}
	soft := func(name, to string) tar.Header {
		return tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink}
	}
	archive := func(h ...tar.Header) []string { return []string{"x.tar=" + tarEntry(t, h...)} }
	cat, dog := file("cat/0.jpg"), file("dog/0.jpg")
	checkOpened(t, []opened{
		{name: "hard links", files: archive(cat, dog, hard("bird/0.jpg", "cat/0.jpg"), hard("bird/1.jpg", "./dog/0.jpg")), open: "x.tar", want: "train bird 2 cat 1 dog 1"},
		{name: "symbolic links", files: archive(soft("bird/0.jpg", "../cat/0.jpg"), cat, dog, soft("bird/1.jpg", "0.jpg")), open: "x.tar", want: "train bird 2 cat 1 dog 1"},
		{name: "a link to a folder", files: archive(soft("bird", "cat"), cat, dog), open: "x.tar", want: "train bird 1 cat 1 dog 1"},
		{name: "a link through a link", files: archive(soft("a", "cat"), soft("bird/0.jpg", "../a/0.jpg"), cat, dog), open: "x.tar", want: "train a 1 bird 1 cat 1 dog 1"},
		{name: "absolute names", files: archive(file("/data/set/cat/0.jpg"), file("/data/set/dog/0.jpg"), hard("/data/set/bird/0.jpg", "/data/set/cat/0.jpg")), open: "x.tar", want: "train bird 1 cat 1 dog 1"},
		{name: "names above the root", files: archive(file("../../cat/0.jpg"), file("./dog/0.jpg")), open: "x.tar", want: "train cat 1 dog 1"},
		{name: "a link to nothing", files: archive(cat, dog, soft("bird/0.jpg", "../emu/0.jpg"), hard("emu/0.jpg", "bird/9.jpg")), open: "x.tar", want: "train cat 1 dog 1", says: []string{"2 × link to nothing"}},
		{name: "links in a circle", files: archive(cat, dog, soft("a", "b"), soft("b", "a"), soft("cat/up", "../cat")), open: "x.tar", want: "train cat 1 dog 1", says: []string{"link to nothing"}},
		{name: "the last of a name", files: archive(cat, dog, cat, file("./cat/0.jpg")), open: "x.tar", want: "train cat 1 dog 1", says: []string{"2 × earlier file of the same name"}},
		{name: "a pipe", files: archive(cat, dog, tar.Header{Name: "emu/0.jpg", Typeflag: tar.TypeFifo}), open: "x.tar", want: "train cat 1 dog 1", says: []string{"no regular file (emu/0.jpg)"}},
	})
}

// TestTarWithoutEnd cuts an archive between two files.
func TestTarWithoutEnd(t *testing.T) {
	whole := string(tarOf(t, "cat/0.jpg", "dog/0.jpg", "dog/1.jpg"))
	const member, end = 1024, 1024
	for n, c := range map[int]struct {
		want string
		says []string
	}{
		len(whole):                {"train cat 1 dog 2", nil},
		len(whole) - end:          {"train cat 1 dog 2", []string{"x.tar has no mark at its end"}},
		len(whole) - end - member: {"train cat 1 dog 1", []string{"x.tar has no mark at its end"}},
	} {
		checkOpened(t, []opened{{name: fmt.Sprint(n), files: []string{"x.tar=" + whole[:n]}, open: "x.tar", want: c.want, says: c.says}})
	}
}

// TestSparseTar has a file that GNU tar has stored without its holes.
func TestSparseTar(t *testing.T) {
	header := make([]byte, 512)
	copy(header, "dog/0.jpg")
	copy(header[100:], "0000644\x000000000\x000000000\x00")
	copy(header[124:], "00000000000\x0000000000000\x00")
	header[156] = tar.TypeGNUSparse
	copy(header[257:], "ustar  \x00")
	copy(header[483:], "00000010000\x00") // its real size
	sum := 8 * int(' ')
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
	file := filepath.Join(t.TempDir(), "x.tar")
	if err := os.WriteFile(file, append(header, make([]byte, 1024)...), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); !errors.Is(err, ErrLayout) || !strings.Contains(err.Error(), "dog/0.jpg is stored as a sparse file") {
		t.Errorf("error %v", err)
	}
}
