package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/x/mpi"
)

// Launchers are the programs named mpirun to test with, as a list of paths; by
// default the one that the shell finds.
const envLaunchers = "MIXNET_MPIRUN"

// envProgram makes this program mixnet-x instead of its tests.
const envProgram = "MIXNET_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(envProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// library is an MPI to test with.
type library struct {
	name   string
	mpirun string
	file   string // of the library; "" for what is found
}

// libraries returns those of the machine: of each launcher, with both interfaces
// if the library is there with two.
func libraries(t *testing.T) []library {
	t.Helper()
	launchers := filepath.SplitList(os.Getenv(envLaunchers))
	if len(launchers) == 0 {
		path, err := exec.LookPath("mpirun")
		if err != nil {
			t.Skipf("no mpirun: %s names some", envLaunchers)
		}
		launchers = []string{path}
	}
	var all []library
	for _, mpirun := range launchers {
		out, err := exec.Command(mpirun, "--version").Output()
		if err != nil {
			t.Fatalf("%s: %v", mpirun, err)
		}
		words := strings.Fields(strings.NewReplacer("HYDRA build details:", "MPICH", "Version:", "").Replace(string(out)))
		at := slices.IndexFunc(words, func(w string) bool { return strings.Trim(w, "0123456789.") == "" })
		name := strings.Join(words[:at+1], " ")
		all = append(all, library{name, mpirun, ""})
		own := filepath.Join(filepath.Dir(filepath.Dir(mpirun)), "lib", "libmpi.so.12")
		if _, err := os.Stat(own); err == nil {
			all = append(all, library{name + ", own ABI", mpirun, own})
		}
	}
	return all
}

// alone returns mixnet-x as a process by itself.
func alone(ctx context.Context, dir string, args ...string) *exec.Cmd {
	return environment(exec.CommandContext(ctx, os.Args[0], args...), dir)
}

// job returns mixnet-x as a number of ranks.
func (l library) job(ctx context.Context, ranks int, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, l.mpirun, append([]string{"-n", fmt.Sprint(ranks), os.Args[0]}, args...)...)
	environment(cmd, dir)
	if l.file != "" {
		cmd.Env = append(cmd.Env, mpi.Variable+"="+l.file)
	}
	return cmd
}

// environment is that of tests: as root, and with more ranks than cores.
func environment(cmd *exec.Cmd, dir string) *exec.Cmd {
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), envProgram+"=1", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
		"OMPI_MCA_rmaps_base_oversubscribe=1", "PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe",
		"OMPI_MCA_hwloc_base_binding_policy=none", "PRTE_MCA_hwloc_default_binding_policy=none",
		"OMPI_MCA_btl_vader_single_copy_mechanism=none", "GOTRACEBACK=single")
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// deadline is the longest that a job may take: one that hangs fails.
const deadline = 3 * time.Minute

// run waits for a command and returns what it has written.
func run(t *testing.T, cmd *exec.Cmd) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// must is run for a command that is to succeed.
func must(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := run(t, cmd)
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return out
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// pictures writes a set of two classes, with validation pictures.
func pictures(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for part, n := range map[string]int{"train": 40, "val": 8} {
		for class := range 2 {
			folder := filepath.Join(dir, part, []string{"dark", "light"}[class])
			if err := os.MkdirAll(folder, 0o777); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				img := image.NewGray(image.Rect(0, 0, 12, 12))
				for p := range img.Pix {
					img.SetGray(p%12, p/12, color.Gray{Y: uint8(60 + 80*class + rng.IntN(100))})
				}
				f, err := os.Create(filepath.Join(folder, fmt.Sprintf("%02d.png", i)))
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return dir
}

// boxedPictures writes a set of pictures with a rectangle each, and YOLO's labels
// of them.
func boxedPictures(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	write := func(content []byte, name ...string) {
		path := filepath.Join(append([]string{dir}, name...)...)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, content, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	for part, n := range map[string]int{"train": 8, "test": 4} {
		for i := range n {
			img := image.NewGray(image.Rect(0, 0, 64, 64))
			x, y := rng.IntN(30), rng.IntN(30)
			for p := range 30 * 30 {
				img.SetGray(x+p%30, y+p/30, color.Gray{Y: uint8(100 + rng.IntN(100))})
			}
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			write(b.Bytes(), part, "images", fmt.Sprint(i)+".png")
			write(fmt.Appendf(nil, "0 %g %g %g %g\n", float64(x+15)/64, float64(y+15)/64, 30./64, 30./64), part, "labels", fmt.Sprint(i)+".txt")
		}
	}
	write([]byte("names: [box]\ntrain: train/images\ntest: test/images\n"), "data.yaml")
	return dir
}

// trainArgs is a small run with batches of four parts.
func trainArgs(data, dir string, more ...string) []string {
	return append([]string{"train", "--data", data, "-T", "1", "--batch-size", "32", "--set", "accumulate=4", "--epochs", "3", "-o", dir}, more...)
}

// equal compares the results of two runs: parameters and running statistics, the
// state that a run goes on from but for its times, and metrics.
func equal(t *testing.T, want, got string) {
	t.Helper()
	for _, name := range []string{"model.safetensors", "metrics.jsonl"} {
		a, b := read(t, filepath.Join(want, name)), read(t, filepath.Join(got, name))
		if strings.HasSuffix(name, ".jsonl") {
			a, b = withoutSeconds(t, a), withoutSeconds(t, b)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s and %s: %s differs", want, got, name)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// epochs returns how many a run has recorded.
func epochs(dir string) int {
	b, err := os.ReadFile(filepath.Join(dir, "metrics.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	return bytes.Count(b, []byte("\n"))
}
