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

// EachWith is Each for kernels that ask for features: after every level alone,
// it runs f with each of the sets that can be used there.
func EachWith(t *testing.T, sets []cpu.Feature, f func(t *testing.T)) {
	t.Helper()
	Each(t, func(t *testing.T) {
		usable := cpu.Features()
		for _, set := range append([]cpu.Feature{0}, sets...) {
			if set&^usable != 0 {
				continue
			}
			name := "alone"
			if set != 0 {
				name = set.String()
			}
			t.Run(name, func(t *testing.T) {
				defer cpu.SetFeatures(set)()
				f(t)
			})
		}
	})
}
