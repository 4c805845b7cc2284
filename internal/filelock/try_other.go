//go:build !windows && (!unix || solaris || aix)

package filelock

import "os"

// tryLock always succeeds: this system has no locks that end with a process.
func tryLock(*os.File) (bool, error) { return true, nil }
