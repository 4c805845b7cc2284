package command

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
)

// nullTrial scores a network by its choices, in no time.
func nullTrial(_ context.Context, t store.Trial) (search.Outcome, error) {
	return search.Outcome{Curve: []float64{nullScore(t.Arch)}}, nil
}

func nullScore(a nas.Arch) float64 {
	sum := 0.0
	for i, c := range a {
		sum += float64(c) / float64(10*(i+1))
	}
	return sum
}

// searchTargets are what searches are kept in: a file, and a schema of its own in
// the PostgreSQL at MIXNET_POSTGRES, if there is one.
func searchTargets(t *testing.T) map[string]string {
	all := map[string]string{"sqlite": filepath.Join(t.TempDir(), "it.db")}
	address := os.Getenv("MIXNET_POSTGRES")
	if address == "" {
		return all
	}
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const schema = "mixnet_command_test"
	if _, err := db.Exec("DROP SCHEMA IF EXISTS " + schema + " CASCADE; CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	all["postgres"] = u.String()
	return all
}

// Worker processes that are killed at random lose and double no trial, and a
// viewer never gets into their way. What is proposed next is what a search that
// was left alone proposes. MIXNET_TEST_KILLS=1 makes it large.
func TestSearchKills(t *testing.T) {
	trials, workers, kills := 40, 3, 3
	if os.Getenv("MIXNET_TEST_KILLS") != "" {
		trials, workers, kills = 2000, 8, 60
	}
	for name, target := range searchTargets(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			mustRun(t, "search", "new", target, "--space", "nas-bench-macro", "--strategy", "evolution", "--trials", fmt.Sprint(trials),
				"--epochs", "1", "--seed", "9", "--random", "none", "--no-judge")
			watch, _, told := start(t, dir, "search", "watch", target, "--every", "100ms", "--json")
			var seen bytes.Buffer
			watch.Stdout = &seen
			if err := watch.Start(); err != nil {
				t.Fatal(err)
			}
			killed := crowd(t, dir, target, workers, kills)
			if err := watch.Wait(); err != nil {
				t.Errorf("the viewer: %v\n%s", err, told)
			}
			lines := strings.Split(strings.TrimSpace(seen.String()), "\n")
			var sum searchSummary
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sum); err != nil || sum.Done != trials || sum.Failed != 0 {
				t.Errorf("the viewer saw %d of %d, %v", sum.Done, trials, err)
			}
			checkNullTrials(t, target, trials)
			t.Logf("%d trials by %d processes, %d killed", trials, workers, killed)
		})
	}
}

