package pixel

import (
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/guard"
)

// atPageEnd returns n bytes, after which no memory can be read.
func atPageEnd(t *testing.T, n int) []uint8 {
	t.Helper()
	m := guard.Memory(t, n)
	return m[len(m)-n:]
}

// TestNoReadBeyondTheEnd dies of a fault if a loop reads or writes beyond its
// arguments.
func TestNoReadBeyondTheEnd(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for n := 1; n < 70; n++ {
			taps := cubicTaps(rng, n, 1+rng.IntN(40), 9)
			first, last := taps.Span()
			taps.Row(atPageEnd(t, 3*len(taps.First)), atPageEnd(t, 3*(last-first)), 3)
			taps.Columns(atPageEnd(t, n*len(taps.First)), atPageEnd(t, n*(last-first)), n, n)
			YCC(atPageEnd(t, 3*n), atPageEnd(t, n), atPageEnd(t, n), atPageEnd(t, n))
			sums := make([]uint16, n+2)
			SumRows(sums[1:n+1], atPageEnd(t, n), atPageEnd(t, n))
			Widen(atPageEnd(t, 2*n), sums, 1, 2, 2)
			IDCT(atPageEnd(t, 7*(n+7)+8), n+7, new([64]int16))
		}
	})
}
