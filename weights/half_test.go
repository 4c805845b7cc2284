package weights

import (
	"math"
	"testing"
)

// halfValue is the definition of binary16.
func halfValue(h uint16) float64 {
	frac, exp := float64(h&0x3ff), int(h>>10&0x1f)
	v := math.Ldexp(frac, -24)
	switch {
	case exp == 31 && frac != 0:
		return math.NaN()
	case exp == 31:
		v = math.Inf(1)
	case exp > 0:
		v = math.Ldexp(1024+frac, exp-25)
	}
	if h&0x8000 != 0 {
		v = -v
	}
	return v
}

func TestHalfToFloatAll(t *testing.T) {
	for h := range 1 << 16 {
		if got, want := halfToFloat(uint16(h)), float32(halfValue(uint16(h))); !sameFloat(got, want) {
			t.Fatalf("%04x widens to %v, want %v", h, got, want)
		}
	}
}

// TestFloatToHalfAll rounds, for every pair of neighbouring finite halves,
// their values, their middle, and the floats next to it.
func TestFloatToHalfAll(t *testing.T) {
	check := func(f float32, want uint16) {
		t.Helper()
		for _, sign := range []uint16{0, 0x8000} {
			v := math.Float32frombits(math.Float32bits(f) | uint32(sign)<<16)
			if got := floatToHalf(v); got != want|sign {
				t.Fatalf("%g rounds to %04x, want %04x", v, got, want|sign)
			}
		}
	}
	for h := range uint16(0x7c00) {
		low, high := halfValue(h), halfValue(h+1)
		if h == 0x7bff {
			high = 65536
		}
		mid := float32((low + high) / 2)
		even := h + h&1
		check(float32(low), h)
		check(mid, even)
		check(math.Nextafter32(mid, 0), h)
		check(math.Nextafter32(mid, float32(math.Inf(1))), h+1)
	}
	check(float32(math.Inf(1)), 0x7c00)
	check(math.MaxFloat32, 0x7c00)
	if got := floatToHalf(float32(math.NaN())); halfValue(got) == halfValue(got) {
		t.Errorf("NaN becomes %04x", got)
	}
}

func TestFloatToBFloat(t *testing.T) {
	for _, c := range []struct {
		bits uint32
		want uint16
	}{
		{0, 0},
		{0x80000000, 0x8000},
		{0x3f800000, 0x3f80},
		{0x3f808000, 0x3f80}, // tie to even
		{0x3f808001, 0x3f81},
		{0x3f818000, 0x3f82}, // tie to even
		{0x3f807fff, 0x3f80},
		{0x7f7fffff, 0x7f80}, // overflows
		{0x7f800000, 0x7f80},
		{0x00000001, 0},
		{0x7f800001, 0x7fc0}, // NaN stays NaN
	} {
		if got := floatToBFloat(math.Float32frombits(c.bits)); got != c.want {
			t.Errorf("%08x rounds to %04x, want %04x", c.bits, got, c.want)
		}
	}
}
