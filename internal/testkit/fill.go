// Package testkit fills networks with reference values and compares results
// with the golden files. Tests alone import it.
//
// The golden files hold no weights. Every parameter and every input is a pure
// function of its name and index, the same function in the Python script that
// made the files and here.
package testkit

import (
	"fmt"
	"math"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/rng"
	"github.com/mixnet-go/mixnet/tensor"
)

// Uniform returns n values in [0, 1) that depend on the name alone: FNV-1a of
// the name seeds a SplitMix64 sequence, whose upper 24 bits are the values.
func Uniform(name string, n int) []float64 {
	seed := rng.Name(name)
	u := make([]float64, n)
	for i := range u {
		u[i] = float64(rng.At(seed, i)>>40) / (1 << 24)
	}
	return u
}

// Fill gives every parameter of g its reference value, rounded to float32:
// one-dimensional weights (γ) and running variances are uniform in [0.5, 1.5),
// running means and biases in [-0.1, 0.1), other weights in ±√(3/fan_in).
func Fill[T tensor.Float](g *graph.Graph, v graph.Values[T]) {
	for i, p := range g.Params {
		Param(v[i], p.Name, p.Shape)
	}
}

// Param fills dst with the reference values of one parameter, as Fill does.
func Param[T tensor.Float](dst []T, name string, shape []int) {
	scale, offset := 0.2, -0.1
	switch {
	case len(shape) > 1:
		fanIn := 1
		for _, d := range shape[1:] {
			fanIn *= d
		}
		bound := math.Sqrt(3 / float64(fanIn))
		for i, u := range Uniform(name, len(dst)) {
			dst[i] = T(float32((2*u - 1) * bound))
		}
		return
	case strings.HasSuffix(name, ".weight"), strings.HasSuffix(name, ".running_var"):
		scale, offset = 1, 0.5
	}
	for i, u := range Uniform(name, len(dst)) {
		dst[i] = T(float32(u*scale + offset))
	}
}

// Values returns the parameters of g filled by Fill.
func Values[T tensor.Float](g *graph.Graph) graph.Values[T] {
	v := graph.NewValues[T](g)
	Fill(g, v)
	return v
}

// Input returns the reference image batch of a shape, uniform in [-2, 2).
func Input[T tensor.Float](s tensor.Shape) *tensor.Dense[T] {
	u := Uniform(fmt.Sprintf("input/%dx%dx%dx%d", s.N, s.C, s.H, s.W), s.Len())
	nchw := make([]T, len(u))
	for i := range u {
		nchw[i] = T(float32((2*u[i] - 1) * 2))
	}
	return tensor.FromNCHW(s, nchw)
}
