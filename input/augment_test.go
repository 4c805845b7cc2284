package input

import (
	"errors"
	"math"
	"testing"
)

func TestAugmentValidate(t *testing.T) {
	good := Augment{Crop: PadCrop, Pad: 4, PadMode: PadReflect, Flip: 0.5}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Augment){
		"crop":     func(a *Augment) { a.Crop = "middle" },
		"pad":      func(a *Augment) { a.Pad = -1 },
		"pad_mode": func(a *Augment) { a.PadMode = "wrap" },
		"area":     func(a *Augment) { a.Area = [2]float64{0.5, 0.2} },
		"aspect":   func(a *Augment) { a.Aspect = [2]float64{1, math.Inf(1)} },
		"flip":     func(a *Augment) { a.Flip = math.NaN() },
		"erase":    func(a *Augment) { a.Erase.Probability = 1.5 },
		"randaug":  func(a *Augment) { a.RandAugment.N = 101 },
	} {
		a := good
		spoil(&a)
		if err := a.Validate(); !errors.Is(err, ErrPreprocess) {
			t.Errorf("%s: %+v: %v, want %v", name, a, err, ErrPreprocess)
		}
	}
}
