package q8

import (
	"testing"

	"github.com/mixnet-go/mixnet/internal/guard"
)

// guarded hands out slices with a sentinel before them and, where the system
// allows it, an unmapped page behind them, so that reading or writing past the
// end faults.
type guarded struct{ mem []uint8 }

const (
	guardLen = 64
	sentinel = 0xa5
)

func newGuarded(t testing.TB, size int) *guarded { return &guarded{guard.Memory(t, size+guardLen)} }

// slice returns n bytes that end where the memory does, filled with sentinels
// that a kernel is to overwrite. It is valid until the next call.
func (g *guarded) slice(n int) []uint8 {
	for i := range g.mem[len(g.mem)-n-guardLen:] {
		g.mem[len(g.mem)-n-guardLen+i] = sentinel
	}
	return g.mem[len(g.mem)-n:]
}

// source returns a copy of s with no more than its slack behind it.
func (g *guarded) source(s []uint8) []uint8 {
	c := g.slice(len(s) + Slack)[:len(s)]
	copy(c, s)
	return c
}

// check reports a write before a slice of n bytes.
func (g *guarded) check(t *testing.T, n int) {
	t.Helper()
	for i, b := range g.mem[len(g.mem)-n-guardLen : len(g.mem)-n] {
		if b != sentinel {
			t.Fatalf("wrote %d bytes before the start", guardLen-i)
		}
	}
}
