package kernel

import (
	"math"
	"testing"
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/guard"
)

// guarded hands out slices with a sentinel before them and, where the system
// allows it, an unmapped page right behind them, so that reading or writing
// past the end faults.
type guarded struct{ mem []float32 }

const guardLen = 8

var sentinel = math.Float32frombits(0x7fedcba9) // a NaN that no kernel makes

// newGuarded returns memory for slices of up to size elements.
func newGuarded(t testing.TB, size int) *guarded {
	mem := guard.Memory(t, 4*(size+guardLen))
	return &guarded{unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(mem))), len(mem)/4)}
}

// slice returns n elements, n at most the size given to newGuarded. It is
// valid until the next call.
func (g *guarded) slice(n int) []float32 {
	from := len(g.mem) - n
	for i := from - guardLen; i < from; i++ {
		g.mem[i] = sentinel
	}
	return g.mem[from:len(g.mem):len(g.mem)]
}

// zeros is slice with all elements zero.
func (g *guarded) zeros(n int) []float32 {
	s := g.slice(n)
	clear(s)
	return s
}

// copyOf returns a guarded copy of s; nil stays nil.
func (g *guarded) copyOf(s []float32) []float32 {
	if s == nil {
		return nil
	}
	c := g.slice(len(s))
	copy(c, s)
	return c
}

// check reports a write before a slice of n elements.
func (g *guarded) check(t *testing.T, n int) {
	t.Helper()
	from := len(g.mem) - n
	for i := from - guardLen; i < from; i++ {
		if math.Float32bits(g.mem[i]) != math.Float32bits(sentinel) {
			t.Fatalf("wrote %d elements before the start", from-i)
		}
	}
}
