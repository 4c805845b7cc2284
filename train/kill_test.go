//go:build unix

package train

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/recipe"
)

// The tests of this file run TestHelperProcess in processes of its own, with
// the first two variables set. The third is how often TestKillIsHarmless kills,
// 20 times by default.
const (
	envDir   = "MIXNET_TEST_RUN_DIR"
	envLimit = "MIXNET_TEST_FILE_LIMIT"
	envKills = "MIXNET_TEST_KILLS"
)

// killedConfig is a run with as much state as there can be.
func killedConfig(t testing.TB, dir string) Config {
	cfg := config(t, dir)
	cfg.Recipe.Mix = input.Mix{Mixup: 0.2, CutMix: 1}
	cfg.Recipe.Sizes = recipe.Sizes{Pixels: []int{6, 8}, Order: recipe.Random}
	cfg.KeepBest = true
	return cfg
}

// TestHelperProcess is not a test: it starts or continues the run of the other
// tests, saving after every step.
func TestHelperProcess(t *testing.T) {
	dir := os.Getenv(envDir)
	if dir == "" {
		t.Skip("a process of other tests")
	}
	cfg := killedConfig(t, dir)
	cfg.SaveEvery = 1
	cfg.OnStep = func(Progress) { time.Sleep(3 * time.Millisecond) }
	if os.Getenv(envLimit) != "" {
		signal.Ignore(syscall.SIGXFSZ)
		cfg.OnStep = func(p Progress) {
			if p.Epoch == 1 && p.Step == 3 {
				limit := syscall.Rlimit{Cur: 4096, Max: 1 << 40}
				if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
					t.Error(err)
				}
			}
		}
		cfg.OnWarning = func(err error) { t.Log("WARNING", err) }
	}
	s, err := Open(dir)
	var r *Trainer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r, err = New(cfg)
	case err == nil:
		r, err = s.Resume(cfg)
	}
	if err == nil {
		err = r.Run(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func helper(t *testing.T, dir string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperProcess$", "-test.v")
	cmd.Env = append(append(os.Environ(), envDir+"="+dir), env...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(out.String())
		}
	})
	return cmd
}

// Killed at random moments, a run loses nothing but time: it always continues,
// and ends with the bits of one that was left alone.
func TestKillIsHarmless(t *testing.T) {
	whole := t.TempDir()
	run(t, killedConfig(t, whole))
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	kills, want := 0, 20
	if text := os.Getenv(envKills); text != "" {
		var err error
		if want, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for kills < want {
		dir := filepath.Join(t.TempDir(), "run")
		step, within := 0, 150*time.Millisecond
		for {
			cmd := helper(t, dir)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(time.Duration(rng.Int64N(int64(within))), func() { _ = cmd.Process.Kill() })
			err := cmd.Wait()
			timer.Stop()
			if err == nil {
				break
			}
			if cmd.ProcessState.Exited() {
				t.Fatalf("after %d kills: %v", kills, err)
			}
			kills++
			// A busy machine needs longer for a step.
			if s, err := Open(dir); err == nil && s.state.Step > step {
				step = s.state.Step
			} else {
				within += within / 4
			}
		}
		equalRuns(t, whole, dir)
	}
	t.Logf("killed %d times", kills)
}

// A full disk stops the saving, not the run, and leaves what was saved before.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	cmd := helper(t, dir, envLimit+"=1")
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err == nil || !strings.Contains(out.String(), "WARNING") || !strings.Contains(out.String(), "file too large") {
		t.Fatalf("%v:\n%s", err, out)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.state.Step != 8 {
		t.Errorf("the state is that of step %d, want 8, the last before the disk was full", s.state.Step)
	}
	whole := t.TempDir()
	run(t, killedConfig(t, whole))
	if err := helper(t, dir).Run(); err != nil {
		t.Fatal(err)
	}
	equalRuns(t, whole, dir)
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
