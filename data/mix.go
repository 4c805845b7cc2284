package data

import (
	"math"
	"math/rand/v2"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/internal/reuse"
)

// mix blends the pictures of a batch, as m says.
func (b *Batch) mix(m *input.Mix, rng *rand.Rand) {
	n := len(b.Labels)
	b.Share = 1
	b.Other = reuse.Slice(b.Other, n)
	for i := range n {
		b.Other[i] = b.Labels[n-1-i]
	}
	if rng.Float64() >= m.Probability {
		return
	}
	cut := m.CutMix > 0 && (m.Mixup == 0 || rng.Float64() < m.Switch)
	if cut {
		b.cut(beta(m.CutMix, rng), rng)
		return
	}
	share := float32(beta(m.Mixup, rng))
	b.Share = share
	for i := range n / 2 {
		x, y := b.picture(i), b.picture(n-1-i)
		for j, v := range x {
			x[j] = float32(share*v) + float32((1-share)*y[j])
			y[j] = float32(share*y[j]) + float32((1-share)*v)
		}
	}
}

// cut exchanges a rectangle of about 1-share of the area, anywhere; the part of
// it that lies outside does not count.
func (b *Batch) cut(share float64, rng *rand.Rand) {
	s := b.Images.Shape
	side := math.Sqrt(1 - share)
	ch, cw := int(float64(s.H)*side), int(float64(s.W)*side)
	cy, cx := rng.IntN(s.H), rng.IntN(s.W)
	y0, y1 := max(cy-ch/2, 0), min(cy+ch/2, s.H)
	x0, x1 := max(cx-cw/2, 0), min(cx+cw/2, s.W)
	b.Share = 1 - float32((y1-y0)*(x1-x0))/float32(s.H*s.W)
	for i := range s.N / 2 {
		one, two := b.picture(i), b.picture(s.N-1-i)
		for y := y0; y < y1; y++ {
			x, z := one[(y*s.W+x0)*s.C:(y*s.W+x1)*s.C], two[(y*s.W+x0)*s.C:]
			for j, v := range x {
				x[j], z[j] = z[j], v
			}
		}
	}
}

// picture returns the pixels of the i-th picture.
func (b *Batch) picture(i int) []float32 {
	size := len(b.Images.Data) / len(b.Labels)
	return b.Images.Data[i*size : (i+1)*size]
}

// beta draws from the Beta distribution with both parameters a.
func beta(a float64, rng *rand.Rand) float64 {
	x, y := gamma(a, rng), gamma(a, rng)
	if x+y == 0 {
		return float64(rng.Uint64() & 1) // both vanish for a tiny a
	}
	return x / (x + y)
}

// gamma draws from the Gamma distribution of shape a, after Marsaglia and Tsang
// (2000).
func gamma(a float64, rng *rand.Rand) float64 {
	if a < 1 {
		return gamma(a+1, rng) * math.Pow(1-rng.Float64(), 1/a)
	}
	d := a - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
