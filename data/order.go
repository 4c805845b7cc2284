package data

import (
	"math/rand/v2"
	"slices"

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
	streamClass
	streamShard
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

// order returns the order of an epoch.
func (l *Loader) order(epoch int) []int32 {
	switch {
	case l.cfg.Balanced:
		return balancedOrder(l.classes, l.set.Len(), l.cfg.Seed, epoch)
	case l.cfg.Window > 0 && l.cfg.Window < len(l.shards.refs):
		return windowOrder(l.shards.of, len(l.shards.refs), l.cfg.Window, l.cfg.Seed, epoch)
	}
	return epochOrder(l.set.Len(), l.cfg.Seed, epoch)
}

// members returns the examples of every class of d that has any.
func members(d Dataset) [][]int32 {
	all := make([][]int32, len(d.Classes()))
	for i := range d.Len() {
		all[d.Label(i)] = append(all[d.Label(i)], int32(i))
	}
	return slices.DeleteFunc(all, func(m []int32) bool { return len(m) == 0 })
}

// balancedOrder returns n examples in random order, as many of every class,
// give or take one: whole rounds of its examples, and a random part of them.
func balancedOrder(classes [][]int32, n int, seed uint64, epoch int) []int32 {
	order := make([]int32, 0, n)
	for i, class := range classes {
		// The classes that have one more change from epoch to epoch.
		turn := uint64(i+epoch) % uint64(len(classes))
		from, to := uint64(n)*turn/uint64(len(classes)), uint64(n)*(turn+1)/uint64(len(classes))
		r := rng.New(rng.Key(seed, streamClass, uint64(epoch), uint64(i)))
		for left := int(to - from); left > 0; left -= len(class) {
			round := slices.Clone(class)
			shuffle(round, r)
			order = append(order, round[:min(left, len(round))]...)
		}
	}
	shuffle(order, rng.New(rng.Key(seed, streamOrder, uint64(epoch))))
	return order
}
