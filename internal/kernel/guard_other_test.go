//go:build !unix

package kernel

import "testing"

func newGuarded(t testing.TB, size int) *guarded {
	return &guarded{make([]float32, size+guardLen)}
}
