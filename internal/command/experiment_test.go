package command

import (
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
