package optim

import (
	"math"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/internal/testkit"
)

// After one step the average has moved 9/11 of the way.
func TestAverage(t *testing.T) {
	for _, c := range []struct {
		t    int
		want float64
	}{{1, 2. / 11}, {10, 11. / 20}, {1e6, 0.9999}} {
		if got := AverageDecay(0.9999, c.t); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("after %d updates %g, want %g", c.t, got, c.want)
		}
	}
	avg, values := graph.Values[float32]{{1, 2}, {3}}, graph.Values[float32]{{12, 13}, {3}}
	Average(par.New(2), avg, values, AverageDecay(0.9999, 1))
	if err := testkit.Close(append(avg[0], avg[1]...), []float64{10, 11, 3}, 1e-6); err != nil {
		t.Error(err)
	}
}
