package command

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExport(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "fashion.onnx")
	if out := mustRun(t, "export", "fashion", "-o", file); !strings.Contains(out, "10 classes, opset 17, any number of images of 28×28") {
		t.Errorf("export says %q", out)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"mixnet.preprocess", "mixnet.classes", "BatchNormalization"} {
		if has := strings.Contains(string(written), want); has != (want != "BatchNormalization") {
			t.Errorf("the file has %q: %v", want, has)
		}
	}
	saved := filepath.Join(dir, "fashion.safetensors")
	mustRun(t, "convert", file, saved)
	accuracy := func(name string) any {
		var r struct{ Top1 any }
		if err := json.Unmarshal([]byte(mustRun(t, "eval", "--model", name, "--json")), &r); err != nil {
			t.Fatal(err)
		}
		return r.Top1
	}
	for _, name := range []string{file, saved} {
		if got, want := accuracy(name), accuracy("fashion"); got != want || got == nil {
			t.Errorf("%s: top-1 %v, want %v", name, got, want)
		}
	}
	if got, want := mustRun(t, "info", file), mustRun(t, "info", "mixnet_tiny@width=2"); !strings.Contains(got, "244,054 parameters") || strings.Count(got, "mixconv") != strings.Count(want, "mixconv") {
		t.Errorf("info says\n%s", got)
	}
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"export", file, "-o", file}, exitUsage, "overwritten"},
		{[]string{"export", "fashion", "-o", filepath.Join(dir, "x.pb")}, exitUsage, "must end in .onnx"},
		{[]string{"export", "fashion", "-o", file, "--opset", "12"}, exitUsage, "13 to 20"},
		{[]string{"export", "fashion", "-o", file, "--outputs", "boxes"}, exitFailure, `no output "boxes"`},
	} {
		if code, _, errs := invoke(t, tc.args...); code != tc.code || !strings.Contains(errs, tc.want) {
			t.Errorf("%v: code %d, %s", tc.args, code, errs)
		}
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(written) {
		t.Errorf("a failed export changed the file (%v)", err)
	}
}

// A network that finds objects is written with its raw results, which are read
// again, or with boxes, which are not.
func TestExportDetector(t *testing.T) {
	dir := t.TempDir()
	photo := filepath.Join("..", "..", "pretrained", "photo", "testdata", "parrot.jpg")
	raw, boxes := filepath.Join(dir, "raw.onnx"), filepath.Join(dir, "boxes.onnx")
	if out := mustRun(t, "export", "person", "-o", raw); !strings.Contains(out, "1 classes, opset 17, any number of images of 300×300") {
		t.Errorf("export says %q", out)
	}
	found := func(args ...string) []detection {
		var all []detection
		if err := json.Unmarshal([]byte(mustRun(t, append([]string{"detect", "--json", "--score", "0", "--max", "5", photo}, args...)...)), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	want, got := found(), found("--model", raw)
	if len(want[0].Objects) == 0 || len(got[0].Objects) != len(want[0].Objects) || math.Abs(got[0].Objects[0].X1-want[0].Objects[0].X1) > 0.1 {
		t.Errorf("found %+v, want %+v", got[0].Found, want[0].Found)
	}
	var out exported
	if err := json.Unmarshal([]byte(mustRun(t, "export", "person", "-o", boxes, "--nms", "--json")), &out); err != nil {
		t.Fatal(err)
	}
	if strings.Join(out.Outputs, " ") != "boxes scores classes" || out.Batch != 1 || out.Classes != 1 {
		t.Errorf("%+v", out)
	}
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"detect", "--model", boxes, photo}, exitFailure, "not supported"},
		{[]string{"export", "fashion", "-o", boxes, "--nms"}, exitFailure, "finds no objects"},
		{[]string{"export", "person", "-o", boxes, "--score", "0.1"}, exitUsage, "with --nms"},
		{[]string{"export", "person", "-o", boxes, "--nms", "--batch", "2"}, exitUsage, "one image"},
		{[]string{"export", "person", "-o", boxes, "--nms", "--score", "1"}, exitUsage, "--score"},
	} {
		if code, _, errs := invoke(t, tc.args...); code != tc.code || !strings.Contains(errs, tc.want) {
			t.Errorf("%v: code %d, %s", tc.args, code, errs)
		}
	}
}
