package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/weights"
)

// A run that was recorded in version 1 opens and goes on to the bits that it
// would have had. Its folder in testdata/version1, and the end of the same run
// left alone, were made by the program of that time, of the images of stripes
// as IDX files.
func TestVersion1(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS("testdata/version1/interrupted")); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	first := s.Epochs()[0]
	if len(s.Epochs()) != 1 || first.Get("train_top1") != 0.2708333333333333 || first.Get("top5") != 1 || !first.Best || len(first.Val) != 3 {
		t.Errorf("recorded %+v", s.Epochs())
	}
	if s.Version != recordVersion || s.Done() || s.Length() != 3 || s.Recipe.Schedule.Factor != 0 || s.Args["data"] != "data" || len(s.Model.Notes) > 0 {
		t.Errorf("record %+v, notes %v", s.Record, s.Model.Notes)
	}
	digits := []string{"0", "1", "2"}
	fit, val := stripes(50, 1), stripes(30, 2)
	fit.Names, val.Names = digits, digits
	r, err := s.Resume(Config{Train: fit, Val: val})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := ReadRecord(dir); err != nil || !again.Done || again.Version != recordVersion || again.Network != "small" {
		t.Errorf("the rest is recorded as %+v, %v", again, err)
	}
	var made struct{ Environment environment }
	text, err := os.ReadFile("testdata/version1/interrupted/config.json")
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	if err != nil {
		t.Fatal(err)
	}
	within := 0.02 // as kernels of other processors compute
	if made.Environment.Kernels == cpu.Current().String() {
		within = 1e-5 // the same but for rounding, which a release may change
	}
	compareTensors(t, filepath.Join("testdata/version1/whole", LastFile), filepath.Join(dir, LastFile), within)
}

// compareTensors compares the tensors of two files, relative to values above 1.
func compareTensors(t *testing.T, want, got string, within float64) {
	t.Helper()
	x, err := weights.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	y, err := weights.Open(got)
	if err != nil {
		t.Fatal(err)
	}
	defer y.Close()
	for _, name := range x.Names() {
		a, err := x.ReadFloats(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := y.ReadFloats(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a {
			if d := math.Abs(float64(a[i] - b[i])); !(d <= within*math.Max(1, math.Abs(float64(a[i])))) {
				t.Fatalf("%s: value %d is %g, want %g", name, i, b[i], a[i])
			}
		}
	}
}

// Nothing that was measured is missing for being 0, and records are read as
// they were written.
func TestEpochJSON(t *testing.T) {
	e := Epoch{
		Epoch: 3, Step: 18, Train: []Metric{{"train_loss", 0}, {"train_top1", 0}}, Validated: true,
		Val: []Metric{{"val_loss", 0}, {"top1", 0}, {"top5", 0.5}},
	}
	text, err := json.Marshal(e)
	want := `{"epoch":3,"step":18,"lr":0,"train_loss":0,"train_top1":0,"validated":true,"val_loss":0,"top1":0,"top5":0.5,"best":false,"seconds":0}`
	if err != nil || string(text) != want {
		t.Errorf("%s, want %s; %v", text, want, err)
	}
	var again Epoch
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if back, err := json.Marshal(again); err != nil || string(back) != want {
		t.Errorf("%s, %v", back, err)
	}
	e.Stage, e.Partial, e.Validated, e.Val = "from scratch", true, false, nil
	if text, err = json.Marshal(e); err != nil || !strings.HasPrefix(string(text), `{"stage":"from scratch","epoch":3`) || !strings.HasSuffix(string(text), `,"partial":true}`) || strings.Contains(string(text), "top5") {
		t.Errorf("%s, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"epoch":1,"run":"runs/a","top1":0.5,"classes":[{"top1":1}]}`), &again); err != nil || again.Get("top1") != 0.5 || len(again.Val) != 1 {
		t.Errorf("an object with more in it: %+v, %v", again, err)
	}
	for _, bad := range []string{`[]`, `{"epoch":"x"}`, `{"epoch":`, `3`} {
		if err := json.Unmarshal([]byte(bad), &again); err == nil {
			t.Errorf("%s is an epoch", bad)
		}
	}
	if _, err := json.Marshal(Epoch{LR: math.NaN()}); err == nil {
		t.Error("not a number is written")
	}
	for key, want := range map[string]string{"train_loss": "loss/train", "train_top1": "top1/train", "val_loss": "loss/val", "top5": "top5/val"} {
		if got := tag(key); got != want {
			t.Errorf("%s is %s in TensorBoard, want %s", key, got, want)
		}
	}
}
