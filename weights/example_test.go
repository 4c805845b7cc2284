package weights_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
)

// A network's parameters are written to a file and read back, and the file is
// looked into without knowing the network.
func ExampleLoad() {
	b := graph.NewBuilder("tiny", 3)
	b.Output(graph.Logits, b.Linear("fc", b.GlobalPool("pool", b.Input()), 2, true))
	g, err := b.Build()
	if err != nil {
		log.Fatal(err)
	}
	v := graph.NewValues[float32](g)
	g.Initialize(v, 1)

	dir, err := os.MkdirTemp("", "weights")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tiny.safetensors")
	tensors, err := weights.Tensors("", g, v)
	if err != nil {
		log.Fatal(err)
	}
	if err := weights.WriteFile(path, tensors, map[string]string{"author": "me"}); err != nil {
		log.Fatal(err)
	}

	f, err := weights.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		fmt.Println(name, info.DType, info.Shape)
	}
	again, report, err := weights.Load(g, f, weights.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Loaded, "parameters,", f.Metadata()["author"], again[0][0] == v[0][0])
	// Output:
	// fc.bias F32 [2]
	// fc.weight F32 [2 3]
	// 2 parameters, me true
}
