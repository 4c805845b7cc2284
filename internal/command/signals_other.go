//go:build !unix

package command

import "os"

// launcherSignals are those of launchers; this system has none.
func launcherSignals() []os.Signal { return nil }
