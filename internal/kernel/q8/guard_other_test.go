//go:build !unix

package q8

import "testing"

func newGuarded(_ testing.TB, size int) *guarded { return &guarded{make([]uint8, size+guardLen)} }
