package onnx_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/tensor"
)

// tiny is a small file with convolutions, a mixed one, squeeze-excite, a shuffle
// and a classifier.
func tiny(t testing.TB) []byte {
	t.Helper()
	b := graph.NewBuilder("tiny", 3)
	x := b.Conv("stem", b.Input(), graph.ConvSpec{Out: 8, Kernel: 3, Stride: 2, Padding: graph.Same})
	x = b.Activate("act", b.BatchNorm("bn", x), graph.Swish)
	x = b.Activate("mix.act", b.BatchNorm("mix.bn", b.MixConv("mix", x, graph.MixSpec{Kernels: []int{3, 5}})), graph.HardSwish)
	s := b.Activate("gate", b.Conv("se", b.GlobalPool("mean", x), graph.ConvSpec{Out: 8, Bias: true}), graph.Sigmoid)
	x = b.Shuffle("shuffle", b.Scale("scale", x, s), 2)
	x = b.Concat("both", x, b.Shift("shift", x, 1, -1), b.Pool("pool", x, graph.Pool{Max: true, Kernel: 3, Stride: 1}))
	b.Output(graph.Logits, b.Linear("fc", b.GlobalPool("pooled", x), 5, true))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	v := graph.NewValues[float32](g)
	g.Initialize(v, 1)
	var out bytes.Buffer
	if err := onnx.Export(&out, g, memory(v), onnx.Options{Opset: 13, Height: 9, Width: 12}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// check reads a file, which gives a network that fits its images or an error.
func check(t *testing.T, file []byte) {
	n, err := onnx.Read(bytes.NewReader(file), int64(len(file)), onnx.ReadOptions{Height: 16, Width: 16})
	if err != nil {
		if !errors.Is(err, onnx.ErrFormat) && !errors.Is(err, onnx.ErrUnsupported) {
			t.Fatalf("an error of no kind: %v", err)
		}
		return
	}
	if _, err := n.Graph.Shapes(tensor.Shape{N: 1, H: n.Height, W: n.Width, C: n.Graph.Channels()}); err != nil {
		t.Fatal(err)
	}
	for i, p := range n.Graph.Params {
		if len(n.Values[i]) != p.Len() {
			t.Fatalf("%s: %d values for %v", p.Name, len(n.Values[i]), p.Shape)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(tiny(f))
	f.Add([]byte{8, 8, 0x3a, 0})
	f.Fuzz(func(t *testing.T, file []byte) { check(t, file) })
}

// Damaged files give an error or a network, whatever is damaged.
func TestDamaged(t *testing.T) {
	file := tiny(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		damaged := bytes.Clone(file)
		for range 1 + r.IntN(4) {
			damaged[r.IntN(len(damaged))] = byte(r.Uint32())
		}
		check(t, damaged)
	}
	for n := 0; n < len(file); n += 7 {
		check(t, file[:n])
	}
}
