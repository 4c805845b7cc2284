package command

import (
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// smallSpace writes a space of small networks.
func smallSpace(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "space.toml")
	text := `name = "few"
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
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// smallTable writes scores of all networks of smallSpace: the more of the second
// options, the better.
func smallTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("key,score\n")
	for i := range 1 << 6 {
		key := fmt.Sprintf("%06b", i)
		fmt.Fprintf(&b, "%s,%d\n", key, strings.Count(key, "1"))
	}
	path := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// Times of a space are measured, and limit a search of it, not of another.
func TestSearchLatency(t *testing.T) {
	t.Chdir(t.TempDir())
	space := smallSpace(t)
	out := mustRun(t, "search", "latency", space, "--networks", "5", "--runs", "1", "--for-threads", "1,2")
	if !strings.Contains(out, "few.latency.json") || !strings.Contains(out, "5 others") {
		t.Errorf("%s", out)
	}
	mustRun(t, "search", "new", "fast", "--space", space, "--latency", "few.latency.json", "--latency-threads", "2", "--max-latency", "1h")
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--latency", "few.latency.json", "--max-latency", "1ns"}, "no network of the space few was found within the limits"},
		{[]string{"--max-latency", "1ms"}, "--latency FILE"},
		{[]string{"--latency", "few.latency.json", "--latency-threads", "3"}, "but for 1 and 2"},
		{[]string{"--latency", "few.latency.json", "--size", "28"}, "measure it for this space"},
		{[]string{"--latency", space}, "not what"},
		{[]string{"--latency", "nothing.json"}, "no such file"},
	} {
		code, _, errs := invoke(t, append([]string{"search", "new", "other", "--space", space}, tc.args...)...)
		if code == 0 || !strings.Contains(errs, tc.want) {
			t.Errorf("%v: %d %s", tc.args, code, errs)
		}
	}
}

// A search from beginning to end, in seconds: eight networks, the report, the
// best as a file that other commands take, and all trials as a table.
func TestSearch(t *testing.T) {
	t.Chdir(t.TempDir())
	mustRun(t, "search", "new", "it", "--space", smallSpace(t), "--images", "300", "--trials", "8", "--epochs", "1", "--strategy", "evolution",
		"--set", "batch=20", "--set", "ema=0", "--max-macs", "400K", "--random", "none", "--no-judge")
	if code, _, errs := invoke(t, "search", "new", "it"); code != exitFailure || !strings.Contains(errs, "search run it") {
		t.Errorf("a second search of that name: %d %s", code, errs)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	stop(interrupted{2})
	if code, _, _ := invokeWith(t, ctx, nil, "search", "run", "it"); code != exitInterrupted {
		t.Errorf("interrupted: exit code %d", code)
	}
	out := mustRun(t, "search", "run", "it", "--workers", "2")
	if !strings.Contains(out, "trials: 8 of 8 done, 0 failed, 0 running, 0 waiting") {
		t.Errorf("%s", out)
	}
	var top []searchTrial
	if err := json.Unmarshal([]byte(mustRun(t, "search", "top", "it", "--json")), &top); err != nil {
		t.Fatal(err)
	}
	for i, tr := range top {
		if tr.MACs > 400e3 || tr.Score < 0.05 || i > 0 && tr.Score > top[i-1].Score {
			t.Errorf("place %d: %+v", i, tr)
		}
	}
	page, err := os.ReadFile("it.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{top[0].Arch, "never opened by the search", "stage 0 block 0 kernels", "<circle", "Kernels by layer"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, outside := range []string{"http://", "https://", "src="} {
		if strings.Contains(strings.ReplaceAll(string(page), "http://www.w3.org", ""), outside) {
			t.Errorf("the report has %q", outside)
		}
	}
	mustRun(t, "search", "export", "it", fmt.Sprint(top[0].Number), "-o", "best.toml")
	n, err := netfile.Load("best.toml")
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := nas.CostOf(n); err != nil || cost != top[0].Cost {
		t.Errorf("%+v, %v, want %+v", cost, err, top[0].Cost)
	}
	mustRun(t, "info", "best.toml")
	mustRun(t, "eval", "--model", "best.safetensors")
	mustRun(t, "search", "plot", "it", "front.png")
	rows, err := csv.NewReader(strings.NewReader(mustRun(t, "search", "export", "it"))).ReadAll()
	if err != nil || len(rows) != 9 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if out := mustRun(t, "search", "run", "it", "--trials", "9"); !strings.Contains(out, "9 of 9 done") {
		t.Errorf("%s", out)
	}
}

// Another program trains: it asks for networks and tells what they score.
func TestAskTell(t *testing.T) {
	t.Chdir(t.TempDir())
	mustRun(t, "search", "new", "it", "--space", smallSpace(t), "--trials", "12", "--strategy", "local")
	best := 0.0
	for range 12 {
		var a asked
		if err := json.Unmarshal([]byte(mustRun(t, "search", "ask", "it")), &a); err != nil {
			t.Fatal(err)
		}
		n, err := netfile.Parse("x.toml", []byte(a.Toml))
		if err != nil {
			t.Fatal(err)
		}
		if cost, err := nas.CostOf(n); err != nil || cost != a.Cost {
			t.Errorf("%+v, %v, want %+v", cost, err, a.Cost)
		}
		if a.Number == 3 {
			mustRun(t, "search", "tell", "it", "3", "--failed", "out of luck")
			continue
		}
		score := float64(strings.Count(a.Arch, "1"))
		best = max(best, score)
		mustRun(t, "search", "tell", "it", fmt.Sprint(a.Number), fmt.Sprint(score))
	}
	if code, _, errs := invoke(t, "search", "ask", "it"); code != exitFailure || !strings.Contains(errs, "no further trials") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	var sum searchSummary
	if err := json.Unmarshal([]byte(mustRun(t, "search", "show", "it", "--json")), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Done != 11 || sum.Failed != 1 || sum.Best.Score != best {
		t.Errorf("%+v, best %+v, want %g", sum, sum.Best, best)
	}
	if out := mustRun(t, "search", "retry", "it"); !strings.Contains(out, "1 trial to run again") {
		t.Errorf("%s", out)
	}
	checkOptuna(t)
}

// checkOptuna compares what Optuna reads of the journal with what we say.
func checkOptuna(t *testing.T) {
	t.Helper()
	mustRun(t, "search", "export", "it", "--format", "optuna", "-o", "study.log")
	python := os.Getenv("MIXNET_OPTUNA_PYTHON")
	if python == "" {
		t.Log("skipped the comparison: MIXNET_OPTUNA_PYTHON names no Python with Optuna")
		return
	}
	script := `import json
from optuna import load_study
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
s = load_study(study_name="it", storage=JournalStorage(JournalFileBackend("study.log")))
print(json.dumps({"trials": [[t.number, t.state.name, t.values, t.params] for t in s.trials], "front": sorted(t.number for t in s.best_trials)}))`
	out, err := exec.Command(python, "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs struct {
		Trials [][]any
		Front  []int
	}
	if err := json.Unmarshal(out[strings.LastIndexByte(strings.TrimSpace(string(out)), '\n')+1:], &theirs); err != nil {
		t.Fatal(err)
	}
	front := map[int]bool{}
	for _, n := range theirs.Front {
		front[n] = true
	}
	s, all, err := (&searchName{"it"}).read(&env{ctx: t.Context()})
	if err != nil {
		t.Fatal(err)
	}
	if got := paretoFront(s, bestOf(all)); !reflect.DeepEqual(got, front) {
		t.Errorf("front %v, Optuna's is %v", got, front)
	}
	for i, tr := range all {
		row := theirs.Trials[i]
		want := map[string]any{}
		for k, d := range s.Space.Decisions() {
			want[d.Name] = d.Options[tr.Arch[k]]
		}
		if !reflect.DeepEqual(row[3], want) {
			t.Errorf("trial %d: parameters %v, want %v", i, row[3], want)
		}
		if tr.State == "done" && !reflect.DeepEqual(row[2], []any{tr.Score, float64(viewOf(s, tr).MACs)}) {
			t.Errorf("trial %d: values %v, want %g", i, row[2], tr.Score)
		}
	}
}

// Strategies find the best network of a table.
func TestSearchBench(t *testing.T) {
	var all []benched
	out := mustRun(t, "search", "bench", smallTable(t), "--space", smallSpace(t), "--runs", "5", "--budget", "5,25", "--strategies", "random,local", "--json")
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 || all[3].Strategy != "local" || all[3].Mean < 5.9 || all[3].Mean < all[2].Mean || all[0].Mean > 6 {
		t.Errorf("%+v", all)
	}
	if code, _, errs := invoke(t, "search", "bench", smallTable(t)); code != exitFailure || !strings.Contains(errs, "table.csv:2: ") {
		t.Errorf("the wrong space: %d %s", code, errs)
	}
}

// A mistake is an error that says what to do, and leaves no file.
func TestSearchMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"run none", exitFailure, "search new none"},
		{"new", exitUsage, "name for the search is missing"},
		{"new ../x/../*", exitUsage, "letters, digits"},
		{"new x --strategy tpee", exitUsage, "did you mean tpe?"},
		{"new x --space none", exitUsage, "mixnet-small"},
		{"new x --max-macs 3Q", exitUsage, "such as 30M"},
		{"new x --max-macs 100", exitUsage, "allow more"},
		{"new x --rungs 3,2", exitUsage, "that grow"},
		{"new x --images 5", exitUsage, "batch"},
		{"new x --recipe finetune", exitUsage, "pretrained"},
		{"new x --data missing", exitFailure, "missing"},
		{"new x.db/y", exitFailure, "x.db/y"},
		{"new x --random none.db", exitFailure, "none.db"},
		{"new x --handmade none", exitUsage, "none"},
		{"new x --seeds 0", exitUsage, "at least 1"},
		{"new postgres://user:secret@127.0.0.1:1/x --trials 2", exitFailure, "127.0.0.1"},
		{"run postgres://user:secret@127.0.0.1:1/x", exitFailure, "127.0.0.1"},
		{"ls .", exitOK, ""},
	} {
		code, _, errs := invoke(t, append([]string{"search"}, strings.Fields(tc.args)...)...)
		if code != tc.code || !strings.Contains(errs, tc.want) || strings.Contains(errs, "secret") {
			t.Errorf("search %s: exit code %d, %s", tc.args, code, errs)
		}
	}
	if left, err := filepath.Glob("*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.WriteFile("bad.db", []byte("no database, but long enough to be taken for one"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, "search", "run", "bad"); code != exitFailure || !strings.Contains(errs, "database") {
		t.Errorf("%d %s", code, errs)
	}
	if err := os.WriteFile("space.toml", []byte("name = \"x\"\n\n[[stage]]\nkernels = [3, \"five\"]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, "search", "new", "x", "--space", "space.toml"); code != exitUsage || !strings.Contains(errs, "space.toml") || isFile("x.db") {
		t.Errorf("a wrong space: %d %s", code, errs)
	}
	db, err := sql.Open("sqlite", "other.db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE mixnet_search (version INTEGER, search TEXT); INSERT INTO mixnet_search VALUES (99, '{}')"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"run", "watch", "top", "report", "ask"} {
		if code, _, errs := invoke(t, "search", command, "other"); code != exitFailure || !strings.Contains(errs, "another version") {
			t.Errorf("%s of another version's search: %d %s", command, code, errs)
		}
	}
}

// The whole protocol by two commands: a random search of equal cost beside the
// search, the best of both trained again beside networks of the same cost, test
// images opened once. Another search shares what owes nothing to the first.
func TestSearchProtocol(t *testing.T) {
	t.Chdir(t.TempDir())
	space := smallSpace(t)
	begin := []string{
		"--space", space, "--images", "200", "--trials", "4", "--epochs", "1", "--set", "batch=10", "--set", "ema=0",
		"--top", "2", "--seeds", "2", "--judge-epochs", "1", "--min-macs", "100K", "--max-macs", "260K",
	}
	mustRun(t, append([]string{"search", "new", "it", "--strategy", "evolution"}, begin...)...)
	if out := mustRun(t, "search", "run", "it", "--no-judge"); !strings.Contains(out, "random search beside it: 4 of 4 done") || strings.Contains(out, "made by hand") {
		t.Errorf("%s", out)
	}
	out := mustRun(t, "search", "run", "it")
	for _, want := range []string{"trained from scratch for 1 epoch with 2 seeds each", "the random search beside it", "again: drawn at random", "in all"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not told:\n%s", want, out)
		}
	}
	args := []string{"search", "finish", "it", "--json"}
	first := mustRun(t, args...)
	var f finished
	if err := json.Unmarshal([]byte(first), &f); err != nil {
		t.Fatal(err)
	}
	checkVerdict(t, &f)
	if second := mustRun(t, args...); second != first {
		t.Errorf("a second call says\n%s\nthe first\n%s", second, first)
	}
	mustRun(t, "search", "report", "it")
	page, err := os.ReadFile("it.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"made by hand", "hours of a thread", "random, seed 4294967296"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	var top []searchTrial
	if err := json.Unmarshal([]byte(mustRun(t, "search", "top", "it:random", "--json")), &top); err != nil || len(top) != 4 {
		t.Errorf("%d trials of the random search, %v", len(top), err)
	}
	if out := mustRun(t, "search", "run", "it", "--trials", "5"); !strings.Contains(out, "5 of 5 done") || !strings.Contains(out, "1 trial ended after that") {
		t.Errorf("%s", out)
	}

	// The second search has seeds of its own and shares the random one.
	begin = append(begin, "--seed", "1", "--random", "it")
	if code, _, errs := invoke(t, append([]string{"search", "new", "other"}, begin...)...); code != exitUsage || !strings.Contains(errs, "5 trials") {
		t.Errorf("a random search of another cost: %d %s", code, errs)
	}
	mustRun(t, append(append([]string{"search", "new", "other"}, begin...), "--trials", "5")...)
	mustRun(t, "search", "run", "other")
	var shared finished
	if err := json.Unmarshal([]byte(mustRun(t, "search", "finish", "other", "--json")), &shared); err != nil {
		t.Fatal(err)
	}
	checkVerdict(t, &shared)
	for _, p := range shared.Parts {
		if p.Shared != strings.Contains(p.Part, "random") && p.Shared != strings.Contains(p.Part, "by hand") {
			t.Errorf("%+v", p)
		}
	}
	begin = append(begin, "--trials", "5", "--set", "schedule.lr=0.5")
	if code, _, errs := invoke(t, append([]string{"search", "new", "third"}, begin...)...); code != exitUsage || !strings.Contains(errs, "another recipe") {
		t.Errorf("a random search by another recipe: %d %s", code, errs)
	}
}

// checkVerdict looks through the outcome of a protocol with two networks and
// two seeds.
func checkVerdict(t *testing.T, f *finished) {
	t.Helper()
	groups := map[string]int{}
	var winner finishedRow
	for _, r := range f.Rows {
		groups[r.Group]++
		if r.Winner {
			winner = r
		}
	}
	judged := 0 // of the random search
	for _, r := range f.Rows {
		switch {
		case r.Winner:
			if r.Difference != nil || r.Test == nil {
				t.Errorf("%+v", r)
			}
		case r.Group == "found":
			if r.Test != nil || r.HeldOut > winner.HeldOut {
				t.Errorf("%+v was judged, or is better than %+v", r, winner)
			}
		case r.Group == "random search" && r.Test == nil:
		default:
			if r.Group == "random search" {
				judged++
			}
			if d := r.Difference; d == nil || r.Test == nil || d.Low > d.Value || d.Value > d.High || math.Abs(*winner.Test-*r.Test-d.Value) > 1e-9 {
				t.Errorf("%+v: %+v", r, d)
			}
			if part := float64(r.MACs) / float64(winner.MACs); r.Group == "drawn at random" && (part < 0.97 || part > 1.03) {
				t.Errorf("%s has %.3f of the winner's multiply-adds", r.Network, part)
			}
		}
	}
	for group, want := range map[string]int{"found": 2, "random search": 2, "kernels 3": 1, "kernels 5": 1, "kernels 7": 1, "kernels 3,5,7": 1, "made by hand": 1} {
		if groups[group] != want {
			t.Errorf("%d of %s, want %d", groups[group], group, want)
		}
	}
	if groups["drawn at random"] == 0 || judged != 1 {
		t.Errorf("%d drawn at random, %d of the random search judged", groups["drawn at random"], judged)
	}
	trainings := 0
	for _, p := range f.Parts {
		trainings += p.Trainings
	}
	if want := 2*4 + 2*(2+4+1+2+groups["drawn at random"]-1); trainings < want {
		t.Errorf("%d trainings, want %d: %+v", trainings, want, f.Parts)
	}
}
