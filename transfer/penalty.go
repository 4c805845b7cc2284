package transfer

import (
	"context"
	"math"
	"slices"

	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/internal/rng"
)

// penalties are what FitHead chooses from, the strongest first.
var penalties = [...]float64{10, 1, 0.1, 0.01, 1e-3, 1e-4}

// parts is how many parts cross-validation deals the images into.
const parts = 5

// folds returns how many of the parts of n images are held out in turn. One is
// enough where it has many images.
func folds(n int) int {
	if n > 2000 {
		return 1
	}
	return parts
}

// choosePenalty returns the penalties from the strongest down to the best one:
// the way to its minimum, on which each step begins close to its end.
func choosePenalty(ctx context.Context, f *Features, pool *par.Pool, seed uint64) ([]float64, error) {
	var right [len(penalties)]int64
	var loss [len(penalties)]float64
	part := deal(f, seed)
	for fold := range folds(f.Len()) {
		var train, held []int
		for i, p := range part {
			if p == fold {
				held = append(held, i)
			} else {
				train = append(train, i)
			}
		}
		if len(held) == 0 || len(train) == 0 {
			continue
		}
		r := newRegression(f, train, pool)
		for i, penalty := range penalties {
			if err := r.fit(ctx, penalty, rough); err != nil {
				return nil, err
			}
			r.head().each(f, held, func(j int, logits []float32) {
				if evaluate.Rank(logits, f.Labels[j]) == 0 {
					right[i]++
				}
				loss[i] += crossEntropy(logits, f.Labels[j])
			})
		}
	}
	best := 0
	for i := range penalties {
		if right[i] > right[best] || right[i] == right[best] && loss[i] < loss[best] {
			best = i
		}
	}
	return penalties[:best+1], nil
}

// streamFolds tells this use of a seed from others.
const streamFolds = 0x666f6c64

// deal returns the part of every image, each class evenly spread over the
// parts.
func deal(f *Features, seed uint64) []int {
	part := make([]int, f.Len())
	next := make([]int, f.Classes)
	for label := range next {
		next[label] = label // so that the remainders of all classes are spread too
	}
	for _, i := range rng.New(seed, streamFolds).Perm(f.Len()) {
		label := f.Labels[i]
		part[i] = next[label] % parts
		next[label]++
	}
	return part
}

// crossEntropy returns that of logits and a class.
func crossEntropy(logits []float32, label int) float64 {
	peak, sum := slices.Max(logits), 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v - peak))
	}
	return math.Log(sum) - float64(logits[label]-peak)
}
