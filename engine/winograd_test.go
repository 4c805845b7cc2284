package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/tensor"
)

// denseGraph returns a few residual blocks of 3×3 convolutions with enough
// channels for Winograd's form, also in groups.
func denseGraph(rng *rand.Rand) *graph.Graph {
	b := graph.NewBuilder("dense", 1+rng.IntN(20))
	pads := []graph.Padding{graph.Symmetric, graph.Same, graph.Valid}
	acts := []graph.Activation{graph.ReLU, graph.ReLU6, graph.Swish, graph.HardSwish}
	x := b.Input()
	if rng.IntN(2) == 0 {
		x = b.Conv("down0", x, graph.ConvSpec{Out: 16 + rng.IntN(20), Bias: true})
		x = b.Conv("down", x, graph.ConvSpec{Out: 16 + rng.IntN(40), Kernel: 3, Stride: 2, Padding: pads[rng.IntN(2)]})
	}
	for i := range 1 + rng.IntN(3) {
		name := fmt.Sprintf("b%d", i)
		groups := 1 + rng.IntN(2)*rng.IntN(2)
		c := groups * (16 + rng.IntN(50))
		x = b.Activate(name+".in.act", b.Conv(name+".in", x, graph.ConvSpec{Out: c, Bias: true}), graph.ReLU)
		y := b.BatchNorm(name+".bn", b.Conv(name, x, graph.ConvSpec{Out: c, Kernel: 3, Groups: groups, Padding: pads[rng.IntN(2)], Bias: rng.IntN(2) == 0}))
		switch rng.IntN(4) {
		case 0:
			y = b.Activate(name+".act", b.Add(name+".add", y, x), acts[rng.IntN(4)])
		case 1:
			y = b.Add(name+".add", b.Activate(name+".act", y, acts[rng.IntN(4)]), x)
		case 2:
			y = b.Concat(name+".cat", y, x)
		}
		x = y
		if rng.IntN(3) == 0 {
			b.Block(name, x)
		}
	}
	x = b.GlobalPool("pool", x)
	b.Output(graph.Features, x)
	b.Output(graph.Logits, b.Linear("fc", x, 7, true))
	g, err := b.Build()
	if err != nil {
		panic(err)
	}
	return g
}

// Networks of dense 3×3 convolutions equal the reference for any size, batch
// and number of threads.
func TestDenseGraphsEqualReference(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		for seed := range uint64(12) {
			rng := rand.New(rand.NewPCG(seed, 3))
			g := denseGraph(rng)
			in := tensor.Shape{N: 1 + rng.IntN(5), H: 1 + rng.IntN(11), W: 1 + rng.IntN(11), C: g.Channels()}
			threads := 1 + rng.IntN(3)
			if err := checkGraph(g, in, threads); err != nil {
				t.Fatalf("seed %d, input %v, %d threads: %v\n%s", seed, in, threads, err, describe(g))
			}
		}
	})
}
