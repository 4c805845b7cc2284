package data

import "math/rand/v2"

// Streams of random numbers, so that no two uses of a seed share one.
const (
	streamSplit = iota + 1
	streamOrder
	streamExample
	streamBatch
	streamSize
	streamFlip
)

// key hashes a seed and what it is for into the two words that seed a PCG.
func key(parts ...uint64) (hi, lo uint64) {
	for _, p := range parts {
		hi = splitMix(hi ^ p)
		lo = splitMix(lo + hi)
	}
	return hi, lo
}

// splitMix is the finaliser of Vigna's SplitMix64.
func splitMix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// shuffle puts s in random order, after Fisher and Yates.
func shuffle[T any](s []T, rng *rand.Rand) {
	for i := len(s) - 1; i > 0; i-- {
		j := rng.IntN(i + 1)
		s[i], s[j] = s[j], s[i]
	}
}

// alternateFlip says whether an example is mirrored in an epoch: the opposite of
// the epoch before.
func alternateFlip(seed uint64, epoch, example int) bool {
	first, _ := key(seed, streamFlip, uint64(example))
	return (first+uint64(epoch))&1 == 1
}

// epochOrder returns the order of n examples in an epoch.
func epochOrder(n int, seed uint64, epoch int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	shuffle(order, rand.New(rand.NewPCG(key(seed, streamOrder, uint64(epoch)))))
	return order
}
