package mpi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// envRank makes this program a rank instead of its tests.
const envRank = "MIXNET_TEST_RANK"

func TestMain(m *testing.M) {
	if os.Getenv(envRank) == "" {
		os.Exit(m.Run())
	}
	if err := rank(); err != nil {
		fmt.Println("FAILED:", err)
		Exit(1)
	}
	Exit(0)
}

// rank makes calls of all kinds and checks what comes of them.
func rank() error {
	l, err := Find()
	if err != nil {
		return err
	}
	w, err := l.Join()
	if err != nil {
		return err
	}
	for _, n := range []int{0, 1, 7, 1 << 20} {
		if err := collectives(w, n); err != nil {
			return fmt.Errorf("%d numbers: %w", n, err)
		}
	}
	if err := w.Exchange(make([]float32, w.Size()+1), make([]float32, w.Size()+1)); err == nil {
		return errors.New("pieces of different sizes were exchanged")
	}
	if err := w.Gather(make([]byte, 1), make([]byte, 1)); err == nil {
		return errors.New("more was gathered than there is room for")
	}
	if w.Rank() == 1 { // the others wait for it
		time.Sleep(50 * time.Millisecond)
	}
	return w.Close(time.Minute)
}

// value is a number that only one place of one rank has.
func value(rank, i int) float32 { return float32(1000*rank + i%1000) }

func collectives(w *World, n int) error {
	mine := make([]float32, n)
	var all, exchanged []float32
	for i := range mine {
		mine[i] = value(w.Rank(), i)
	}
	for r := range w.Size() {
		for i := range n {
			all = append(all, value(r, i))
			exchanged = append(exchanged, value(r, w.Rank()*n+i))
		}
	}
	send := make([]float32, n*w.Size())
	for i := range send {
		send[i] = value(w.Rank(), i)
	}
	got := make([]float32, n*w.Size())
	if err := w.GatherFloats(got, mine); err != nil || !slices.Equal(got, all) {
		return fmt.Errorf("gathered numbers differ: %w", errors.Join(err))
	}
	if err := w.Exchange(got, send); err != nil || !slices.Equal(got, exchanged) {
		return fmt.Errorf("exchanged numbers differ: %w", errors.Join(err))
	}
	bytesGot := make([]byte, 4*n*w.Size())
	if err := w.Gather(bytesGot, bytesOf(mine)); err != nil || !bytes.Equal(bytesGot, bytesOf(all)) {
		return fmt.Errorf("gathered bytes differ: %w", errors.Join(err))
	}
	return nil
}

// What ranks gather and exchange is what each has given.
func TestCalls(t *testing.T) {
	launchers := filepath.SplitList(os.Getenv("MIXNET_MPIRUN"))
	if len(launchers) == 0 {
		path, err := exec.LookPath("mpirun")
		if err != nil {
			t.Skip("no mpirun: MIXNET_MPIRUN names some")
		}
		launchers = []string{path}
	}
	for _, mpirun := range launchers {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, mpirun, "-n", "3", os.Args[0])
		cmd.Env = append(os.Environ(), envRank+"=1", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
			"OMPI_MCA_rmaps_base_oversubscribe=1", "PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe")
		if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("FAILED")) {
			t.Errorf("%s: %v\n%s", mpirun, err, out)
		}
	}
}

// Libraries say at length what they are.
func TestFirstWords(t *testing.T) {
	for text, want := range map[string]string{
		"MPICH Version:      5.0.2\nMPICH Release date: Fri Sep 25\nMPICH ABI:          18:0:6\x00": "MPICH 5.0.2",
		"Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022":    "Open MPI v4.1.4",
		"Intel(R) MPI Library 2021.13 for Linux* OS\n":                                              "Intel(R) MPI Library 2021.13",
		"MVAPICH Version         :\t4.0\nMVAPICH Release date    : 07/04/2025":                      "MVAPICH Version : 4.0",
		"an MPI": "an MPI",
	} {
		if got := firstWords(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// A file that is no library of MPI is refused, with its name.
func TestNoLibrary(t *testing.T) {
	for _, path := range []string{os.Args[0], filepath.Join(t.TempDir(), "libmpi.so")} {
		t.Setenv(Variable, path)
		if l, err := Find(); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %+v, %v", path, l, err)
		}
	}
}
