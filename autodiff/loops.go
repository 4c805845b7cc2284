package autodiff

import "github.com/mixnet-go/mixnet/tensor"

// addMoments adds x-pivot and its square to sum and squares.
func addMoments[T tensor.Float](sum, squares, x []T, xs, rows, cols int, pivot []T) {
	sum, squares, pivot = sum[:cols], squares[:cols], pivot[:cols]
	for i := range rows {
		x := x[i*xs:][:cols]
		for j := range x {
			d := x[j] - pivot[j]
			sum[j] += d
			squares[j] += d * d
		}
	}
}

// addOuter adds gᵀ·a to sum: sum[o][i] += Σ over rows of g[row][o]·a[row][i].
func addOuter[T tensor.Float](sum []T, ss int, g []T, gs int, a []T, as, rows, outs, ins int) {
	for r := range rows {
		a := a[r*as:][:ins]
		for o, f := range g[r*gs:][:outs] {
			d := sum[o*ss:][:ins]
			for i := range d {
				d[i] += f * a[i]
			}
		}
	}
}
