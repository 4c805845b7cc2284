package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// few is a space of small networks.
const few = `name = "few"
input = {size = 14}

[stem]
out = 8
stride = 1

[[stage]]
stride = 2
out = [8, 16]
depth = [1, 2]
kernels = [3, [3, 5]]
expand = [1, 3]

[head]
out = 32
`

// A search whose trials are MPI jobs, which examples/trials starts, finds what
// one does that trains them by itself.
func TestTrialsAreJobs(t *testing.T) {
	libs := libraries(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	worker, err := filepath.Abs("../../../examples/trials/worker.py")
	if err != nil {
		t.Fatal(err)
	}
	data, dir := pictures(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "few.toml"), []byte(few), 0o666); err != nil {
		t.Fatal(err)
	}
	recipe := []string{"--data", data, "--set", "batch=16", "--set", "accumulate=2"}
	for _, name := range []string{"own", "jobs"} {
		must(t, alone(limited(t), dir, append([]string{"search", "new", name, "--space", "few.toml", "--strategy", "random", "--trials", "3", "--epochs", "1"}, recipe...)...))
	}
	must(t, alone(limited(t), dir, "search", "worker", "own"))
	l := libs[0]
	train := l.job(limited(t), 2, dir, append([]string{"train", "-T", "1"}, recipe...)...)
	work := exec.CommandContext(limited(t), python, append([]string{worker, "jobs", "--mixnet", os.Args[0], "--"}, train.Args...)...)
	work.Dir, work.Env, work.WaitDelay = dir, train.Env, train.WaitDelay
	must(t, work)
	own, jobs := scores(t, dir, "own"), scores(t, dir, "jobs")
	if len(own) != 3 || !slices.Equal(own, jobs) {
		t.Errorf("trials as jobs have %v, others %v", jobs, own)
	}
}

// trial is a row of a search.
type trial struct {
	Arch  string
	State string
	Score float64
}

func scores(t *testing.T, dir, search string) []trial {
	t.Helper()
	var found []trial
	out := must(t, alone(limited(t), dir, "search", "show", search, "--all", "--json"))
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return found
}