// crowd runs worker processes until the search is done, and starts others in
// place of those that it kills.
func crowd(t *testing.T, dir, target string, workers, kills int) (killed int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for {
				cmd, _, stderr := start(t, dir, "search", "worker", target, "--lease", "2s")
				cmd.Env = append(cmd.Env, "MIXNET_TEST_NULL=1")
				if err := cmd.Start(); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				kill := killed < kills
				if kill {
					killed++
				}
				mu.Unlock()
				if kill {
					time.Sleep(time.Duration(100+rng.IntN(1500)) * time.Millisecond)
					_ = cmd.Process.Kill()
				}
				err := cmd.Wait()
				if text := stderr.String(); strings.Contains(text, "lock") || strings.Contains(text, "busy") || err != nil && !kill {
					t.Errorf("worker %d: %v\n%s", i, err, text)
					return
				}
				if err == nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return killed
}

// checkNullTrials reports trials that are lost, doubled or wrong, and another
// proposal than evolution's after them.
func checkNullTrials(t *testing.T, target string, trials int) {
	t.Helper()
	var all []searchTrial
	if err := json.Unmarshal([]byte(mustRun(t, "search", "show", target, "--all", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	once := map[string]bool{}
	for i, tr := range all {
		a, err := nas.ReadArch(tr.Arch)
		if err != nil || tr.Number != i || tr.State != "done" || tr.Score != nullScore(a) || once[tr.Arch] {
			t.Fatalf("trial %d: %+v, %v, seen before: %t", i, tr, err, once[tr.Arch])
		}
		once[tr.Arch] = true
	}
	if len(all) != trials {
		t.Errorf("%d trials, want %d", len(all), trials)
	}
	s, known, err := (&searchName{target}).read(&env{ctx: t.Context()})
	if err != nil {
		t.Fatal(err)
	}
	want, err := nas.Evolution{}.Propose(&nas.Problem{Space: s.Space, Seed: 9, Fidelity: 1}, store.History(known))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), target, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Extend(t.Context(), trials+1); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var next asked
	if err := json.Unmarshal([]byte(mustRun(t, "search", "ask", target)), &next); err != nil || next.Number != trials || next.Arch != want.Arch.String() {
		t.Errorf("next is %+v, %v, want %v", next, err, want.Arch)
	}
}

// Every command on every kind of database, by workers that train nothing.
func TestSearchDatabases(t *testing.T) {
	for name, target := range searchTargets(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			mustRun(t, "search", "new", target, "--space", smallSpace(t), "--trials", "6", "--epochs", "1", "--no-judge", "--json")
			if code, _, errs := invoke(t, "search", "new", target); code != exitFailure || !strings.Contains(errs, "already") {
				t.Errorf("a second search: %d %s", code, errs)
			}
			for _, args := range [][]string{{"worker"}, {"run", "--workers", "2"}} {
				cmd, _, stderr := start(t, dir, append(append([]string{"search"}, args...), target)...)
				cmd.Env = append(cmd.Env, "MIXNET_TEST_NULL=1")
				out, err := cmd.Output()
				if err != nil || !strings.Contains(string(out), "6 of 6 done") {
					t.Fatalf("%v: %v\n%s%s", args, err, out, stderr)
				}
			}
			for _, args := range [][]string{{"ls"}, {"show"}, {"top"}, {"watch", "--once"}, {"watch"}, {"report", "-o", "it.html"}, {"export"}, {"retry"}} {
				out := mustRun(t, append(append([]string{"search"}, args...), target)...)
				if out == "" {
					t.Errorf("%v says nothing", args)
				}
			}
			mustRun(t, "search", "plot", target, "it.svg")
			mustRun(t, "search", "show", target+":random", "3")
			if page, err := os.ReadFile("it.html"); err != nil || !strings.Contains(string(page), "multiply-adds") {
				t.Errorf("the report: %v", err)
			}
		})
	}
}

// A disk without room ends a search with an error that says so; with room, it
// goes on with all that was done.
func TestSearchFullDisk(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash, which limits files")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	mustRun(t, "search", "new", "it", "--space", "nas-bench-macro", "--strategy", "random", "--trials", "400", "--epochs", "1", "--no-judge")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	worker := func(limit string) (string, error) {
		cmd := exec.Command("bash", "-c", limit+`exec "$0" search worker it --lease 1s`, self)
		cmd.Env = append(os.Environ(), "MIXNET_TEST_COMMAND=1", "MIXNET_TEST_NULL=1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := worker("ulimit -f 64; ") // KiB
	if err == nil || !strings.Contains(out, "make room") || strings.Contains(out, "goroutine") {
		t.Errorf("without room: %v\n%s", err, out)
	}
	var before, after searchSummary
	if err := json.Unmarshal([]byte(mustRun(t, "search", "show", "it", "--json")), &before); err != nil || before.Done == 0 || before.Done == 400 {
		t.Errorf("%d done before the disk was full, %v", before.Done, err)
	}
	if out, err = worker(""); err != nil {
		t.Errorf("with room: %v\n%s", err, out)
	}
	if err := json.Unmarshal([]byte(mustRun(t, "search", "show", "it", "--json")), &after); err != nil || after.Done != 400 || after.Failed != 0 {
		t.Errorf("%d done after, %v", after.Done, err)
	}
}
