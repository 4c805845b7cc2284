package autodiff_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/tensor"
)

// Running statistics that are moved afterwards, by a net of another size too,
// become what Train makes of them.
func TestMoveNorms(t *testing.T) {
	moving := newStepper[float32](t, "mixnet_tiny", 20, autodiff.Options{Threads: 2})
	holding := newStepper[float32](t, "mixnet_tiny", 20, autodiff.Options{Threads: 2, HoldNorms: true})
	other := newStepper[float32](t, "mixnet_tiny", 24, autodiff.Options{Threads: 2, HoldNorms: true})
	begun := holding.params.Clone()
	for range 2 {
		moving.step(t, func() {})
	}
	equal := func() bool {
		return slices.EqualFunc(holding.params, moving.params, slices.Equal[[]float32])
	}
	for range 2 {
		holding.step(t, func() {})
		if !slices.EqualFunc(holding.params, begun, slices.Equal[[]float32]) {
			t.Fatal("Train has moved the running statistics")
		}
	}
	moments := holding.net.AppendMoments(nil)
	for range 2 {
		if equal() {
			t.Fatal("the running statistics are there too early")
		}
		if err := other.net.MoveNorms(holding.params, moments); err != nil {
			t.Fatal(err)
		}
	}
	if !equal() {
		t.Error("the running statistics differ")
	}
	if err := other.net.MoveNorms(holding.params, moments[1:]); !errors.Is(err, tensor.ErrShape) {
		t.Error(err)
	}
	fixed := newStepper[float32](t, "mixnet_tiny", 20, autodiff.Options{Threads: 2, FixedNorms: true})
	if n := fixed.net.NormMoments(); n != 0 {
		t.Errorf("fixed norms have %d moments", n)
	}
}
