package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// withoutSeconds returns lines of JSON without the times in them.
func withoutSeconds(t *testing.T, lines []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, line := range bytes.Split(bytes.TrimSpace(lines), []byte("\n")) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		delete(e, "seconds")
		if err := json.NewEncoder(&out).Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// One, two and four ranks of every library end with the bits of one process that
// computes all parts of a batch, and so does a network that is trained further
// and one that finds objects.
func TestRanksEqualOneProcess(t *testing.T) {
	libs, data, boxes := libraries(t), pictures(t), boxedPictures(t)
	one := filepath.Join(t.TempDir(), "alone")
	must(t, alone(limited(t), "", trainArgs(data, one)...))
	finetune := func(dir string) []string {
		return []string{
			"finetune", "--data", data, "-w", one, "-T", "1", "--batch-size", "16", "--set", "accumulate=2", "--set", "fixed_norm=false",
			"--epochs", "1", "--new-head", "--scratch", "--grid", "none", "-o", dir,
		}
	}
	further := filepath.Join(t.TempDir(), "further")
	must(t, alone(limited(t), "", finetune(further)...))
	detector := func(dir string) []string {
		return []string{
			"train", "--task", "detect", "--data", boxes, "-m", "mobilenetv2_100_ssdlite64@width=0.35", "-T", "1", "-b", "4",
			"--set", "accumulate=2", "--epochs", "1", "-o", dir,
		}
	}
	objects := filepath.Join(t.TempDir(), "objects")
	must(t, alone(limited(t), "", detector(objects)...))
	for _, l := range libs {
		t.Run(l.name, func(t *testing.T) {
			for _, ranks := range []int{1, 2, 4} {
				dir := filepath.Join(t.TempDir(), "run")
				out := must(t, l.job(limited(t), ranks, "", trainArgs(data, dir)...))
				equal(t, one, dir)
				if n := strings.Count(out, "run folder"); n != 1 {
					t.Errorf("%d ranks told of %d runs:\n%s", ranks, n, out)
				}
			}
			dir := filepath.Join(t.TempDir(), "further")
			must(t, l.job(limited(t), 2, "", finetune(dir)...))
			equal(t, further, dir)
			dir = filepath.Join(t.TempDir(), "objects")
			must(t, l.job(limited(t), 2, "", detector(dir)...))
			equal(t, objects, dir)
		})
	}
}

// ranks returns the process of a rank of the job that has the given folder among
// its arguments; 0 if it has not started.
func rankProcess(dir string, rank int) int {
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is valid
	for _, path := range found {
		args, err := os.ReadFile(path)
		env, envErr := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		if err != nil || envErr != nil || !bytes.HasPrefix(args, []byte(os.Args[0]+"\x00")) || !bytes.Contains(args, []byte(dir+"\x00")) {
			continue
		}
		for _, name := range []string{"PMI_RANK", "OMPI_COMM_WORLD_RANK"} {
			if bytes.Contains(env, fmt.Appendf(nil, "\x00%s=%d\x00", name, rank)) {
				var pid int
				_, _ = fmt.Sscan(filepath.Base(filepath.Dir(path)), &pid)
				return pid
			}
		}
	}
	return 0
}

// A job ends, with a message, when one of its ranks is killed, and after a
// signal to mpirun with its state saved. Other numbers of ranks take it to the
// end that it would have had.
func TestJobsThatEnd(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("no /proc to find ranks in")
	}
	libs, data := libraries(t), pictures(t)
	long := []string{"--epochs", "24", "--set", "eval_every=4"}
	one := filepath.Join(t.TempDir(), "alone")
	must(t, alone(limited(t), "", trainArgs(data, one, long...)...))
	for _, l := range libs {
		for rank, how := range l.signals() {
			t.Run(fmt.Sprintf("%s, %v", l.name, how), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				out := l.endAfterAnEpoch(t, data, dir, rank%2, how, long)
				if how != syscall.SIGKILL && !strings.Contains(out, "saved; continue with: mpirun -n 4 ") {
					t.Errorf("nothing was saved:\n%s", out)
				}
				if how == syscall.SIGKILL && !strings.Contains(strings.ToLower(out), "killed") && !strings.Contains(out, "signal 9") {
					t.Errorf("no message:\n%s", out)
				}
				must(t, l.job(limited(t), 2, "", "train", "--resume", dir, "-T", "1"))
				equal(t, one, dir)
			})
		}
	}
}

