package autodiff_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/pages"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// Steps of changing size in shared memory are those of nets of their own.
func TestResized(t *testing.T) {
	spec, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{Classes: 5})
	if err != nil {
		t.Fatal(err)
	}
	opts := autodiff.Options{Threads: 2}
	shape := func(side int) tensor.Shape { return tensor.Shape{N: 3, H: side, W: side, C: g.Channels()} }
	large, err := autodiff.New[float32](g, shape(28), opts)
	if err != nil {
		t.Fatal(err)
	}
	shared := graph.NewValues[float32](g)
	for i, p := range g.Params {
		testkit.Param(shared[i], p.Name, p.Shape)
	}
	alone := shared.Clone()
	step := func(net *autodiff.Net[float32], params graph.Values[float32], key uint64) graph.Values[float32] {
		t.Helper()
		in := net.Shape()
		x := tensor.FromNCHW(in, scaled(testkit.Uniform("x", in.Len()), 4, -2))
		if err := net.Train(x, params, key); err != nil {
			t.Fatal(err)
		}
		grads := graph.NewValues[float32](g)
		if err := net.Backward([][]float32{slices.Clone(net.Output(0))}, params, grads); err != nil {
			t.Fatal(err)
		}
		return grads
	}
	for i, side := range []int{12, 28, 20, 12} {
		net := large
		if side != 28 {
			if net, err = large.Resized(side, side); err != nil {
				t.Fatal(err)
			}
		}
		own, err := autodiff.New[float32](g, shape(side), opts)
		if err != nil {
			t.Fatal(err)
		}
		got, want := step(net, shared, uint64(i)), step(own, alone, uint64(i))
		if !slices.EqualFunc(got, want, slices.Equal[[]float32]) {
			t.Errorf("size %d: gradients differ", side)
		}
		if !slices.EqualFunc(shared, alone, slices.Equal[[]float32]) {
			t.Errorf("size %d: running statistics differ", side)
		}
		if net != large && net.Bytes() >= large.Bytes() {
			t.Errorf("size %d takes %d bytes, size 28 %d", side, net.Bytes(), large.Bytes())
		}
	}
	if _, err := large.Resized(0, 8); err == nil {
		t.Error("no error for a height of 0")
	}
}

// A plan that the machine has no memory for is refused.
func TestTooLarge(t *testing.T) {
	spec, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := autodiff.New[float32](g, tensor.Shape{N: 64, H: 1 << 14, W: 1 << 14, C: 1}, autodiff.Options{}); !errors.Is(err, pages.ErrMemory) {
		t.Errorf("%v, want %v", err, pages.ErrMemory)
	}
}
