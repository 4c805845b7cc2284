package engine

import (
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/tensor"
)

// Wide 1×1 convolutions equal the reference with any number of threads and
// pixels, pooled or not.
func TestWideConvolutions(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		for threads := 1; threads <= 3; threads++ {
			for _, size := range []int{3, 7, 11} {
				b := graph.NewBuilder("wide", 32)
				x := b.Activate("a1", b.Conv("c1", b.Input(), graph.ConvSpec{Out: 256, Bias: true}), graph.ReLU)
				x = b.BatchNorm("n2", b.Conv("c2", x, graph.ConvSpec{Out: 544}))
				b.Block("middle", x)
				x = b.Activate("a3", b.Conv("c3", x, graph.ConvSpec{Out: 288, Bias: true}), graph.Swish)
				x = b.GlobalPool("pool", x)
				b.Output(graph.Features, x)
				x = b.Conv("c4", x, graph.ConvSpec{Out: 256})
				b.Output(graph.Logits, b.Linear("fc", x, 7, true))
				g, err := b.Build()
				if err != nil {
					t.Fatal(err)
				}
				if err := checkGraph(g, tensor.Shape{N: 1 + size%2, H: size, W: size, C: 32}, threads); err != nil {
					t.Errorf("%d×%d, %d threads: %v", size, size, threads, err)
				}
			}
		}
	})
}
