//go:build linux && (amd64 || arm64)

package mpi

import (
	"syscall"
	"unsafe"
)

// lastSignal is the last that is not for real time: those are the C library's and
// Go's own.
const lastSignal = 31

// action is what the system does on a signal, as rt_sigaction takes it.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// keepSignals notes what is done on signals, and returns what puts that back. MPI
// libraries put handlers of their own in the place of Go's when they start, such
// as MPICH for SIGUSR1, which do not change to the stack that Go handles signals
// on: now and then a signal would end the process.
func keepSignals() (restore func()) {
	var before [lastSignal + 1]action
	for s := 1; s <= lastSignal; s++ {
		before[s], _ = exchange(s, nil)
	}
	return func() {
		for s := 1; s <= lastSignal; s++ {
			if after, ok := exchange(s, nil); ok && after != before[s] {
				exchange(s, &before[s])
			}
		}
	}
}

// exchange returns what is done on a signal, and sets it if there is a new action.
func exchange(signal int, set *action) (old action, ok bool) {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(&old)), unsafe.Sizeof(old.mask), 0, 0)
	return old, errno == 0
}
