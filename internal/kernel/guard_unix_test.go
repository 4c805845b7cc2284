//go:build unix

package kernel

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func newGuarded(t testing.TB, size int) *guarded {
	t.Helper()
	page := unix.Getpagesize()
	bytes := (4*(size+guardLen) + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, bytes+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Mprotect(mem[bytes:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return &guarded{unsafe.Slice((*float32)(unsafe.Pointer(&mem[0])), bytes/4)}
}
