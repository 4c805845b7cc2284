package weights

import (
	"errors"
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/graph"
)

// ErrValue is wrapped by errors about parameters that no training leaves
// behind: damage, or a training that diverged.
var ErrValue = errors.New("the weights are damaged, or their training diverged")

// maxValue bounds parameters: products of two larger ones overflow.
const maxValue = 1 << 63

// checkValues refuses values that are not finite or so large that results would
// not be, and variances below zero.
func checkValues(kind graph.ParamKind, values []float32) error {
	low := float32(-maxValue)
	if kind == graph.RunningVar {
		low = 0
	}
	for i, x := range values {
		if x >= low && x <= maxValue {
			continue
		}
		what := "is not finite"
		switch {
		case math.IsNaN(float64(x)) || math.IsInf(float64(x), 0):
		case kind == graph.RunningVar && x < 0:
			what = "is a variance below zero"
		default:
			what = "is too large"
		}
		return fmt.Errorf("value %d, %g, %s: %w", i, x, what, ErrValue)
	}
	return nil
}
