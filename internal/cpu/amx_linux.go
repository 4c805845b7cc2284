//go:build amd64 && !purego

package cpu

import "syscall"

// permitAMX asks the system for the state of the tile registers, for all
// threads of the process, those to come included. It refuses where it is older
// than Linux 5.16, or forbids the call.
func permitAMX() bool {
	const (
		requestPermission = 0x1023 // ARCH_REQ_XCOMP_PERM
		tileData          = 18
	)
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return errno == 0
}
