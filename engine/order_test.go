package engine

import (
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// No network copies channels only to shuffle, slice or join them.
func TestShufflesMoveNothing(t *testing.T) {
	for _, name := range []string{"shufflenet_v1_g3_x1_0", "shufflenet_v1_g8_x2_0", "shufflenet_v2_x1_0", "shufflenet_v2_proj_x1_5"} {
		spec, err := zoo.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		g, err := spec.Build(zoo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(g, testkit.Values[float32](g), Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.net.layers {
			switch l := l.(type) {
			case *gatherLayer:
				t.Errorf("%s: a copy of %d channels", name, l.x.c)
			case *concatLayer:
				joined, _ := l.y.storage()
				for _, v := range l.parts {
					if root, _ := v.storage(); root != joined {
						t.Errorf("%s: %s copies %d channels", name, l.name, v.c)
					}
				}
			}
		}
		p.Close()
	}
}

// A value that shuffles, slices and concatenations make of others is right
// whatever reads it, several times over.
func TestSelections(t *testing.T) {
	b := graph.NewBuilder("selections", 3)
	x := b.Conv("stem", b.Input(), graph.ConvSpec{Out: 24, Kernel: 3, Bias: true})
	x = b.Shuffle("s1", x, 4)
	left, right := b.Slice("left", x, 0, 11), b.Slice("right", x, 11, 24)
	y := b.Activate("relu", b.Conv("pw", right, graph.ConvSpec{Out: 13}), graph.ReLU)
	both := b.Shuffle("s2", b.Concat("c1", left, y), 3)
	b.Block("both", both)
	dw := b.MixConv("dw", both, graph.MixSpec{Kernels: []int{3}})
	again := b.Concat("c2", b.Slice("again", dw, 5, 17), b.Conv("pw2", b.Slice("part", dw, 2, 20), graph.ConvSpec{Out: 12, Groups: 2, Bias: true}))
	sum := b.Activate("act", b.Add("sum", again, both), graph.Swish)
	twice := b.Concat("c3", both, sum, both)
	mixed := b.MixConv("mixed", twice, graph.MixSpec{Kernels: []int{3, 5}})
	out := b.Conv("dense", b.Concat("c4", mixed, both), graph.ConvSpec{Out: 8, Kernel: 3, Bias: true})
	f := b.GlobalPool("pool", b.Concat("c5", out, b.Pool("max", both, graph.Pool{Max: true, Kernel: 3, Stride: 1})))
	b.Output(graph.Features, f)
	b.Output(graph.Logits, b.Linear("fc", f, 7, true))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	for threads := 1; threads <= 3; threads++ {
		for size := 4; size <= 9; size++ {
			if err := checkGraph(g, tensor.Shape{N: 1 + size%3, H: size, W: size + 2, C: 3}, threads); err != nil {
				t.Errorf("size %d, %d threads: %v", size, threads, err)
			}
		}
	}
}
