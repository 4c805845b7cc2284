package supernet

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/tensor"
)

// sample returns images of numbers.
func sample(n, size int) (*tensor.Dense[float64], []int) {
	rng := rand.New(rand.NewPCG(7, 8))
	x := tensor.New[float64](tensor.Shape{N: n, H: size, W: size, C: 1})
	for i := range x.Data {
		x.Data[i] = rng.NormFloat64()
	}
	labels := make([]int, n)
	for i := range labels {
		labels[i] = rng.IntN(10)
	}
	return x, labels
}

// What two paths add to the gradients of the shared parameters is the numerical
// derivative of the sum of their losses.
func TestGradients(t *testing.T) {
	for _, sharing := range []Sharing{{}, {Crops: true}} {
		n := supernet(t, parse(t, tiny), sharing)
		values, grads := make(graph.Values[float64], len(n.Values)), make(graph.Values[float64], len(n.Values))
		for i, v := range n.Values {
			grads[i] = make([]float64, len(v))
			for _, x := range v {
				values[i] = append(values[i], float64(x))
			}
		}
		memory := autodiff.NewMemory(1)
		x, labels := sample(6, 8)
		loss := func(a nas.Arch, grads graph.Values[float64]) float64 {
			p, err := n.Path(a)
			if err != nil {
				t.Fatal(err)
			}
			net, err := autodiff.New[float64](p.Graph, x.Shape, autodiff.Options{Memory: memory})
			if err != nil {
				t.Fatal(err)
			}
			v := bind(p, values)
			gather(p, v, values)
			for i, param := range p.Graph.Params {
				if param.Kind == graph.RunningVar {
					for j := range v[i] {
						v[i][j] = 1
					}
				}
			}
			if err := net.Train(x, v, 0); err != nil {
				t.Fatal(err)
			}
			// Half the squared distance from the labels' one-hot vectors.
			out, sum := net.Output(0), 0.0
			d := make([]float64, len(out))
			for i, o := range out {
				d[i] = o
				if i%10 == labels[i/10] {
					d[i]--
				}
				sum += d[i] * d[i] / 2
			}
			if grads != nil {
				g := bind(p, grads)
				if err := net.Backward([][]float64{d}, v, g); err != nil {
					t.Fatal(err)
				}
				scatter(p, g, grads)
			}
			return sum
		}
		rng := rand.New(rand.NewPCG(5, 6))
		a, b := make(nas.Arch, len(n.Space.Decisions())), make(nas.Arch, len(n.Space.Decisions()))
		for i, d := range n.Space.Decisions() {
			a[i] = uint8(len(d.Options) - 1) // the largest of everything
			b[i] = uint8(rng.IntN(len(d.Options)))
		}
		loss(a, grads)
		loss(b, grads)
		checked := 0
		for i, p := range n.Graph.Params {
			for range 3 {
				j := rng.IntN(len(values[i]))
				was := values[i][j]
				const eps = 1e-5
				values[i][j] = was + eps
				up := loss(a, nil) + loss(b, nil)
				values[i][j] = was - eps
				down := loss(a, nil) + loss(b, nil)
				values[i][j] = was
				want := (up - down) / (2 * eps)
				if math.Abs(grads[i][j]-want) > 1e-4*(1+math.Abs(want)) {
					t.Errorf("%s[%d]: gradient %g, numerically %g", p.Name, j, grads[i][j], want)
				}
				if want != 0 {
					checked++
				}
			}
		}
		if checked < 40 {
			t.Errorf("%d parameters had a gradient", checked)
		}
	}
}
