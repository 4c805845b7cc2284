//go:build windows || (unix && !solaris && !aix)

package filelock

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const envPath = "MIXNET_TEST_LOCK"

// TestHelperProcess is not a test: it holds the lock of TestProcessThatEnds
// until it is killed.
func TestHelperProcess(t *testing.T) {
	path := os.Getenv(envPath)
	if path == "" {
		t.Skip("a process of another test")
	}
	if _, err := Try(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".held", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
}

// The lock of a process that is killed is free again.
func TestProcessThatEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperProcess$")
	cmd.Env = append(os.Environ(), envPath+"="+path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if _, err := os.Stat(path + ".held"); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := Try(path); !errors.Is(err, ErrHeld) {
		t.Errorf("a lock that another process holds: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Wait(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for it: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	l, err := Wait(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

// However many take turns and remove the file, never do two hold the lock.
func TestOneHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var holders, turns atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for turns.Load() < 200 {
				l, err := Try(path)
				if errors.Is(err, ErrHeld) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				turns.Add(1)
				holders.Add(-1)
				l.Remove()
			}
		})
	}
	all.Wait()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
}
