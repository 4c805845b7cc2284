//go:build !unix

package bf16

import "testing"

func newGuarded(_ testing.TB, size int) *guarded { return &guarded{make([]uint8, size+guardLen)} }
