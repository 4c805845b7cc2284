package autodiff

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/tensor"
)

// moments gathers mean and variance of channels tile by tile. Values are
// counted as differences from a pivot, the first value seen of each channel,
// so that a large mean does not drown the variance.
type moments[T tensor.Float] struct {
	pivot        []T
	count        []float64
	sum, squares []float64
}

func newMoments[T tensor.Float](c int) moments[T] {
	return moments[T]{pivot: make([]T, c), count: make([]float64, c), sum: make([]float64, c), squares: make([]float64, c)}
}

// add counts the rows of t. The same channels must come in the same ranges
// each time. scratch holds two values per channel.
func (m *moments[T]) add(scratch []T, t tile[T]) {
	cols := t.cols()
	pivot := m.pivot[t.c0:t.c1]
	if m.count[t.c0] == 0 {
		copy(pivot, t.data[:cols])
	}
	sum, squares := scratch[:cols], scratch[cols:2*cols]
	clear(scratch[:2*cols])
	kernel.Moments(t.data, t.stride, t.rows(), pivot, sum, squares)
	for i := range cols {
		m.count[t.c0+i] += float64(t.rows())
		m.sum[t.c0+i] += float64(sum[i])
		m.squares[t.c0+i] += float64(squares[i])
	}
}

// total is the mean of each channel and the sum of squared differences from it.
type total struct{ mean, squares []float64 }

// mergeMoments combines the parts in their order and empties them (Chan,
// Golub and LeVeque 1979).
func mergeMoments[T tensor.Float](parts []moments[T]) total {
	c := len(parts[0].pivot)
	t := total{mean: make([]float64, c), squares: make([]float64, c)}
	for i := range c {
		var n float64
		for _, p := range parts {
			m := p.count[i]
			if m == 0 {
				continue
			}
			d := p.sum[i] / m
			delta := float64(p.pivot[i]) + d - t.mean[i]
			t.mean[i] += delta * m / (n + m)
			t.squares[i] += p.squares[i] - p.sum[i]*d + delta*delta*n*m/(n+m)
			n += m
		}
		t.squares[i] = max(t.squares[i], 0)
	}
	for _, p := range parts {
		clear(p.count)
		clear(p.sum)
		clear(p.squares)
	}
	return t
}
