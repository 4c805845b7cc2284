package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// network returns MixNet-S with random parameters; those of a trained network
// are in a model.Model.
func network() (*graph.Graph, graph.Values[float32]) {
	spec, err := zoo.Lookup("mixnet_s")
	if err != nil {
		log.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		log.Fatal(err)
	}
	values := graph.NewValues[float32](g)
	g.Initialize(values, 1)
	return g, values
}

// The logits of a batch of two pictures.
func ExampleProgram_Run() {
	g, values := network()
	program, err := engine.Compile(g, values, engine.Options{Threads: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer program.Close()
	images := tensor.New[float32](tensor.Shape{N: 2, H: 224, W: 224, C: 3}) // gray ones
	logits := tensor.New[float32](tensor.Shape{N: 2, H: 1, W: 1, C: g.Classes()})
	if err := program.Run(context.Background(), logits, images); err != nil {
		log.Fatal(err)
	}
	fmt.Println(logits.Shape)
	// Output: 2×1×1×1000
}

// Several results of one pass.
func ExampleProgram_Outputs() {
	g, values := network()
	program, err := engine.Compile(g, values, engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer program.Close()
	image := tensor.New[float32](tensor.Shape{N: 1, H: 224, W: 224, C: 3})
	out, err := program.Outputs(context.Background(), image, graph.Features, graph.Logits)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("features", out[0].Shape)
	fmt.Println("logits", out[1].Shape)
	// Output:
	// features 1×1×1×1536
	// logits 1×1×1×1000
}
