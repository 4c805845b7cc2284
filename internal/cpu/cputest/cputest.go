// Package cputest runs one test on every implementation of the kernels.
package cputest

import (
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// Each runs f once for every level that this machine and this build have, as
// a subtest named after the level, the best level included: there is no way
// for it to be left out on a machine that has it. f must not use t.Parallel.
func Each(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for _, l := range cpu.Available() {
		t.Run(l.String(), func(t *testing.T) {
			restore, err := cpu.Set(l)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			f(t)
		})
	}
}
