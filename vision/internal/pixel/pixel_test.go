package pixel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// eachLevel runs f at every level of this machine above the generic one.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for _, l := range cpu.Available()[1:] {
		restore, err := cpu.Set(l)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(l.String(), f)
		restore()
	}
}

// guarded returns n bytes of a longer slice, and a check that those around them
// are as they were.
func guarded(n int) (b []uint8, intact func() bool) {
	const margin, mark = 64, 0xa5
	all := bytes.Repeat([]byte{mark}, n+2*margin)
	return all[margin : margin+n : margin+n], func() bool {
		around := append(slices.Clone(all[:margin]), all[margin+n:]...)
		return bytes.Count(around, []byte{mark}) == 2*margin
	}
}

func noise(rng *rand.Rand, n int) []uint8 {
	b := make([]uint8, n)
	for i := range b {
		b[i] = uint8(rng.Uint32())
		if rng.IntN(4) == 0 {
			b[i] = uint8(-rng.IntN(2)) // 0 or 255
		}
	}
	return b
}

// cubicTaps makes taps of a filter with negative weights.
func cubicTaps(rng *rand.Rand, in, out, most int) *Taps {
	var t Taps
	t.Reset(out, most)
	n := 1 + rng.IntN(min(most, in))
	for i := range out {
		w := make([]float64, n)
		for j := range w {
			w[j] = rng.Float64() - 0.2
		}
		w[rng.IntN(n)] = 1
		t.Set(i, i*(in-n)/max(out, 2), w)
	}
	return &t
}

func TestPassesEqualTheirTwins(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 300 {
			in, out := 1+rng.IntN(60), 1+rng.IntN(60)
			taps := cubicTaps(rng, in, out, 1+rng.IntN(11))
			first, last := taps.Span()
			src := noise(rng, 3*(last-first))
			got, intact := guarded(3 * out)
			want := make([]uint8, 3*out)
			taps.Row(got, src, 3)
			taps.rowGeneric(want, src, 3, 0)
			if !bytes.Equal(got, want) || !intact() {
				t.Fatalf("row of %d to %d differs", in, out)
			}
			width := 1 + rng.IntN(90)
			stride := width + rng.IntN(5)
			rows := noise(rng, (last-first-1)*stride+width)
			got, intact = guarded(out * width)
			taps.Columns(got, rows, width, stride)
			for i := range out {
				k := taps.weights[i*taps.stride:][:taps.Count[i]]
				line := make([]uint8, width)
				columnGeneric(line, rows[int(taps.First[i]-taps.First[0])*stride:], stride, k)
				if !bytes.Equal(got[i*width:][:width], line) || !intact() {
					t.Fatalf("column pass of width %d, row %d differs", width, i)
				}
			}
		}
	})
}

func TestIDCTEqualsItsTwin(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := range 3000 {
			var b [64]int16
			for range rng.IntN(64) {
				// What eight bits of samples make, or less.
				b[rng.IntN(64)] = int16(rng.IntN(2048)-1024) >> rng.IntN(9)
			}
			stride := 8 + rng.IntN(9)
			got, intact := guarded(7*stride + 8)
			IDCT(got, stride, &b)
			want := bytes.Repeat([]byte{0xa5}, len(got))
			for i := range got {
				if i%stride >= 8 {
					got[i] = 0xa5
				}
			}
			idctGeneric(want, stride, &b)
			if !bytes.Equal(got, want) || !intact() {
				t.Fatalf("block %d differs: %v", n, b)
			}
		}
	})
}

// TestIDCTIsOne compares with the definition.
func TestIDCTIsOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		var b [64]int16
		for range 12 {
			b[rng.IntN(64)] = int16(rng.IntN(400) - 200)
		}
		var got [64]uint8
		IDCT(got[:], 8, &b)
		for y := range 8 {
			for x := range 8 {
				sum := 0.0
				for v := range 8 {
					for u := range 8 {
						c := float64(b[8*v+u]) / 4
						if u == 0 {
							c /= math.Sqrt2
						}
						if v == 0 {
							c /= math.Sqrt2
						}
						sum += c * math.Cos(float64((2*x+1)*u)*math.Pi/16) * math.Cos(float64((2*y+1)*v)*math.Pi/16)
					}
				}
				if want := min(max(sum+128, 0), 255); math.Abs(float64(got[8*y+x])-want) > 1 {
					t.Fatalf("sample (%d, %d) is %d, want %.2f", x, y, got[8*y+x], want)
				}
			}
		}
	}
	for dc := -2000; dc < 2000; dc += 7 {
		b := [64]int16{int16(dc)}
		var full, short [64]uint8
		IDCT(full[:], 8, &b)
		FillBlock(short[:], 8, int16(dc))
		if full != short {
			t.Fatalf("a block of %d alone is %v, in short %v", dc, full, short)
		}
	}
}

func TestColorEqualsItsTwin(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for n := range 100 {
			y, cb, cr := noise(rng, n), noise(rng, n), noise(rng, n)
			got, intact := guarded(3 * n)
			want := make([]uint8, 3*n)
			YCC(got, y, cb, cr)
			yccGeneric(want, y, cb, cr)
			if !bytes.Equal(got, want) || !intact() {
				t.Fatalf("colour of %d pixels differs", n)
			}
			sums, wantSums := make([]uint16, n+2), make([]uint16, n+2)
			SumRows(sums[1:n+1], y, cb)
			sumRowsGeneric(wantSums[1:n+1], y, cb)
			sums[0], sums[n+1] = 1020, 3
			wantSums[0], wantSums[n+1] = 1020, 3
			if !slices.Equal(sums, wantSums) {
				t.Fatalf("sums of %d samples differ", n)
			}
			for _, c := range []struct {
				even, odd uint16
				shift     int
			}{{8, 7, 4}, {1, 2, 2}} {
				got, intact := guarded(2 * n)
				want := make([]uint8, 2*n)
				if c.shift == 2 { // samples, not sums of four
					for i := range sums {
						sums[i] /= 4
					}
				}
				Widen(got, sums, c.even, c.odd, c.shift)
				widenGeneric(want, sums, c.even, c.odd, c.shift)
				if !bytes.Equal(got, want) || !intact() {
					t.Fatalf("%d samples doubled differ", n)
				}
			}
		}
	})
}
