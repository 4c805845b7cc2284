package train

import (
	"math"

	"github.com/mixnet-go/mixnet/tensor"
)

// crossEntropy returns the sum over rows of the cross-entropy between the
// softmax of logits and the labels, and how many rows have their label on top.
// Label smoothing s makes the target 1-s on the label plus s/classes
// everywhere (Szegedy et al. 2016, section 7). grad receives scale times the
// gradient of the sum.
func crossEntropy[T tensor.Float](logits []T, labels []int, smoothing, scale float64, grad []T) (sum float64, correct int) {
	classes := len(logits) / max(len(labels), 1)
	spread := smoothing / float64(classes)
	for i, label := range labels {
		row, g := logits[i*classes:][:classes], grad[i*classes:][:classes]
		norm, total, top := logSumExp(row)
		if top == label {
			correct++
		}
		// -Σ target·(x-norm), the targets adding up to 1.
		sum += norm - (1-smoothing)*float64(row[label]) - spread*total
		for j, x := range row {
			target := spread
			if j == label {
				target += 1 - smoothing
			}
			g[j] = T(scale * (math.Exp(float64(x)-norm) - target))
		}
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

// rank returns how many classes have a larger logit than the label; an equal
// one counts if it comes before.
func rank(row []float32, label int) int {
	n := 0
	for j, x := range row {
		if x > row[label] || x == row[label] && j < label {
			n++
		}
	}
	return n
}
