package autodiff_test

import (
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// stepper makes one step of a network whenever it is asked to.
type stepper[T tensor.Float] struct {
	net    *autodiff.Net[T]
	params graph.Values[T]
	x      *tensor.Dense[T]
}

func newStepper[T tensor.Float](t *testing.T, model string, side int, o autodiff.Options) *stepper[T] {
	t.Helper()
	spec, err := zoo.Lookup(model)
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{Classes: 4})
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.Shape{N: 3, H: side, W: side, C: g.Channels()}
	net, err := autodiff.New[T](g, in, o)
	if err != nil {
		t.Fatal(err)
	}
	return &stepper[T]{net, testkit.Values[T](g), testkit.Input[T](in)}
}

// step returns the gradients of one step; between is called in its middle.
func (s *stepper[T]) step(t *testing.T, between func()) graph.Values[T] {
	t.Helper()
	if err := s.net.Train(s.x, s.params, 5); err != nil {
		t.Fatal(err)
	}
	dOut := [][]T{slices.Clone(s.net.Output(0))}
	between()
	grads := make(graph.Values[T], len(s.params))
	for i, p := range s.params {
		grads[i] = make([]T, len(p))
	}
	if err := s.net.Backward(dOut, s.params, grads); err != nil {
		t.Fatal(err)
	}
	return grads
}

// Nets of different graphs, sizes and types in one memory compute what they do
// in memories of their own, also when a larger one is made while a step of a
// smaller one is under way.
func TestMemoryIsShared(t *testing.T) {
	shared := autodiff.NewMemory(2)
	defer shared.Close()
	in, own := autodiff.Options{Memory: shared}, autodiff.Options{Threads: 2}
	same := func(what string, got, want graph.Values[float32]) {
		t.Helper()
		if !slices.EqualFunc(got, want, slices.Equal[[]float32]) {
			t.Errorf("%s: gradients differ", what)
		}
	}
	nothing := func() {}
	small := newStepper[float32](t, "mixnet_tiny", 20, in)
	first := shared.Bytes()
	if first < small.net.Bytes() {
		t.Fatalf("the memory has %d bytes, its net needs %d", first, small.net.Bytes())
	}
	var large *stepper[float32]
	got := small.step(t, func() { large = newStepper[float32](t, "mixnet_s", 32, in) })
	alone := newStepper[float32](t, "mixnet_tiny", 20, own)
	same("small", got, alone.step(t, nothing))
	same("large", large.step(t, nothing), newStepper[float32](t, "mixnet_s", 32, own).step(t, nothing))
	same("small again", small.step(t, nothing), alone.step(t, nothing))

	grown := shared.Bytes()
	exact := newStepper[float64](t, "mixnet_tiny", 20, in)
	if shared.Bytes() != grown || grown < large.net.Bytes() {
		t.Errorf("the memory went from %d to %d bytes, its largest net needs %d", grown, shared.Bytes(), large.net.Bytes())
	}
	if got, want := exact.step(t, nothing), newStepper[float64](t, "mixnet_tiny", 20, own).step(t, nothing); !slices.EqualFunc(got, want, slices.Equal[[]float64]) {
		t.Error("float64: gradients differ")
	}
}

// A pass of one net ends the step of another.
func TestMemoryEndsSteps(t *testing.T) {
	shared := autodiff.NewMemory(1)
	a := newStepper[float32](t, "mixnet_tiny", 20, autodiff.Options{Memory: shared})
	b := newStepper[float32](t, "mixnet_tiny", 24, autodiff.Options{Memory: shared})
	if err := a.net.Train(a.x, a.params, 0); err != nil {
		t.Fatal(err)
	}
	dOut := [][]float32{slices.Clone(a.net.Output(0))}
	if err := b.net.Eval(b.x, b.params); err != nil {
		t.Fatal(err)
	}
	if out := a.net.Output(0); out != nil {
		t.Errorf("%d outputs after another net's pass", len(out))
	}
	if err := a.net.Backward(dOut, a.params, a.params.Clone()); !errors.Is(err, autodiff.ErrOrder) {
		t.Errorf("backward after another net's pass: %v, want %v", err, autodiff.ErrOrder)
	}
}

func TestThreadsOfMemory(t *testing.T) {
	shared := autodiff.NewMemory(2)
	defer shared.Close()
	newStepper[float32](t, "mixnet_tiny", 20, autodiff.Options{Memory: shared, Threads: 2})
	spec, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := autodiff.New[float32](g, tensor.Shape{N: 1, H: 28, W: 28, C: 1}, autodiff.Options{Memory: shared, Threads: 3}); err == nil {
		t.Error("no error for threads that the memory does not have")
	}
	if n := autodiff.NewMemory(0).Pool().Threads(); n != runtime.GOMAXPROCS(0) {
		t.Errorf("%d threads, want %d", n, runtime.GOMAXPROCS(0))
	}
}
