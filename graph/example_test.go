package graph_test

import (
	"fmt"
	"log"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// A stem, one mixed depthwise convolution of three kernel sizes and a
// classifier.
func ExampleBuilder() {
	b := graph.NewBuilder("tiny", 3)
	x := b.Conv("stem", b.Input(), graph.ConvSpec{Out: 24, Kernel: 3, Stride: 2})
	x = b.Activate("act1", b.BatchNorm("bn1", x), graph.ReLU)
	x = b.MixConv("mix", x, graph.MixSpec{Kernels: []int{3, 5, 7}, Stride: 2})
	x = b.Activate("act2", b.BatchNorm("bn2", x), graph.Swish)
	b.Block("blocks.0", x)
	x = b.GlobalPool("pool", x)
	b.Output(graph.Features, x)
	b.Output(graph.Logits, b.Linear("fc", x, 10, true))
	g, err := b.Build()
	if err != nil {
		log.Fatal(err)
	}

	in := tensor.Shape{N: 1, H: 32, W: 32, C: 3}
	shapes, err := g.Shapes(in)
	if err != nil {
		log.Fatal(err)
	}
	for i, n := range g.Nodes {
		fmt.Println(n.Name, n.Op.Kind(), shapes[i])
	}
	macs, err := g.MACs(in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(g.Classes(), "classes,", g.ParamCount(), "parameters,", macs, "multiply-adds")
	// Output:
	// input input 1×32×32×3
	// stem conv 1×16×16×24
	// bn1 batchnorm 1×16×16×24
	// act1 relu 1×16×16×24
	// mix mixconv 1×8×8×24
	// bn2 batchnorm 1×8×8×24
	// act2 swish 1×8×8×24
	// pool globalpool 1×1×1×24
	// fc linear 1×1×1×10
	// 10 classes, 1658 parameters, 208624 multiply-adds
}

// A network may have any outputs: here two maps of different sizes and an
// auxiliary head for training.
func ExampleBuilder_Output() {
	b := graph.NewBuilder("pyramid", 3)
	fine := b.Conv("fine", b.Input(), graph.ConvSpec{Out: 16, Kernel: 3, Stride: 4})
	coarse := b.Conv("coarse", fine, graph.ConvSpec{Out: 32, Kernel: 3, Stride: 2})
	b.Output("fine", fine)
	b.Output("coarse", coarse)
	b.TrainingOutput("aux0", b.Conv("aux", fine, graph.ConvSpec{Out: 5}), 0.4)
	g, err := b.Build()
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range g.Outputs {
		fmt.Printf("%s: %d channels, loss × %g, in training alone: %v\n", o.Name, o.Channels, o.Loss, o.Training)
	}
	// Output:
	// fine: 16 channels, loss × 1, in training alone: false
	// coarse: 32 channels, loss × 1, in training alone: false
	// aux0: 5 channels, loss × 0.4, in training alone: true
}
