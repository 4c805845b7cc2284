package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// core is the program of the module itself, with what another one tells.
var core = Program{
	Name: "mixnet", Module: "github.com/mixnet-go/mixnet",
	MPI: func() MPI { return MPI{Library: "libmpi.so", Version: "MPI", ABI: "MPI ABI", Ranks: 1} },
}

// TestMain lets tests start this program as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("MIXNET_TEST_COMMAND") != "" {
		program := core
		if os.Getenv("MIXNET_TEST_NULL") != "" {
			program.trial = nullTrial
		}
		Main(program)
	}
	os.Exit(m.Run())
}

// start runs a command line in a process of its own.
func start(t *testing.T, dir string, args ...string) (cmd *exec.Cmd, stdin io.WriteCloser, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "MIXNET_TEST_COMMAND=1")
	cmd.Dir = dir
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	if stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if cmd.ProcessState == nil && cmd.Process != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd, stdin, stderr
}

// Every signal that asks a program to end ends a command that waits for its
// input, with the code that shells give such an end.
func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals of Unix")
	}
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.toml")
	if err := exec.Command("mkfifo", fifo).Run(); err != nil {
		t.Skip(err)
	}
	for _, tc := range []struct {
		signal syscall.Signal
		args   []string
	}{
		{syscall.SIGINT, []string{"predict", "--model", "fashion", "-"}},
		{syscall.SIGTERM, []string{"info", fifo}},
		{syscall.SIGHUP, []string{"predict", "--model", fifo, "x.png"}},
	} {
		t.Run(strings.Join(tc.args[:1], " "), func(t *testing.T) {
			if signal.Ignored(tc.signal) {
				t.Skipf("%v is ignored here, as under nohup", tc.signal)
			}
			t.Parallel()
			if err := os.WriteFile(filepath.Join(dir, "x.png"), nil, 0o666); err != nil {
				t.Fatal(err)
			}
			cmd, _, stderr := start(t, dir, tc.args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			// The process is waiting as soon as a signal finds it, or even before.
			time.Sleep(300 * time.Millisecond)
			select {
			case err := <-ended:
				t.Fatalf("ended by itself: %v\n%s", err, stderr)
			default:
			}
			_ = cmd.Process.Signal(tc.signal)
			select {
			case <-ended:
			case <-time.After(time.Minute):
				_ = cmd.Process.Kill()
				t.Fatalf("%v: still there a minute later\n%s", tc.signal, stderr)
			}
			if got, want := cmd.ProcessState.ExitCode(), 128+int(tc.signal); got != want {
				t.Errorf("%v: exit code %d, want %d\n%s", tc.signal, got, want, stderr)
			}
		})
	}
}

// Signals at once are one request to stop: what is under way is saved.
func TestSignalsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal)
		go func() {
			signals <- syscall.SIGTERM
			signals <- syscall.SIGHUP
			time.Sleep(2 * sameSignal)
			signals <- os.Interrupt
		}()
		if s := nextSignal(signals); s != os.Interrupt {
			t.Errorf("%v ends the process", s)
		}
	})
}

// A named pipe in a folder is no picture, and one named is read without
// waiting for a writer.
func TestPipes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "photos")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "a.png")
	if err := exec.Command("mkfifo", fifo).Run(); err != nil {
		t.Skip(err)
	}
	if _, err := imageFiles([]string{dir}); err == nil || !strings.Contains(err.Error(), "no images") {
		t.Errorf("a folder of a pipe: %v", err)
	}
	if _, err := readImage(&env{}, fifo); err == nil || !strings.Contains(err.Error(), "pipe") {
		t.Errorf("a pipe without a writer: %v", err)
	}
}

