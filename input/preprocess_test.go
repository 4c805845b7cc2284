package input

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestValidate(t *testing.T) {
	if err := (Preprocess{}).Validate(); err != nil {
		t.Errorf("zero value: %v", err)
	}
	for _, p := range []Preprocess{
		{Size: [2]int{-1, 5}},
		{Size: [2]int{1 << 20, 5}},
		{Channels: 4},
		{CropPct: 1.5},
		{CropPct: math.NaN()},
		{CropMode: "corner"},
		{Interpolation: "cubic"},
		{Mean: []float32{1}},
		{Std: []float32{1, 0, 1}},
		{Mean: []float32{0, 0, float32(math.Inf(1))}},
	} {
		if err := p.Validate(); !errors.Is(err, ErrPreprocess) {
			t.Errorf("%+v: error %v", p, err)
		}
	}
}

// TestStoredForm pins the form that weight files hold.
func TestStoredForm(t *testing.T) {
	const stored = `{"size":[240,224],"channels":3,"crop_pct":0.9,"crop_mode":"squash",` +
		`"interpolation":"lanczos","mean":[0.5,0.25,0.125],"std":[1,2,4]}`
	p := Preprocess{
		Size: [2]int{240, 224}, Channels: 3, CropPct: 0.9, CropMode: CropSquash, Interpolation: Lanczos,
		Mean: []float32{0.5, 0.25, 0.125}, Std: []float32{1, 2, 4},
	}
	b, err := json.Marshal(p)
	if err != nil || string(b) != stored {
		t.Errorf("%s, %v, want %s", b, err, stored)
	}
	var back Preprocess
	if err := json.Unmarshal([]byte(stored), &back); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("%+v, %v, want %+v", back, err, p)
	}
}
