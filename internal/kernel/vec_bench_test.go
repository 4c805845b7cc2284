package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// fastest returns the shortest time of f, in seconds, over b.N rounds of ten
// calls: on a machine that does other things, the one without them.
func fastest(b *testing.B, f func()) float64 {
	best := time.Hour
	for b.Loop() {
		start := time.Now()
		for range 10 {
			f()
		}
		best = min(best, time.Since(start))
	}
	b.ReportMetric(0, "ns/op")
	return best.Seconds() / 10
}

// BenchmarkLoops runs each loop on a tile of pixels that fits the first-level
// cache.
func BenchmarkLoops(b *testing.B) {
	for _, l := range loops {
		for act := Identity; act <= HardSigmoid; act++ {
			if act != Identity && !l.act {
				break
			}
			b.Run(fmt.Sprintf("%s/%d", l.name, act), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				x := operands{rows: 16, c: 96, act: act}
				n := x.rows * x.c
				for i := range x.mat {
					x.mat[i], x.stride[i] = values(r, n, false), x.c
				}
				for i := range x.chans {
					x.chans[i] = make([]float32, x.c)
				}
				t := fastest(b, func() { l.dispatch(&x) })
				b.ReportMetric(t*1e9/float64(n), "ns/elem")
			})
		}
	}
}
