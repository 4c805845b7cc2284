package nas

import "math"

// Kendall returns Kendall's τ-b of two series: how far they have one order, from
// -1 to 1. Pairs that either holds equal count half. It is NaN where either
// series has one value only.
func Kendall(x, y []float64) float64 {
	var agree, tiedX, tiedY, pairs float64
	for i := range x {
		for j := range i {
			pairs++
			a, b := sign(x[i]-x[j]), sign(y[i]-y[j])
			agree += a * b
			if a == 0 {
				tiedX++
			}
			if b == 0 {
				tiedY++
			}
		}
	}
	return agree / math.Sqrt((pairs-tiedX)*(pairs-tiedY))
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}
