package command

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// Runs of several seeds are one row with their mean and spread; a run that was
// stopped shows what it has reached.
func TestRunGroups(t *testing.T) {
	root, images := t.TempDir(), pictures(t, t.TempDir(), []string{"train", "val"}, 2, 6, 28, 28)
	begin := func(name string, args ...string) {
		mustRun(t, append([]string{"train", "--data", images, "-b", "4", "--output", filepath.Join(root, name), "--json"}, args...)...)
	}
	begin("a", "--epochs", "1", "--seed", "1")
	begin("b", "--epochs", "1", "--seed", "2")
	begin("c", "--epochs", "1", "--seed", "2", "--lr", "0.01")
	begin("d", "--epochs", "9", "--max-steps", "2")

	var all []runSummary
	if err := json.Unmarshal([]byte(mustRun(t, "runs", "--dir", root, "--json")), &all); err != nil {
		t.Fatal(err)
	}
	if d := all[3]; d.Done || d.State != "stopped in epoch 1" || d.Top1 == nil || d.Split != "val" || d.Seconds <= 0 {
		t.Errorf("a run that was stopped: %+v", d)
	}
	var groups []seedGroup
	if err := json.Unmarshal([]byte(mustRun(t, "runs", "--dir", root, "--groups", "--json")), &groups); err != nil {
		t.Fatal(err)
	}
	if len(groups) != 1 || len(groups[0].Runs) != 2 || groups[0].Seeds[0] != 1 || groups[0].Seeds[1] != 2 || groups[0].Top1[0] != *all[0].Top1 {
		t.Errorf("groups %+v", groups)
	}
	for _, out := range []string{mustRun(t, "runs", "--dir", root), mustRun(t, "runs", "--dir", root, "--groups")} {
		if !strings.Contains(out, " ± ") || !strings.Contains(out, "1 2") {
			t.Errorf("no mean and spread:\n%s", out)
		}
	}
	if mean, sd := meanSD([]float64{2, 4, 4, 4, 5, 5, 7, 9}); mean != 5 || math.Abs(sd-math.Sqrt(32.0/7)) > 1e-12 {
		t.Errorf("%g ± %g", mean, sd)
	}
	if code, out, errs := invoke(t, "runs", filepath.Join(root, "nothere")); code != exitFailure || !strings.Contains(errs, "1 of 1 run") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
