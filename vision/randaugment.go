package vision

import (
	"image"
	"math"
	"math/rand/v2"
)

// RandAugment changes a picture by N operations drawn at random, all of one
// strength (Cubuk et al., RandAugment, 2019), with torchvision's operations and
// scale.
type RandAugment struct {
	// N is the number of operations; 0 means none.
	N int `json:"n" toml:"n"`
	// M is their strength, 0 to 30; 9 if it is zero.
	M float64 `json:"m" toml:"m"`
	// Std is the deviation of the strength, drawn anew for every operation;
	// 0 means always M.
	Std float64 `json:"std,omitempty" toml:"std,omitempty"`
}

// maxStrength is the end of the scale of M.
const maxStrength = 30

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

// apply draws and carries out the operations.
func (r *RandAugment) apply(m, scratch *Image, rng *rand.Rand) {
	for range r.N {
		op := &operations[rng.IntN(len(operations))]
		strength := r.M
		if r.Std > 0 {
			strength = min(max(strength+rng.NormFloat64()*r.Std, 0), maxStrength)
		}
		strength /= maxStrength
		if op.signed && rng.Uint64()&1 == 1 {
			strength = -strength
		}
		op.apply(m, scratch, strength)
	}
}

// Erase overwrites a rectangle of a training picture (Zhong et al., Random
// Erasing, 2017).
type Erase struct {
	// Probability of it; 0 means never.
	Probability float64 `json:"probability" toml:"probability"`
	// Area bounds the rectangle's part of the picture; 0.02 to 1/3 if zero.
	Area [2]float64 `json:"area" toml:"area"`
	// Aspect bounds its height over width, drawn evenly on a logarithmic
	// scale; 0.3 to 1/0.3 if zero.
	Aspect [2]float64 `json:"aspect" toml:"aspect"`
	// Noise fills it with normal noise of deviation 1 instead of the mean.
	Noise bool `json:"noise" toml:"noise"`
}

// apply draws the rectangle and overwrites it in a normalised picture of h×w×c.
func (e *Erase) apply(dst []float32, h, w, c int, rng *rand.Rand) {
	if e.Probability <= 0 || rng.Float64() >= e.Probability {
		return
	}
	r, ok := e.rectangle(h, w, rng)
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

// rectangle draws a rectangle smaller than the picture; ok is false if ten
// draws gave none.
func (e *Erase) rectangle(h, w int, rng *rand.Rand) (r image.Rectangle, ok bool) {
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
