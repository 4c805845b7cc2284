//go:build linux || darwin || freebsd

package mpi

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ebitengine/purego"
)

var errNotThere = errors.New("there is no such library")

// load opens a library's file and finds out what it is.
func load(path string) (*Library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		if strings.Contains(err.Error(), "No such file") || strings.Contains(err.Error(), "no such file") {
			err = errNotThere
		}
		return nil, err
	}
	l := &Library{Path: path, handle: handle}
	if err := errors.Join(l.bind(), l.identify()); err != nil {
		_ = purego.Dlclose(handle) // it is of no use
		return nil, fmt.Errorf("no library to work with: %w", err)
	}
	return l, nil
}

// Exit ends the process as a C program ends: MPICH tells its launcher of the end
// by a function that runs then, without which that takes it for a crash.
func Exit(code int) {
	if at, err := purego.Dlsym(purego.RTLD_DEFAULT, "exit"); err == nil {
		var exit func(code int32)
		purego.RegisterFunc(&exit, at)
		exit(int32(code))
	}
	os.Exit(code)
}

func symbol(handle uintptr, name string) (uintptr, error) { return purego.Dlsym(handle, name) }
