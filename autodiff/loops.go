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
