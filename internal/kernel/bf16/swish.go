package bf16

import "math"

// Swish is max(x, 0) less an even function, r(u) = u/(1+e^u) of u = |x|, which
// a polynomial of degree 2 for every half of u approximates to 2e-4: half a unit
// in the last place of 0.1.
const (
	swishPieces = 32
	swishDegree = 2
	swishLimit  = (swishPieces - 1) * 0.5 // beyond, r is zero
	halfMagic   = 3 << 21                 // adding it rounds to a multiple of 1/2
)

// swishTable has the coefficients of the pieces, those of t^0 first, where t is
// the distance to the multiple of 1/2 in the middle of a piece.
var swishTable = newSwishTable()

func newSwishTable() (table [swishDegree + 1][swishPieces]float32) {
	// Near 0, where only the errors relative to x count, it is the series of r.
	table[1][0], table[2][0] = 0.5, -0.25
	const d = 0.25 * 0.866025403784438646763 // the roots of Chebyshev's polynomial are 0 and ±d
	for i := 1; i < swishPieces-1; i++ {
		u := float64(i) / 2
		below, at, above := rest(u-d), rest(u), rest(u+d)
		table[0][i] = float32(at)
		table[1][i] = float32((above - below) / (2 * d))
		table[2][i] = float32((above + below - 2*at) / (2 * d * d))
	}
	return table
}

// rest returns u/(1+e^u), for u from 0 to 16, by the series of e^u: the same
// everywhere, as math.Exp is not.
func rest(u float64) float64 {
	exp, term := 1.0, 1.0
	for i := 1; i < 80; i++ {
		term = float64(term*u) / float64(i)
		exp += term
	}
	return u / (1 + exp)
}

func swish(x float32) float32 {
	u := float32(math.Abs(float64(x)))
	if !(u < swishLimit) {
		u = swishLimit
	}
	b := u + halfMagic
	i := math.Float32bits(b) % swishPieces
	t := u - (b - halfMagic)
	p := fma(swishTable[2][i], t, swishTable[1][i])
	return relu(x) - fma(p, t, swishTable[0][i])
}

// fma returns a·b+c. It is rounded to float64 before it is rounded to float32,
// which in one of 2^29 cases gives another last bit than one rounding.
func fma(a, b, c float32) float32 {
	return float32(math.FMA(float64(a), float64(b), float64(c)))
}
