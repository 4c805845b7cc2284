package autodiff_test

import (
	"fmt"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// BenchmarkStep times forward and backward of a training step.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name        string
		batch, size int
	}{
		{"mixnet_tiny", 128, 28},
		{"mixnet_cifar", 128, 32},
		{"mixnet_s", 32, 224},
		{"mixnet_m", 32, 224},
		{"mixnet_l", 32, 224},
		{"mobilenetv2_100", 32, 224},
	} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/batch=%d/size=%d/threads=%d", c.name, c.batch, c.size, threads), func(b *testing.B) {
				benchmarkStep(b, c.name, c.batch, c.size, threads)
			})
		}
	}
}

func benchmarkStep(b *testing.B, name string, batch, size, threads int) {
	s, err := zoo.Lookup(name)
	if err != nil {
		b.Fatal(err)
	}
	g, err := s.Build(zoo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	in := tensor.Shape{N: batch, H: size, W: size, C: g.Channels()}
	n, err := autodiff.New[float32](g, in, autodiff.Options{Threads: threads})
	if err != nil {
		b.Fatal(err)
	}
	params, grads := graph.NewValues[float32](g), graph.NewValues[float32](g)
	g.Initialize(params, 1)
	x := testkit.Input[float32](in)
	d := make([]float32, batch*g.Classes())
	for b.Loop() {
		if err := n.Train(x, params, 1); err != nil {
			b.Fatal(err)
		}
		for i, y := range n.Output(0) {
			d[i] = y / float32(len(d))
		}
		if err := n.Backward([][]float32{d}, params, grads); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric(float64(n.Bytes())/1e6, "MB")
}

// BenchmarkNew measures what it takes to plan a network, in memory that is
// there already.
func BenchmarkNew(b *testing.B) {
	for _, bc := range []struct {
		model string
		in    tensor.Shape
	}{
		{"mixnet_s", tensor.Shape{N: 32, H: 224, W: 224, C: 3}},
		{"mixnet_s", tensor.Shape{N: 32, H: 32, W: 32, C: 3}},
		{"mixnet_tiny", tensor.Shape{N: 32, H: 28, W: 28, C: 1}},
	} {
		b.Run(fmt.Sprintf("%s/%d", bc.model, bc.in.H), func(b *testing.B) {
			spec, err := zoo.Lookup(bc.model)
			if err != nil {
				b.Fatal(err)
			}
			g, err := spec.Build(zoo.Options{})
			if err != nil {
				b.Fatal(err)
			}
			memory := autodiff.NewMemory(2)
			defer memory.Close()
			for b.Loop() {
				if _, err := autodiff.New[float32](g, bc.in, autodiff.Options{Memory: memory}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
