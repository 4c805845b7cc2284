package classify

import (
	"math"

	"github.com/mixnet-go/mixnet/tensor"
)

// Targets is what the logits of a batch are compared with.
type Targets struct {
	Labels []int
	// Other are the classes blended in by mixup and CutMix, with 1-Share; nil
	// for none.
	Other []int
	Share float64
	// Smoothing s makes the target 1-s on the label plus s/classes everywhere
	// (Szegedy et al. 2016, section 7).
	Smoothing float64
	// Weights are the importance of every class; nil for equal ones.
	Weights []float64
}

// CrossEntropy returns the sum over rows of the cross-entropy between the
// softmax of logits and the targets, each times the weight of its label, and
// how many rows have their label on top. grad, if not nil, receives scale times
// the gradient of the sum.
func CrossEntropy[T tensor.Float](logits []T, t Targets, scale float64, grad []T) (sum float64, correct int) {
	classes := len(logits) / max(len(t.Labels), 1)
	spread := t.Smoothing / float64(classes)
	for i, label := range t.Labels {
		row := logits[i*classes:][:classes]
		own, other, share := 1-t.Smoothing, label, 0.0
		if len(t.Other) > 0 {
			other, share = t.Other[i], (1-t.Share)*own
			own *= t.Share
		}
		weight := 1.0
		if t.Weights != nil {
			weight = t.Weights[label]
		}
		norm, total, top := logSumExp(row)
		if top == label {
			correct++
		}
		// -Σ target·(x-norm), the targets adding up to 1.
		sum += weight * (norm - own*float64(row[label]) - share*float64(row[other]) - spread*total)
		if grad == nil {
			continue
		}
		g := grad[i*classes:][:classes]
		for j, x := range row {
			g[j] = T(weight * scale * (math.Exp(float64(x)-norm) - spread))
		}
		g[label] -= T(weight * scale * own)
		g[other] -= T(weight * scale * share)
	}
	return sum, correct
}

// logSumExp returns log Σ e^x, Σ x and the index of the first maximum.
func logSumExp[T tensor.Float](row []T) (norm, total float64, top int) {
	for j, x := range row {
		if x > row[top] {
			top = j
		}
	}
	peak := float64(row[top])
	sum := 0.0
	for _, x := range row {
		sum += math.Exp(float64(x) - peak)
		total += float64(x)
	}
	return peak + math.Log(sum), total, top
}
