package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// boxSet writes a data set in YOLO's layout: two pictures with cats and a dog,
// one of whose boxes has no area.
func boxSet(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"images", "labels"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	noiseFile(t, filepath.Join(dir, "images", "a.png"), 40, 20)
	noiseFile(t, filepath.Join(dir, "images", "b.png"), 20, 20)
	for name, text := range map[string]string{
		"data.yaml":    "train: images\nnames: [cat, dog]\n",
		"labels/a.txt": "0 0.5 0.5 0.25 0.5\n1 0.25 0.5 0.5 1\n0 0.5 0.5 0 0.5\n",
		"labels/b.txt": "0 0.5 0.5 1 1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A data set of boxes is written in another layout and back; what is wrong with
// it and what is lost is told.
func TestConvertBoxes(t *testing.T) {
	set, dir := boxSet(t), t.TempDir()
	coco, yolo := filepath.Join(dir, "coco"), filepath.Join(dir, "yolo")
	code, out, errs := invoke(t, "convert", set, "--as", "coco", "-o", coco)
	if code != exitOK || !strings.Contains(out, "3 boxes of 2 pictures, boxes as YOLO's") || !strings.Contains(errs, "box of zero area: 1") || !strings.Contains(errs, "a.txt:3") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	code, _, errs = invoke(t, "convert", coco, "--as", "yolo", "-o", yolo)
	if code != exitOK || !strings.Contains(errs, "yolo cannot say: 2 numbers of categories") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	labels, err := os.ReadFile(filepath.Join(yolo, "labels", "train", "a.txt"))
	if err != nil || string(labels) != "0 0.5 0.5 0.25 0.5\n1 0.25 0.5 0.5 1\n" {
		t.Errorf("labels %q, %v", labels, err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{set, "--as", "voc"}, exitUsage, "--output"},
		{[]string{set, "--as", "voc", "-o", yolo, "--resize", "9"}, exitUsage, "--resize"},
		{[]string{set, "--as", "voc", "-o", yolo}, exitFailure, "not empty"},
		{[]string{dir + "/none", "--as", "voc", "-o", filepath.Join(dir, "x")}, exitFailure, "none"},
		{[]string{t.TempDir(), "--as", "voc", "-o", filepath.Join(dir, "x")}, exitFailure, "no labelled boxes"},
	} {
		if code, _, errs := invoke(t, append([]string{"convert"}, c.args...)...); code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit code %d: %s", c.args, code, errs)
		}
	}
}
