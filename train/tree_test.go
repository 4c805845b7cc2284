package train

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// pairwise adds up the numbers [from, to) of a binary tree whose leaves are the
// parts: the definition that a tree is an implementation of.
func pairwise(parts []float32, from, size int) (sum float32, any bool) {
	if from >= len(parts) {
		return 0, false
	}
	if size == 1 {
		return parts[from], true
	}
	a, _ := pairwise(parts, from, size/2)
	if b, ok := pairwise(parts, from+size/2, size/2); ok {
		return a + b, true
	}
	return a, true
}

// However many ranks share the parts, a tree's sum is that of its definition.
func TestTree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 33; n++ {
		parts := make([]float32, n)
		for i := range parts {
			parts[i] = rng.Float32() - 0.5
		}
		size := 1
		for size < n {
			size *= 2
		}
		want, _ := pairwise(parts, 0, size)
		for ranks := 1; ranks <= n; ranks++ {
			if n%ranks != 0 {
				continue
			}
			var all tree
			for r := range ranks {
				var own tree
				from, to := r*n/ranks, (r+1)*n/ranks
				for i := from; i < to; i++ {
					own.push(node{first: i, sum: append(own.room(1)[:0], parts[i])})
				}
				known := slices.EqualFunc(own.nodes, roots(from, to), func(a, b node) bool { return a.first == b.first && a.level == b.level })
				if !known {
					t.Errorf("parts %d to %d: %v, others think %v", from, to, own.nodes, roots(from, to))
				}
				for _, n := range own.nodes {
					all.push(n)
				}
			}
			if got := all.total()[0]; got != want {
				t.Errorf("%d parts of %d ranks: %v, want %v", n, ranks, got, want)
			}
		}
	}
}
