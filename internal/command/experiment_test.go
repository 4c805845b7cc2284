package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An experiment at its smallest size ends with a page, a table and figures, and
// again does nothing.
func TestExperiments(t *testing.T) {
	t.Chdir(t.TempDir())
	args := []string{"experiment", "run", "layers", "--preset", "smoke", "--output", "x"}
	mustRun(t, args...)
	for _, file := range []string{"layers.md", "layers.csv", "layers-mobilenetv2.svg", "trials.db"} {
		if _, err := os.Stat(filepath.Join("x", file)); err != nil {
			t.Error(err)
		}
	}
	code, out, errs := invoke(t, append(args, "--json")...)
	var r experimentResult
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Done != r.Trials || r.Done == 0 || !strings.Contains(errs, "are done") {
		t.Errorf("again: %d %s %s, %v", code, out, errs, err)
	}
	if code, _, errs := invoke(t, append(args, "--epochs", "3")...); code != exitFailure || !strings.Contains(errs, "other settings (recipe)") {
		t.Errorf("with other settings: %d %s", code, errs)
	}
	mustRun(t, "experiment", "page", "x")
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"run", "kernel"}, `unknown experiment "kernel"`},
		{[]string{"run", "kernels", "--preset", "paper"}, "--data"},
		{[]string{"page", "nowhere"}, "nowhere"},
		{[]string{"run", "kernels", "--preset", "smoke", "--network", "nothing.toml"}, "nothing.toml"},
	} {
		if code, _, errs := invoke(t, append([]string{"experiment"}, tc.args...)...); code == 0 || !strings.Contains(errs, tc.want) {
			t.Errorf("%v: %d %s", tc.args, code, errs)
		}
	}
}

// The pages of doc/experiments are what their records and tables make, to the
// byte.
func TestKeptExperiments(t *testing.T) {
	kept := filepath.Join("..", "..", "doc", "experiments")
	files, err := os.ReadDir(kept)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range files {
		if ext := filepath.Ext(f.Name()); ext == ".json" || ext == ".csv" {
			text, err := os.ReadFile(filepath.Join(kept, f.Name()))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, f.Name()), text, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	mustRun(t, "experiment", "page", dir, "--output", dir)
	made, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != len(files) || len(made) < 5 {
		t.Errorf("%d files are kept, %d are made", len(files), len(made))
	}
	for _, f := range files {
		want, err := os.ReadFile(filepath.Join(kept, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, f.Name())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("doc/experiments/%s is not what its table makes: mixnet experiment page doc/experiments --output doc/experiments (%v)", f.Name(), err)
		}
	}
}
