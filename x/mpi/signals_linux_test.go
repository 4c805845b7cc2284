//go:build linux && (amd64 || arm64)

package mpi

import (
	"syscall"
	"testing"
)

// What a library does with signals while it starts is undone.
func TestKeepSignals(t *testing.T) {
	before, ok := exchange(int(syscall.SIGUSR1), nil)
	if !ok {
		t.Fatal("what is done on a signal cannot be read")
	}
	restore := keepSignals()
	ignore := action{handler: 1}
	if _, ok := exchange(int(syscall.SIGUSR1), &ignore); !ok {
		t.Fatal("what is done on a signal cannot be set")
	}
	if now, _ := exchange(int(syscall.SIGUSR1), nil); now.handler != 1 {
		t.Fatalf("%+v is done in place of nothing", now)
	}
	restore()
	if now, _ := exchange(int(syscall.SIGUSR1), nil); now != before {
		t.Errorf("%+v is done, before it was %+v", now, before)
	}
}
