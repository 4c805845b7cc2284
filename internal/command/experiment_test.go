package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/nas/store"
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

// Transferring that is killed goes on, and no finished trial is done again.
func TestExperimentKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	args := []string{"experiment", "run", "transfer", "--preset", "smoke", "--output", "x", "--workers", "1"}
	cmd, _, _ := start(t, dir, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "x", "trials.db")
	trials := func() []store.Trial {
		db, err := store.Open(t.Context(), file, true)
		if err != nil {
			return nil
		}
		defer db.Close()
		all, _ := db.Trials(t.Context())
		return all
	}
	done := func() (numbers []int) {
		for _, tr := range trials() {
			if tr.State == store.Done {
				numbers = append(numbers, tr.Number)
			}
		}
		return numbers
	}
	for until := time.Now().Add(time.Minute); len(done()) < 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("no two trials are done after a minute")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	before := done()
	db, err := store.Open(t.Context(), file, false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, tr := range trials() {
		if tr.State == store.Running { // as if its lease had run out
			if err := db.Release(t.Context(), tr.Number, tr.Worker); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Chdir(dir)
	mustRun(t, args...)
	all := trials()
	if len(all) != 6 || len(done()) != 6 {
		t.Fatalf("%d of %d trials are done", len(done()), len(all))
	}
	for _, tr := range all {
		if slices.Contains(before, tr.Number) && tr.Attempts != 1 {
			t.Errorf("trial %d was done before and begun again", tr.Number)
		}
	}
	if text, err := os.ReadFile(filepath.Join("x", "transfer.md")); err != nil || !strings.Contains(string(text), "Ranking of methods") {
		t.Error(err)
	}
}

// Table 2 is written without images; with some the built-in weights are judged,
// and weights without images are not understood.
func TestExperimentImageNet(t *testing.T) {
	t.Chdir(t.TempDir())
	mustRun(t, "experiment", "run", "imagenet", "--preset", "smoke", "--output", "x")
	text, err := os.ReadFile(filepath.Join("x", "imagenet.md"))
	if err != nil || !strings.Contains(string(text), "Nothing was evaluated") || !strings.Contains(string(text), "5,014,382") {
		t.Errorf("%v: %s", err, text)
	}
	for i, class := range []string{"n01440764", "n01443537"} { // tench, goldfish
		writePicture(t, filepath.Join("val", class, "a.png"), i)
	}
	args := []string{"experiment", "run", "imagenet", "--preset", "smoke", "--data", "val", "--output", "y"}
	mustRun(t, args...)
	code, out, errs := invoke(t, append(args, "--json")...)
	var r experimentResult
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Done != 1 || r.Trials != 1 {
		t.Errorf("%d %s %s, %v", code, out, errs, err)
	}
	for _, extra := range [][]string{{"--weights", "photo"}, {"--epochs", "2"}} {
		if code, _, errs := invoke(t, append([]string{"experiment", "run", "imagenet"}, extra...)...); code != exitUsage {
			t.Errorf("%v: %d %s", extra, code, errs)
		}
	}
}

// The page names all that was asked for, so that its command makes it again, and
// a network of one's own stands in the figure.
func TestExperimentCommandLine(t *testing.T) {
	t.Chdir(t.TempDir())
	images := pictures(t, "images", []string{"train", "test"}, 2, 10, 28, 28)
	if err := os.WriteFile("mine.toml", []byte(mustRun(t, "info", "mixnet_tiny@width=0.25", "--toml")), 0o666); err != nil {
		t.Fatal(err)
	}
	args := []string{"experiment", "run", "layers", "--preset", "smoke", "--data", images, "--network", "mine.toml", "--seeds", "1", "--epochs", "2", "--seed", "7", "--set", "batch=10", "--set", "optimizer.weight_decay=0.1"}
	mustRun(t, append(args, "--output", "x")...)
	page, err := os.ReadFile(filepath.Join("x", "layers.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nmixnet " + strings.Join(args, " ") + "\n", "2 epochs", "batch 10", "Left out of the paper's:", "| your own | mixnet_tiny"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	for _, args := range [][]string{{"architectures", "--seeds", "2"}, {"layers", "--lease", "1ms"}, {"layers", "--preset", "smoke", "--set", "epochs=2", "--epochs", "3"}} {
		if code, _, errs := invoke(t, append([]string{"experiment", "run"}, args...)...); code == exitOK {
			t.Errorf("%v is no error: %s", args, errs)
		}
	}
	if err := os.WriteFile(filepath.Join("x", "README.md"), []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, "experiment", "page", "x", "--output", "x"); code != exitFailure || !strings.Contains(errs, "no list of experiments") {
		t.Errorf("over a README.md of somebody's: %d %s", code, errs)
	}
}

func TestPortable(t *testing.T) {
	root := t.TempDir()
	for arg, want := range map[string]string{
		"pets=" + filepath.Join(root, "oxford", "pets"): "pets=pets", filepath.Join(root, "cifar.tar"): "cifar.tar", "a=b/c": "a=b/c", "photo": "photo",
	} {
		if got := portable(arg); got != want {
			t.Errorf("%s is %s, want %s", arg, got, want)
		}
	}
}
