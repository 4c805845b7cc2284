//go:build !linux && !darwin && !freebsd

package mpi

import (
	"errors"
	"runtime"
)

var errNotThere = errors.New("MPI is not supported on " + runtime.GOOS)

// load opens no library on this system.
func load(string) (*Library, error) { return nil, errNotThere }

func symbol(uintptr, string) (uintptr, error) { return 0, errNotThere }
