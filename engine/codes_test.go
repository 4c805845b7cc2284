package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

// roughly rounds the weights v to whole numbers of a scale for each output
// channel and gives every result the code of its range on x.
func roughly(g *graph.Graph, v graph.Values[float32], x *tensor.Tensor) *graph.Quantization {
	q := &graph.Quantization{Codes: map[graph.ID]graph.Code{}, Scales: map[graph.ParamID][]float32{}}
	for i, p := range g.Params {
		if p.Kind != graph.Weight {
			continue
		}
		n := p.Len() / p.Shape[0]
		for c := range p.Shape[0] {
			row := v[i][c*n:][:n]
			most := float32(1e-3)
			for _, w := range row {
				most = max(most, max(w, -w))
			}
			s := most / graph.MaxWeightCode
			for j, w := range row {
				row[j] = float32(math.RoundToEven(float64(w/s))) * s
			}
			q.Scales[graph.ParamID(i)] = append(q.Scales[graph.ParamID(i)], s)
		}
	}
	pooled := map[graph.ID]bool{}
	for i, y := range reference(g, v, x) {
		id := graph.ID(i)
		_, mean := g.Nodes[i].Op.(*graph.GlobalPool)
		pooled[id] = mean || len(g.Nodes[i].Inputs) > 0 && !slices.ContainsFunc(g.Nodes[i].Inputs, func(in graph.ID) bool { return !pooled[in] })
		if pooled[id] {
			continue
		}
		lo, hi := min(0, slices.Min(y.Data)), max(1e-3, slices.Max(y.Data))
		c := graph.Code{Scale: float32((hi - lo) / 255)}
		c.Zero = uint8(math.Round(-lo / float64(c.Scale)))
		q.Codes[id] = c
	}
	for i, n := range g.Nodes { // what only moves channels keeps their code
		switch n.Op.(type) {
		case *graph.Slice, *graph.Shuffle, *graph.Pool:
			q.Codes[graph.ID(i)] = q.Codes[n.Inputs[0]]
		}
	}
	return q
}

// ratio returns the signal to noise of y, which should be want, in dB.
func ratio(y []float32, want []float64) float64 {
	signal, noise := 0.0, 0.0
	for i, w := range want {
		d := float64(y[i]) - w
		signal, noise = signal+w*w, noise+d*d
	}
	return 10 * math.Log10((signal+1e-12)/(noise+1e-12))
}

// TestQuantizedEqualsDefinition compares quantized networks of random operators
// with their definition on the same rounded weights, and with themselves at
// every instruction set, with several threads and in batches: those are equal
// to the bit.
func TestQuantizedEqualsDefinition(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 8))
		g := randomGraph(rng)
		v := testkit.Values[float32](g)
		x := testkit.Input[float32](tensor.Shape{N: 3, H: 9 + rng.IntN(14), W: 9 + rng.IntN(14), C: g.Channels()})
		if _, err := g.Shapes(x.Shape); err != nil {
			continue
		}
		q := roughly(g, v, x)
		q.Exact = seed%2 == 0
		o, _ := g.Find(g.Outputs[0].Name)
		want := reference(g, v, x)[o.ID]
		var first []float32
		cputest.Each(t, func(t *testing.T) {
			for _, threads := range []int{1, 3} {
				p, err := Compile(g, v, Options{Threads: threads, Quantization: q})
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				y, err := p.Outputs(context.Background(), x, o.Name)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if r := ratio(y[0].Data, want.Data); r < 25 {
					t.Errorf("seed %d, %d threads: signal to noise %.1f dB", seed, threads, r)
				}
				if integral(p) {
					if first == nil {
						first = y[0].Data
					} else if !slices.Equal(first, y[0].Data) {
						t.Errorf("seed %d: %d threads give other bits", seed, threads)
					}
				}
			}
		})
	}
}

// integral reports whether no layer of p multiplies floats in an order that
// depends on the processor.
func integral(p *Program) bool {
	return !slices.ContainsFunc(p.net.layers, func(l layer) bool {
		switch l := l.(type) {
		case *convLayer:
			_, ok := l.form.(*vectorConv)
			return !ok
		case *depthwiseLayer, *globalPoolLayer, *poolLayer, *affineLayer, *addLayer:
			return true
		}
		return false
	})
}

