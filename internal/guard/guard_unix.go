//go:build unix

// Package guard gives tests memory behind which nothing can be read or written.
package guard

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Memory returns at least size bytes, behind which, where the system allows it,
// an unmapped page lies, so that reading or writing past the end faults.
func Memory(t testing.TB, size int) []byte {
	t.Helper()
	page := unix.Getpagesize()
	n := (size + page - 1) / page * page
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
	return mem[:n:n]
}
