package kernel

import "time"

// PeakFLOPS measures how many floating-point operations per second one core
// can do at the current level, with multiply-adds that touch no memory. It
// takes about 20 ms.
func PeakFLOPS() float64 {
	best := 0.0
	const rounds = 1 << 17
	for range 8 {
		start := time.Now()
		n := fmaLoop(rounds)
		best = max(best, float64(n)/time.Since(start).Seconds())
	}
	return best
}

// fmaLoopGeneric does rounds times 8 multiply-adds and returns the number of
// operations. The sums leave through a branch never taken, so that the
// compiler keeps them.
func fmaLoopGeneric(rounds int) int {
	var s [8]float32
	a, b := float32(rounds), float32(0)
	s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	for range rounds {
		s0 += a * b
		s1 += a * b
		s2 += a * b
		s3 += a * b
		s4 += a * b
		s5 += a * b
		s6 += a * b
		s7 += a * b
	}
	if s0+s1+s2+s3+s4+s5+s6+s7 != 0 {
		return 0
	}
	return rounds * 8 * 2
}