// Calls of a quantized network allocate nothing once they are warm.
func TestQuantizedAllocatesNothing(t *testing.T) {
	b := graph.NewBuilder("allocates", 3)
	x := b.Activate("a1", b.BatchNorm("n1", b.Conv("c1", b.Input(), graph.ConvSpec{Out: 24, Kernel: 3, Stride: 2})), graph.ReLU6)
	y := b.Activate("a2", b.BatchNorm("n2", b.MixConv("c2", x, graph.MixSpec{Kernels: []int{3, 5}})), graph.Swish)
	s := b.Activate("gate", b.Conv("reduce", b.GlobalPool("pool", y), graph.ConvSpec{Out: 24, Bias: true}), graph.Sigmoid)
	y = b.Add("sum", b.BatchNorm("n3", b.Conv("c3", b.Scale("scale", y, s), graph.ConvSpec{Out: 24})), x)
	y = b.Linear("fc", b.GlobalPool("mean", y), 10, true)
	b.Output(graph.Logits, y)
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	v := testkit.Values[float32](g)
	in := testkit.Input[float32](tensor.Shape{N: 2, H: 32, W: 32, C: 3})
	q := roughly(g, v, in)
	delete(q.Codes, graph.ID(len(g.Nodes)-1))
	for _, threads := range []int{1, 2} {
		p, err := Compile(g, v, Options{Threads: threads, Quantization: q})
		if err != nil {
			t.Fatal(err)
		}
		if !integral(p) {
			t.Fatal("layers are left in floats")
		}
		out := tensor.New[float32](tensor.Shape{N: 2, H: 1, W: 1, C: 10})
		if n := testing.AllocsPerRun(20, func() {
			if err := p.Run(t.Context(), out, in); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%d threads: %g allocations a call", threads, n)
		}
	}
}

// A channel whose result varies little has large factors, and its sums and biases
// end at the first or the last code, with the right sign.
func TestLargeFactors(t *testing.T) {
	for name, layer := range map[string]func(b *graph.Builder) graph.ID{
		"depthwise": func(b *graph.Builder) graph.ID { return b.MixConv("c", b.Input(), graph.MixSpec{Kernels: []int{3}}) },
		"pointwise": func(b *graph.Builder) graph.ID { return b.Conv("c", b.Input(), graph.ConvSpec{Out: 16}) },
	} {
		b := graph.NewBuilder(name, 16)
		y := b.BatchNorm("n", layer(b))
		b.Output("y", y)
		g, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		v := testkit.Values[float32](g)
		x := testkit.Input[float32](tensor.Shape{N: 1, H: 12, W: 11, C: 16})
		q := roughly(g, v, x)
		for i := range x.Data {
			x.Data[i] = q.Codes[0].Value(q.Codes[0].Round(x.Data[i]))
		}
		norm := g.Nodes[y].Op.(*graph.BatchNorm)
		for c := range v[norm.Beta] {
			v[norm.Gamma][c] *= float32(math.Pow(10, float64(c%4)))
			v[norm.Beta][c] = float32(math.Pow(-100, float64(c%6)))
		}
		want := reference(g, v, x)[y].Data
		code := q.Codes[y]
		cputest.Each(t, func(t *testing.T) {
			p, err := Compile(g, v, Options{Threads: 1, Quantization: q})
			if err != nil {
				t.Fatal(err)
			}
			if !integral(p) {
				t.Fatalf("%s is computed in floats", name)
			}
			out, err := p.Outputs(context.Background(), x, "y")
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range want {
				w = min(max(w, float64(code.Value(0))), float64(code.Value(255)))
				if d := math.Abs(float64(out[0].Data[i]) - w); d > 1.01*float64(code.Scale) {
					t.Fatalf("%s: value %d is %g, want %g: %.1f codes apart", name, i, out[0].Data[i], w, d/float64(code.Scale))
				}
			}
		})
	}
}
