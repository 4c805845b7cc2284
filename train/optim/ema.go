package optim

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/par"
)

// AverageDecay returns the weight of the old average after t updates, this one
// included: min(decay, (1+t)/(10+t)), TensorFlow's warm-up.
func AverageDecay(decay float64, t int) float64 {
	return min(decay, (1+float64(t))/(10+float64(t)))
}

// Average moves the averages towards values: every parameter, and the running
// statistics of batch norm too.
func Average(pool *par.Pool, averages, values graph.Values[float32], decay float64) {
	move := float32(1 - decay)
	parts := min(pool.Threads(), len(values))
	pool.Run(parts, func(part int) {
		for i := part; i < len(values); i += parts {
			kernel.Approach(averages[i], values[i], move)
		}
	})
}
