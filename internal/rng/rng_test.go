package rng

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The numbers of Vigna's splitmix64.c from 1234567.
func TestSplitMix64(t *testing.T) {
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := At(1234567, i); got != want {
			t.Errorf("number %d is %d, want %d", i, got, want)
		}
	}
}

// What is derived from a seed is part of what runs are repeated by: it never
// changes.
func TestPinned(t *testing.T) {
	hi, lo := Key(42, 3, 7)
	if hi != 0xab2f97746e2ea953 || lo != 0xc4258845ea4bace8 {
		t.Errorf("key %#x, %#x", hi, lo)
	}
	if got := Step(42, 5); got != 0xf519f86ee2385b77 {
		t.Errorf("step %#x", got)
	}
	if got := Name("blocks.0.0.conv.weight"); got != 0x3ab168637e7cdc89 {
		t.Errorf("name %#x", got)
	}
	if got := Named(1, "conv_stem.weight").NormFloat64(); got != 0.4364215677788448 {
		t.Errorf("named %v", got)
	}
	if got := Float(7, 1<<20); got != 0.03146299169750699 {
		t.Errorf("float %v", got)
	}
}

func TestKeyIsOfAllParts(t *testing.T) {
	seen := map[[2]uint64]bool{}
	for a := range uint64(10) {
		for b := range uint64(10) {
			for c := range uint64(10) {
				hi, lo := Key(a, b, c)
				seen[[2]uint64{hi, lo}] = true
			}
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d keys of 1000", len(seen))
	}
}

func TestFloatIsUniform(t *testing.T) {
	sum, squares := 0.0, 0.0
	const n = 1 << 16
	for i := range n {
		u := Float(3, i)
		if u < 0 || u >= 1 {
			t.Fatalf("number %d is %g", i, u)
		}
		sum += u
		squares += u * u
	}
	if mean, variance := sum/n, squares/n-(sum/n)*(sum/n); math.Abs(mean-0.5) > 0.005 || math.Abs(variance-1.0/12) > 0.005 {
		t.Errorf("mean %g, variance %g", mean, variance)
	}
}

func TestStreamsDiffer(t *testing.T) {
	draw := func(r *rand.Rand) uint64 { return r.Uint64() }
	if a, b := draw(New(1, 2)), draw(New(2, 1)); a == b {
		t.Error("seed and stream are alike")
	}
	if a, b := draw(Named(1, "a")), draw(Named(1, "b")); a == b {
		t.Error("two names have one stream")
	}
}
