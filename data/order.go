package data

import (
	"math/rand/v2"

	"github.com/mixnet-go/mixnet/internal/rng"
)

// Streams of random numbers, so that no two uses of a seed share one.
const (
	streamSplit = iota + 1
	streamOrder
	streamExample
	streamBatch
	streamSize
	streamFlip
)

// shuffle puts s in random order, after Fisher and Yates.
func shuffle[T any](s []T, r *rand.Rand) {
	for i := len(s) - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		s[i], s[j] = s[j], s[i]
	}
}

// alternateFlip says whether an example is mirrored in an epoch: the opposite of
// the epoch before.
func alternateFlip(seed uint64, epoch, example int) bool {
	first, _ := rng.Key(seed, streamFlip, uint64(example))
	return (first+uint64(epoch))&1 == 1
}

// epochOrder returns the order of n examples in an epoch.
func epochOrder(n int, seed uint64, epoch int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	shuffle(order, rng.New(rng.Key(seed, streamOrder, uint64(epoch))))
	return order
}
