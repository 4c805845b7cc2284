package kernel

import "math"

// winogradPoints are where the polynomials of a 4×4 tile are evaluated besides
// 0 and infinity: ±√2 and ±1/√2. With ±1 and ±2, which take as many operations,
// the error of float32 is twice as large. A 2×2 tile takes 0, ±1 and infinity, and with
// stride 2, 0, 1 and infinity.
const (
	winogradRoot    = math.Sqrt2
	winogradInverse = 1 / math.Sqrt2
)

// winogradFilter transforms the weights g of one pair of channels and writes
// them step apart.
func winogradFilter[T Float](dst []T, step int, form WinogradForm, g *[9]float64) {
	side := form.side()
	var cols [18]float64
	for j := range 3 {
		f := winogradFilter1(form, g[j], g[3+j], g[6+j])
		for i := range side {
			cols[i*3+j] = f[i]
		}
	}
	for i := range side {
		f := winogradFilter1(form, cols[i*3], cols[i*3+1], cols[i*3+2])
		for j := range side {
			dst[(i*side+j)*step] = T(f[j])
		}
	}
}

// winogradFilter1 is the transform of a row or column of three weights: the
// values of their polynomial at the points, divided by the product of the
// point's distances from the others.
func winogradFilter1(form WinogradForm, a, b, c float64) [6]float64 {
	switch {
	case form.Stride == 2:
		return [6]float64{a, a + c, c, b, b}
	case form.Tile == 2:
		return [6]float64{a, (a + b + c) / 2, (a - b + c) / 2, c}
	}
	const scale, scale2 = -2. / 3, 1. / 6 // 1/(2p²(p²-q²)) and 1/(2q²(q²-p²)), p = 1/√2, q = √2
	even, odd := a+c/2, b*winogradInverse
	even2, odd2 := a+c*2, b*winogradRoot
	return [6]float64{a, (even + odd) * scale, (even - odd) * scale, (even2 + odd2) * scale2, (even2 - odd2) * scale2, c}
}

// winogradInput transforms the pixels of a tile, row by row, to positions.
func winogradInput[T Float](t *[36]T, form WinogradForm) {
	side := form.side()
	for j := range side { // columns
		winogradInput1(t, j, side, form)
	}
	for i := range side {
		winogradInput1(t, i*side, 1, form)
	}
}

// winogradInput1 transforms elements step apart, from at on.
func winogradInput1[T Float](t *[36]T, at, step int, form WinogradForm) {
	var x [6]T
	for i := range form.side() {
		x[i] = t[at+i*step]
	}
	var y [6]T
	switch {
	case form.Stride == 2:
		y = [6]T{x[0] - x[2], x[2], x[4] - x[2], x[1], x[3]}
	case form.Tile == 2:
		y = [6]T{x[0] - x[2], x[1] + x[2], x[2] - x[1], x[3] - x[1]}
	default:
		even, odd := x[4]-2*x[2], (x[3]-2*x[1])*winogradInverse
		even2, odd2 := x[4]-x[2]/2, (x[3]-x[1]/2)*winogradRoot
		y = [6]T{x[0] + x[4] - 2.5*x[2], even + odd, even - odd, even2 + odd2, even2 - odd2, x[1] + x[5] - 2.5*x[3]}
	}
	for i := range form.side() {
		t[at+i*step] = y[i]
	}
}

// winogradOutput transforms positions to pixels, tile to a row.
func winogradOutput[T Float](t *[36]T, form WinogradForm) {
	side, tile := form.side(), form.Tile
	for j := range side {
		y := winogradOutput1(t, j, side, form)
		for i := range tile {
			t[i*side+j] = y[i]
		}
	}
	for i := range tile {
		y := winogradOutput1(t, i*side, 1, form)
		copy(t[i*tile:], y[:tile]) // not beyond what is already read
	}
}

// winogradOutput1 returns the transform of elements step apart, from at on.
func winogradOutput1[T Float](t *[36]T, at, step int, form WinogradForm) [4]T {
	var x [6]T
	for i := range form.side() {
		x[i] = t[at+i*step]
	}
	switch {
	case form.Stride == 2:
		return [4]T{x[0] + x[1] + x[3], x[1] + x[2] + x[4]}
	case form.Tile == 2:
		return [4]T{x[0] + x[1] + x[2], x[1] - x[2] + x[3]}
	}
	const p, q = winogradInverse, winogradRoot
	sum, diff := x[1]+x[2], x[1]-x[2]
	sum2, diff2 := x[3]+x[4], x[3]-x[4]
	return [4]T{x[0] + sum + sum2, p*diff + q*diff2, sum/2 + 2*sum2, x[5] + p*p*p*diff + q*q*q*diff2}
}
