package quantize

import (
	"math"

	"github.com/mixnet-go/mixnet/graph"
)

// roundWeights returns weights as whole numbers of a scale for each of a number
// of output channels, and the ratio of the mean squared error to the mean square.
func roundWeights(w []float32, channels int) (rounded, scales []float32, noise float64) {
	rounded, scales = make([]float32, len(w)), make([]float32, channels)
	n := len(w) / channels
	power := 0.0
	for c := range scales {
		row := w[c*n:][:n]
		s, e := weightScale(row)
		scales[c] = s
		for i, v := range row {
			rounded[c*n+i] = weightCode(v, s) * s
			power += float64(v) * float64(v)
		}
		noise += e
	}
	if power > 0 {
		noise /= power
	}
	return rounded, scales, noise
}

// weightCode returns the whole number nearest to w/s.
func weightCode(w, s float32) float32 {
	q := math.RoundToEven(float64(w) / float64(s))
	return float32(min(max(q, -graph.MaxWeightCode), graph.MaxWeightCode))
}

// deadScale is that of a channel without weights: small, since factors of sums
// are bounded and batch norm's may be large where nothing varies.
const deadScale = 1e-6

// weightScale returns the scale by which no weight is cut off, and the squared
// error that rounding leaves.
func weightScale(row []float32) (scale float32, err float64) {
	most := float32(0)
	for _, v := range row {
		most = max(most, max(v, -v))
	}
	if !(most/graph.MaxWeightCode > graph.MinScale) {
		return deadScale, 0 // nothing, or nothing that counts
	}
	scale = most / graph.MaxWeightCode
	for _, v := range row {
		d := float64(v - weightCode(v, scale)*scale)
		err += d * d
	}
	return scale, err
}
