//go:build unix

package command

import (
	"os"
	"syscall"
)

// launcherSignals are those that launchers of jobs send, or pass on, to end a
// job: Open MPI's mpirun leaves its ranks no time to save after the others, but
// passes on this one, and batch systems send it some time before the end.
func launcherSignals() []os.Signal { return []os.Signal{syscall.SIGUSR1} }
