//go:build !linux || (!amd64 && !arm64)

package mpi

// keepSignals leaves signals as the library has them.
func keepSignals() (restore func()) { return func() {} }
