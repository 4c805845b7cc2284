package bf16

import (
	"testing"
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/guard"
)

// guarded is memory behind which, where the system allows it, an unmapped page
// lies, so that reading or writing past the end faults.
type guarded struct{ mem []uint8 }

func newGuarded(t testing.TB, size int) *guarded { return &guarded{guard.Memory(t, size+guardLen)} }

const guardLen = 64

// guardedEnd returns n elements that end where the memory does.
func guardedEnd[T uint16 | float32](g *guarded, n int) []T {
	var t T
	size := int(unsafe.Sizeof(t))
	b := g.mem[len(g.mem)-n*size:]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// guardedCopy returns a copy of s that ends where the memory does.
func guardedCopy[T uint16 | float32](g *guarded, s []T) []T {
	if s == nil {
		return nil
	}
	c := guardedEnd[T](g, len(s))
	copy(c, s)
	return c
}
