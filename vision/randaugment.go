package vision

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/mixnet-go/mixnet/input"
)

// operation is one of RandAugment's.
type operation struct {
	name string
	// signed operations are as often negative.
	signed bool
	// apply changes m by a strength between 0 and 1, or -1 and 1.
	apply func(m, scratch *Image, strength float64)
}

// operations are in torchvision's order.
var operations = [...]operation{
	{"Identity", false, func(m, scratch *Image, s float64) {}},
	{"ShearX", true, func(m, scratch *Image, s float64) { m.warp(shearX(0.3*s), scratch) }},
	{"ShearY", true, func(m, scratch *Image, s float64) { m.warp(shearY(0.3*s), scratch) }},
	{"TranslateX", true, func(m, scratch *Image, s float64) { m.translate(int(150.0/331.0*float64(m.W)*s), 0, scratch) }},
	{"TranslateY", true, func(m, scratch *Image, s float64) { m.translate(0, int(150.0/331.0*float64(m.H)*s), scratch) }},
	{"Rotate", true, func(m, scratch *Image, s float64) { m.warp(rotation(30*s, m.W, m.H), scratch) }},
	{"Brightness", true, func(m, scratch *Image, s float64) { m.brighten(factor(s)) }},
	{"Color", true, func(m, scratch *Image, s float64) { m.saturate(factor(s)) }},
	{"Contrast", true, func(m, scratch *Image, s float64) { m.contrast(factor(s)) }},
	{"Sharpness", true, func(m, scratch *Image, s float64) { m.sharpen(factor(s), scratch) }},
	{"Posterize", false, func(m, scratch *Image, s float64) { m.posterize(8 - roundEven(4*s)) }},
	{"Solarize", false, func(m, scratch *Image, s float64) { m.solarize(255 * (1 - s)) }},
	{"AutoContrast", false, func(m, scratch *Image, s float64) { m.autoContrast() }},
	{"Equalize", false, func(m, scratch *Image, s float64) { m.equalize() }},
}

// factor is how far an enhancement blends; torch holds 0.9·s in single
// precision.
func factor(s float64) float32 { return float32(1 + float64(float32(0.9*s))) }

// warp replaces m by its image under t.
func (m *Image) warp(t affine, scratch *Image) {
	t.warp(scratch, m)
	copy(m.Pix, scratch.Pix)
}

// translate moves m right and down.
func (m *Image) translate(dx, dy int, scratch *Image) {
	scratch.reset(m.W, m.H, m.C)
	move(scratch, m, image.Pt(-dx, -dy), false, false)
	copy(m.Pix, scratch.Pix)
}

// randAugment draws and carries out r's operations.
func randAugment(r *input.RandAugment, m, scratch *Image, rng *rand.Rand) {
	for range r.N {
		op := &operations[rng.IntN(len(operations))]
		strength := r.M
		if r.Std > 0 {
			strength = min(max(strength+rng.NormFloat64()*r.Std, 0), input.MaxStrength)
		}
		strength /= input.MaxStrength
		if op.signed && rng.Uint64()&1 == 1 {
			strength = -strength
		}
		op.apply(m, scratch, strength)
	}
}

// erase draws a rectangle and overwrites it in a normalized picture of h×w×c.
func erase(e *input.Erase, dst []float32, h, w, c int, rng *rand.Rand) {
	if e.Probability <= 0 || rng.Float64() >= e.Probability {
		return
	}
	r, ok := eraseBox(e, h, w, rng)
	if !ok {
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := dst[(y*w+r.Min.X)*c : (y*w+r.Max.X)*c]
		clear(row)
		if e.Noise {
			for i := range row {
				row[i] = float32(rng.NormFloat64())
			}
		}
	}
}

// eraseBox draws a rectangle smaller than the picture; ok is false if ten draws
// gave none.
func eraseBox(e *input.Erase, h, w int, rng *rand.Rand) (r image.Rectangle, ok bool) {
	lo, hi := math.Log(e.Aspect[0]), math.Log(e.Aspect[1])
	for range cropTries {
		area := float64(h*w) * uniform(rng, e.Area[0], e.Area[1])
		aspect := math.Exp(uniform(rng, lo, hi))
		eh, ew := roundEven(math.Sqrt(area*aspect)), roundEven(math.Sqrt(area/aspect))
		if eh > 0 && ew > 0 && eh < h && ew < w {
			y, x := rng.IntN(h-eh+1), rng.IntN(w-ew+1)
			return image.Rect(x, y, x+ew, y+eh), true
		}
	}
	return r, false
}
