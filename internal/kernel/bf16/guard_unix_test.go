//go:build unix

package bf16

import (
	"testing"

	"golang.org/x/sys/unix"
)

func newGuarded(t testing.TB, size int) *guarded {
	t.Helper()
	page := unix.Getpagesize()
	n := (size + guardLen + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, n+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Mprotect(mem[n:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return &guarded{mem[:n:n]}
}
