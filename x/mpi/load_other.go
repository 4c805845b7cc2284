//go:build !linux && !darwin && !freebsd

package mpi

import (
	"errors"
	"os"
	"runtime"
)

var errNotThere = errors.New("MPI is not supported on " + runtime.GOOS)

// load opens no library on this system.
func load(string) (*Library, error) { return nil, errNotThere }

// Exit ends the process.
func Exit(code int) { os.Exit(code) }

func symbol(uintptr, string) (uintptr, error) { return 0, errNotThere }