// Folders are read through links; what data sets leave out is left out.
func TestImageFiles(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"photos/a.png", "photos/sub/b.JPG", "photos/._a.png", "photos/.hidden/c.png", "photos/d.txt"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(root, "link")
	if err := errors.Join(os.Symlink(filepath.Join(root, "photos"), link), os.Symlink(root, filepath.Join(root, "photos", "up")),
		os.Symlink("nowhere", filepath.Join(root, "photos", "z.png"))); err != nil {
		t.Skip(err)
	}
	want := []string{filepath.Join(link, "a.png"), filepath.Join(link, "sub", "b.JPG")}
	got, err := imageFiles([]string{link})
	got = slices.DeleteFunc(got, func(f string) bool { return strings.Contains(f, "up") })
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

// full fails as a full disk does, after some bytes.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	n := min(f.left, len(p))
	f.left -= n
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// Output that cannot be written makes every command fail, and one that nobody
// reads ends it.
func TestOutputFails(t *testing.T) {
	for _, args := range [][]string{
		{"models"},
		{"models", "--paper"},
		{"info", "mixnet_s"},
		{"info", "mixnet_s", "--toml"},
		{"models", "--vocabulary"},
		{"doctor"},
		{"completion", "bash"},
		{"train", "--print-config"},
		{"models", "--json"},
		{"version"},
		{"compare", "mixnet_tiny", "--time", "0s"},
		{"--help"},
		{"--version"},
	} {
		for _, room := range []int{0, 3} {
			var errs bytes.Buffer
			code := execute(context.Background(), invocation{program: "mixnet", args: args, stdout: &full{room}, stderr: &errs})
			if code != exitFailure || !strings.Contains(errs.String(), "standard output") || strings.Count(errs.String(), "\n") != 1 {
				t.Errorf("%v: exit code %d, %s", args, code, &errs)
			}
		}
	}
	var errs bytes.Buffer
	code := execute(context.Background(), invocation{program: "mixnet", args: []string{"models"}, stdout: gone{}, stderr: &errs})
	if code != exitPipe || errs.Len() > 0 {
		t.Errorf("nobody reads: exit code %d, %s", code, &errs)
	}
}

type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// File names are bytes, and are never commands for the terminal.
func TestFileNames(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	content, err := os.ReadFile(samplePicture(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"q\xff.png", "\x1b[31mred.png", "tab\there.png", "new\nline.png", "wide 画像.png"} {
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Skip(err)
		}
		out := mustRun(t, "predict", "--model", "fashion", "-k", "1", name)
		if fields := strings.Split(strings.TrimSuffix(out, "\n"), "\t"); len(fields) != 4 || strings.ContainsAny(out[:len(out)-1], "\x1b\n") {
			t.Errorf("%q: %q", name, out)
		}
		if err := os.WriteFile(name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, _, errs := invoke(t, "predict", "--model", "fashion", name); strings.Contains(errs, "\x1b") {
			t.Errorf("%q: %q", name, errs)
		}
	}
}

// samplePicture writes a picture and returns its name.
func samplePicture(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(classFolders(t), "dark", "*.png"))
	if err != nil || len(found) == 0 {
		t.Fatal(err, found)
	}
	return found[0]
}

func TestQuoting(t *testing.T) {
	for s, want := range map[string]string{
		"a/b-c_1.png": "a/b-c_1.png", "": "''", "Klasse Ä/dup2.jpg": "'Klasse Ä/dup2.jpg'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "q\xff\n": `$'q\xff\x0a'`, "Ä.png": "Ä.png", "a*": "'a*'",
	} {
		got := shellQuote(s)
		if got != want {
			t.Errorf("%q is quoted as %s, want %s", s, got, want)
		}
		if bash, err := exec.LookPath("bash"); err == nil {
			if back, err := exec.Command(bash, "-c", "printf %s "+got).Output(); err != nil || string(back) != s {
				t.Errorf("bash reads %s as %q, want %q", got, back, s)
			}
		}
	}
	for arg0, want := range map[string]string{
		"mixnet": "mixnet", "./mixnet": "./mixnet", "/opt/my tools/mixnet": "'/opt/my tools/mixnet'",
		"/tmp/go-build123/b001/exe/mixnet": "go run github.com/mixnet-go/mixnet/cmd/mixnet@latest",
	} {
		if got := core.startedAs(arg0); got != want {
			t.Errorf("started as %s: %s, want %s", arg0, got, want)
		}
	}
	t.Chdir(filepath.Join("..", ".."))
	if got := core.startedAs("/root/.cache/go-build/ab/cd-d/exe/mixnet"); got != "go run ./cmd/mixnet" {
		t.Errorf("in the module: %s", got)
	}
}

// Tables fit the terminal: columns that can be spared go first, then the widest
// is wrapped.
func TestTableLayout(t *testing.T) {
	rows := [][]string{
		{"RUN", "DATA", "BATCH", "TOP-1"},
		{"runs/one", "a folder of pictures", "64", "91.00 %"},
		{"runs/画像", "x", "128", "9.00 %"},
	}
	for _, tc := range []struct {
		columns int
		want    string
		left    string
	}{
		{0, "RUN        DATA                  BATCH  TOP-1\nruns/one   a folder of pictures  64     91.00 %\nruns/画像  x                     128    9.00 %", ""},
		{45, "RUN        DATA                  TOP-1\nruns/one   a folder of pictures  91.00 %\nruns/画像  x                     9.00 %", "BATCH"},
		{33, "RUN        DATA           TOP-1\nruns/one   a folder of    91.00 %\n           pictures\nruns/画像  x              9.00 %", "BATCH"},
	} {
		lines, left := layout(rows, tc.columns, []string{"NONE", "BATCH"})
		if got := strings.Join(lines, "\n"); got != tc.want || strings.Join(left, " ") != tc.left {
			t.Errorf("%d columns:\n%s\nleft out %v, want\n%s\nleft out %s", tc.columns, got, left, tc.want, tc.left)
		}
		for _, line := range lines {
			if tc.columns > 0 && displayWidth(line) > tc.columns {
				t.Errorf("%q is wider than %d columns", line, tc.columns)
			}
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"help", "train"}, {"version"}, {"help", "info"}} {
		if out := mustRun(t, args...); out == "" {
			t.Errorf("%v says nothing", args)
		}
	}
	if code, _, errs := invoke(t, "help", "trian"); code != exitUsage || !strings.Contains(errs, "train") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	out := mustRun(t, "info", "--help")
	if n := strings.Count(out, "\n"); n < 30 || !strings.Contains(out, "\n    partition=") {
		t.Errorf("the changes are not one a line:\n%s", out)
	}
	if out := mustRun(t, "predict", "--help"); !strings.Contains(out, "Default: 5") {
		t.Errorf("no default of --topk:\n%s", out)
	}
}