// signals returns those that jobs of the library end well by however busy the
// machine is: Open MPI kills ranks soon after others.
func (l library) signals() []syscall.Signal {
	if strings.Contains(strings.ToLower(l.name), "open") {
		return []syscall.Signal{syscall.SIGUSR1, syscall.SIGKILL, syscall.SIGKILL}
	}
	return []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGINT, syscall.SIGUSR1}
}

// endAfterAnEpoch starts four ranks and, once an epoch is recorded, kills one or
// sends mpirun a signal.
func (l library) endAfterAnEpoch(t *testing.T, data, dir string, rank int, how syscall.Signal, more []string) string {
	t.Helper()
	cmd := l.job(limited(t), 4, "", trainArgs(data, dir, more...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for epochs(dir) == 0 {
		if cmd.ProcessState != nil {
			t.Fatal(out.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
	target, sent := cmd.Process.Pid, time.Now()
	if how == syscall.SIGKILL {
		if target = rankProcess(dir, rank); target == 0 {
			t.Fatalf("rank %d is not to be found", rank)
		}
	}
	if err := syscall.Kill(target, how); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatalf("the job came to its end: it has %d epochs\n%s", epochs(dir), out.String())
	}
	saved, err := os.Stat(filepath.Join(dir, "last.safetensors"))
	if err != nil || how != syscall.SIGKILL && saved.ModTime().Before(sent) {
		t.Errorf("the state is that of before the signal: %v", err)
	}
	return out.String()
}

// What ranks cannot do together is refused by all, and the launcher says so.
func TestJobsThatAreRefused(t *testing.T) {
	libs, data := libraries(t), pictures(t)
	for _, l := range libs {
		dir := filepath.Join(t.TempDir(), "run")
		for want, args := range map[string][]string{
			"4 parts, which 3 processes cannot share equally": trainArgs(data, dir),
			"--lr-find is the work of one process":            trainArgs(data, dir, "--lr-find"),
			"no such file or directory":                       {"train", "--resume", dir},
		} {
			out, err := run(t, l.job(limited(t), 3, "", args...))
			if err == nil || !strings.Contains(out, want) {
				t.Errorf("%s: %v: %v\n%s", l.name, args, err, out)
			}
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a refused job left a folder", l.name)
		}
	}
}

// doctor names the library, its interface and the ranks.
func TestDoctor(t *testing.T) {
	for _, l := range libraries(t) {
		out := must(t, l.job(limited(t), 2, "", "doctor", "--json"))
		var report struct {
			MPI struct {
				Library, Version, ABI, Launcher, Problem string
				Ranks                                    int
			}
		}
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		m := report.MPI
		standard := strings.HasPrefix(m.ABI, "standard ABI")
		if m.Library == "" || m.Version == "" || m.ABI == "" || m.Ranks != 2 || m.Problem != "" || l.file != "" && standard {
			t.Errorf("%s: %+v", l.name, m)
		}
		t.Logf("%s: %s, %s", l.name, m.Version, m.ABI)
	}
}

// A library that is not the launcher's is refused, and so is a file that is no
// library.
func TestOtherLibraries(t *testing.T) {
	for _, l := range libraries(t) {
		l.file = os.Args[0]
		out, err := run(t, l.job(limited(t), 2, "", trainArgs("", t.TempDir())...))
		if err == nil || !strings.Contains(out, "MIXNET_MPI="+os.Args[0]) {
			t.Errorf("%s: %v\n%s", l.name, err, out)
		}
		for _, other := range libraries(t) {
			if strings.HasPrefix(l.name, "MPICH") == strings.HasPrefix(other.name, "MPICH") || other.file == "" {
				continue
			}
			l.file = other.file
			out, err := run(t, l.job(limited(t), 2, "", trainArgs("", t.TempDir())...))
			if err == nil || !strings.Contains(out, "does not go with the launcher") {
				t.Errorf("%s with %s: %v\n%s", l.name, other.file, err, out)
			}
		}
	}
}
