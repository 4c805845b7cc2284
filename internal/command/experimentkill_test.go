package command

import (
	"database/sql"
	"encoding/csv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "github.com/mixnet-go/mixnet/nas/store" // the driver
)

// A process that is killed at any time goes on when it is started again: no
// trial that was done is done again, and the table is that of a run that nobody
// killed.
func TestKilledExperiments(t *testing.T) {
	images := pictures(t, t.TempDir(), []string{"train", "test"}, 2, 20, 28, 28)
	for name, more := range map[string][]string{
		"kernels": {"--data", images, "--seeds", "1"}, "layers": {"--data", images}, "partition": {"--data", images, "--seeds", "1"}, "detection": nil, "architectures": nil,
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"experiment", "run", name, "--preset", "smoke", "--workers", "1", "--lease", "1s"}, more...)
			whole, killed := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "killed")
			before := time.Now()
			mustRun(t, append(args, "--output", whole)...)
			took := time.Since(before)
			args = append(args, "--output", killed)
			var after []time.Duration
			for range 3 {
				cmd, _, _ := start(t, "", args...)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				after = append(after, rand.N(took))
				timer := time.AfterFunc(after[len(after)-1], func() { _ = cmd.Process.Kill() })
				_ = cmd.Wait()
				timer.Stop()
			}
			mustRun(t, args...)
			want, got := tableOf(t, filepath.Join(whole, name+".csv")), tableOf(t, filepath.Join(killed, name+".csv"))
			if !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("killed after %v, the trials are\n%v\nwant\n%v", after, got, want)
			}
			oneResultEach(t, killed, after)
		})
	}
}

// tableOf reads a table of trials, without how long they took.
func tableOf(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.Index(rows[0], "seconds"); i >= 0 {
		for _, r := range rows {
			r[i] = ""
		}
	}
	return rows
}

// oneResultEach finds one result of every trial in the database of a folder, and
// one run.
func oneResultEach(t *testing.T, dir string, after []time.Duration) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "trials.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var trials, done, results, tried int
	if err := db.QueryRow("SELECT count(*), count(CASE state WHEN 'done' THEN 1 END) FROM mixnet_trials").Scan(&trials, &done); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow("SELECT count(*), count(DISTINCT trial) FROM mixnet_results").Scan(&results, &tried); err != nil {
		t.Fatal(err)
	}
	runs, err := os.ReadDir(filepath.Join(dir, "runs"))
	if err != nil && trials > 0 {
		t.Fatal(err)
	}
	if done != trials || results != trials || tried != trials || len(runs) != trials {
		t.Errorf("killed after %v: of %d trials %d are done, with %d results of %d and %d run folders", after, trials, done, results, tried, len(runs))
	}
}
