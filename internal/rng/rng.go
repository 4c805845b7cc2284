// Package rng derives every random number of the module from a seed and a name
// of its use, so that no two uses of one seed draw from the same stream and a
// number can be had again without those before it.
package rng

import (
	"hash/fnv"
	"math/rand/v2"
)

// gamma is the step of SplitMix64's counter: 2⁶⁴ over the golden ratio.
const gamma = 0x9E3779B97F4A7C15

// Mix returns the first number of SplitMix64 (Steele, Lea and Flood 2014) from
// a seed: a hash of it.
func Mix(seed uint64) uint64 {
	z := seed + gamma
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// At returns number i, from 0, of SplitMix64 from a seed.
func At(seed uint64, i int) uint64 { return Mix(seed + uint64(i)*gamma) }

// Float returns number i of SplitMix64 from a seed as one in [0, 1), with 53
// random bits.
func Float(seed uint64, i int) float64 { return float64(At(seed, i)>>11) / (1 << 53) }

// Step returns the key of one step, pass or trial of a run with a seed.
func Step(seed uint64, step int) uint64 { return seed*gamma ^ uint64(step) }

// Key hashes a seed and what it is for into the two words that seed a PCG.
func Key(parts ...uint64) (hi, lo uint64) {
	for _, p := range parts {
		hi = Mix(hi ^ p)
		lo = Mix(lo + hi)
	}
	return hi, lo
}

// Name hashes a name (FNV-1a).
func Name(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// New returns the numbered stream of a seed: a PCG.
func New(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

// Named returns the named stream of a seed.
func Named(seed uint64, name string) *rand.Rand { return New(seed, Name(name)) }
