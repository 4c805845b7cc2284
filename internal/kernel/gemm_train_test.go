package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
)

// MulTransA equals sums in float64, for all tails of tiles and vectors. The
// error of a float32 sum of n products of values up to 1 is below n²·2^-24.
func TestMulTransA(t *testing.T) {
	var guards [3]*guarded
	for i := range guards {
		guards[i] = newGuarded(t, 1<<15)
	}
	cputest.Each(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, rows := range []int{0, 1, 3, 4, 7, 130} {
			for out := 1; out <= 30; out += 1 + out/16 {
				for in := 1; in <= 67; in += 1 + in/34 {
					if rows > 100 && (in+3*out)%31 != 0 {
						continue
					}
					checkMulTransA(t, r, guards, rows, out, in, out+r.IntN(3), in+r.IntN(3))
				}
			}
		}
		// Pixels that compete for places in the cache go another way.
		for _, out := range []int{7, 48, 100} {
			for _, in := range []int{5, 32, 70} {
				checkMulTransA(t, r, guards, 9, out, in, 512, in)
				checkMulTransA(t, r, guards, 9, out, in, out, 1024)
				checkMulTransA(t, r, guards, 60, out, in, 512, 512)
			}
		}
	})
}

func checkMulTransA(t *testing.T, r *rand.Rand, guards [3]*guarded, rows, out, in, dyStride, xStride int) {
	t.Helper()
	dwStride := in + r.IntN(3)
	dw := randoms(r, (out-1)*dwStride+in)
	dy, x := []float32(nil), []float32(nil)
	if rows > 0 {
		dy, x = randoms(r, (rows-1)*dyStride+out), randoms(r, (rows-1)*xStride+in)
	}
	got := guards[0].copyOf(dw)
	MulTransA(got, dwStride, guards[1].copyOf(dy), dyStride, out, guards[2].copyOf(x), xStride, in, rows)
	guards[0].check(t, len(got))
	for i := range got {
		n, k := i/dwStride, i%dwStride
		want := float64(dw[i])
		if k < in {
			for p := range rows {
				want += float64(dy[p*dyStride+n]) * float64(x[p*xStride+k])
			}
		}
		if tol := float64((rows+1)*(rows+1)) * 0x1p-24; !(math.Abs(float64(got[i])-want) <= tol) {
			t.Fatalf("rows=%d out=%d in=%d: dw[%d][%d] = %g, want %g", rows, out, in, n, k, got[i], want)
		}
	}
}
