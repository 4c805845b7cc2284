package autodiff_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

// network is a small graph for gradient checks.
type network struct {
	name  string
	in    tensor.Shape
	build func(b *graph.Builder) // must set the output
}

func shape(n, h, w, c int) tensor.Shape { return tensor.Shape{N: n, H: h, W: w, C: c} }

func operators() []network {
	var nets []network
	op := func(name string, in tensor.Shape, f func(b *graph.Builder, x graph.ID) graph.ID) {
		nets = append(nets, network{name, in, func(b *graph.Builder) { b.Output(graph.Logits, f(b, b.Input())) }})
	}
	for _, s := range []graph.ConvSpec{
		{Out: 5},
		{Out: 5, Bias: true},
		{Out: 7, Groups: 2, Split: true},
		{Out: 6, Groups: 2},
		{Out: 5, Stride: 2},
		{Out: 5, Kernel: 3, Bias: true},
		{Out: 6, Kernel: 3, Stride: 2, Groups: 2},
		{Out: 3, Kernel: 5, Stride: 2, Padding: graph.Same},
		{Out: 3, Kernel: 3, Dilation: 2},
		{Out: 3, Kernel: 3, Padding: graph.Valid},
	} {
		op(fmt.Sprintf("conv %+v", s), shape(2, 6, 5, 4), func(b *graph.Builder, x graph.ID) graph.ID { return b.Conv("c", x, s) })
	}
	for _, s := range []graph.MixSpec{
		{Kernels: []int{3}},
		{Kernels: []int{3, 5, 7}},
		{Kernels: []int{3, 5}, Stride: 2},
		{Kernels: []int{3, 5, 7, 9, 11, 13}, Stride: 2, Padding: graph.Same},
		{Kernels: []int{3, 5, 7}, Dilated: true, Partition: graph.Exponential},
		{Kernels: []int{3}, Padding: graph.Valid, Stride: 2},
	} {
		op(fmt.Sprintf("mixconv %+v", s), shape(2, 7, 6, 7), func(b *graph.Builder, x graph.ID) graph.ID { return b.MixConv("m", x, s) })
	}
	for a := graph.ReLU; a <= graph.HardSigmoid; a++ {
		op("activate "+a.String(), shape(2, 5, 4, 3), func(b *graph.Builder, x graph.ID) graph.ID { return b.Activate("a", x, a) })
		op("batchnorm, "+a.String(), shape(3, 4, 5, 3), func(b *graph.Builder, x graph.ID) graph.ID {
			return b.Activate("a", b.BatchNorm("bn", x), a)
		})
	}
	op("batchnorm", shape(3, 4, 5, 3), func(b *graph.Builder, x graph.ID) graph.ID { return b.BatchNorm("bn", x) })
	op("globalpool", shape(2, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID { return b.GlobalPool("g", x) })
	op("scale", shape(2, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID { return b.Scale("s", x, b.GlobalPool("g", x)) })
	op("add", shape(2, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID {
		return b.Add("a", b.Activate("r", x, graph.Swish), x)
	})
	op("add twice", shape(2, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID { return b.Add("a", x, x) })
	op("linear", shape(3, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID {
		return b.Linear("l", b.GlobalPool("g", x), 7, true)
	})
	op("linear without bias", shape(3, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID {
		return b.Linear("l", b.GlobalPool("g", x), 7, false)
	})
	op("dropout", shape(2, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID { return b.Dropout("d", x, 0.4) })
	op("droppath", shape(8, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID { return b.DropPath("d", x, 0.4) })
	for _, p := range []graph.Pool{
		{Max: true, Kernel: 3, Stride: 2},
		{Kernel: 3, Stride: 1},
		{Kernel: 3, Stride: 2, CountPad: true},
		{Kernel: 2, Stride: 2, Padding: graph.Same},
	} {
		op(fmt.Sprintf("pool %+v", p), shape(2, 7, 6, 3), func(b *graph.Builder, x graph.ID) graph.ID { return b.Pool("p", x, p) })
	}
	op("concat", shape(2, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID {
		return b.Concat("c", x, b.Activate("r", x, graph.Swish), x)
	})
	op("slice", shape(2, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID {
		return b.Concat("c", b.Slice("s", x, 2, 5), b.Slice("t", x, 1, 3))
	})
	op("shuffle", shape(2, 4, 3, 6), func(b *graph.Builder, x graph.ID) graph.ID { return b.Shuffle("s", x, 3) })
	op("shift", shape(2, 4, 3, 5), func(b *graph.Builder, x graph.ID) graph.ID { return b.Shift("s", x, 1, -1) })
	return nets
}

// networks combine operators in the ways that views and shared gradients do.
func networks() []network {
	return []network{
		{"inverted residual with squeeze-excite", shape(3, 7, 6, 4), func(b *graph.Builder) {
			x := b.Activate("r", b.BatchNorm("bn", b.Conv("stem", b.Input(), graph.ConvSpec{Out: 6, Kernel: 3, Stride: 2})), graph.ReLU)
			for _, name := range []string{"one", "two"} {
				y := b.Conv(name+".pw", x, graph.ConvSpec{Out: 12, Groups: 2, Split: true})
				y = b.Activate(name+".a1", b.BatchNorm(name+".bn1", y), graph.Swish)
				y = b.MixConv(name+".dw", y, graph.MixSpec{Kernels: []int{3, 5}})
				y = b.Activate(name+".a2", b.BatchNorm(name+".bn2", y), graph.Swish)
				s := b.Conv(name+".reduce", b.GlobalPool(name+".gap", y), graph.ConvSpec{Out: 3, Bias: true})
				s = b.Conv(name+".expand", b.Activate(name+".a3", s, graph.Swish), graph.ConvSpec{Out: 12, Bias: true})
				y = b.Scale(name+".se", y, b.Activate(name+".gate", s, graph.Sigmoid))
				y = b.BatchNorm(name+".bn3", b.Conv(name+".pwl", y, graph.ConvSpec{Out: 6}))
				x = b.Add(name+".add", b.DropPath(name+".path", y, 0.3), x)
			}
			f := b.GlobalPool("gap", x)
			b.Output(graph.Logits, b.Linear("fc", b.Dropout("drop", f, 0.2), 5, true))
		}},
		{"shared and repeated views", shape(3, 5, 6, 4), func(b *graph.Builder) {
			x := b.Conv("c", b.Input(), graph.ConvSpec{Out: 4})
			n := b.BatchNorm("bn", x)
			a := b.Activate("a", n, graph.Swish)
			c := b.Add("add", b.Add("add2", n, a), b.Add("add3", x, a))
			d := b.Activate("twice", b.Activate("r", c, graph.HardSwish), graph.Sigmoid)
			e := b.BatchNorm("bn2", d)
			g := b.BatchNorm("bn3", b.DropPath("p", b.Scale("s", e, b.GlobalPool("g", n)), 0.3))
			b.Output(graph.Logits, b.Add("out", g, b.Activate("last", e, graph.Swish)))
		}},
		{"auxiliary heads", shape(3, 5, 6, 4), func(b *graph.Builder) {
			x := b.Activate("a", b.BatchNorm("bn", b.Conv("c", b.Input(), graph.ConvSpec{Out: 4})), graph.Swish)
			b.TrainingOutput("aux0", b.Linear("aux", b.GlobalPool("g1", x), 3, true), 0.4)
			b.TrainingOutput("aux1", b.BatchNorm("head", b.Activate("b", x, graph.Swish)), 0.1)
			b.Output(graph.Logits, b.Linear("fc", b.GlobalPool("g2", b.MixConv("m", x, graph.MixSpec{Kernels: []int{3}})), 3, true))
		}},
		{"shuffle unit", shape(3, 5, 6, 8), func(b *graph.Builder) {
			x := b.Shuffle("s", b.Input(), 2)
			l, r := b.Slice("l", x, 0, 4), b.Slice("r", x, 4, 8)
			r = b.BatchNorm("bn", b.MixConv("m", b.Activate("a", b.Conv("c", r, graph.ConvSpec{Out: 4}), graph.ReLU6), graph.MixSpec{Kernels: []int{3}}))
			b.Output(graph.Logits, b.GlobalPool("g", b.Pool("p", b.Concat("cat", l, b.Activate("e", r, graph.Swish)), graph.Pool{Kernel: 3, Stride: 2})))
		}},
	}
}

// TestGradients compares the gradients of every operator and of small networks
// with central differences.
func TestGradients(t *testing.T) {
	for _, net := range append(operators(), networks()...) {
		for _, threads := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", net.name, threads), func(t *testing.T) {
				checkGradients(t, net, autodiff.Options{Threads: threads, InputGrad: true})
			})
		}
		t.Run(net.name+"/again", func(t *testing.T) {
			checkGradients(t, net, autodiff.Options{Threads: 2, InputGrad: true}.RedoAll())
		})
		t.Run(net.name+"/fixed norms", func(t *testing.T) {
			checkGradients(t, net, autodiff.Options{InputGrad: true, FixedNorms: true})
		})
		t.Run(net.name+"/some norms fixed", func(t *testing.T) {
			g := build(t, net)
			statistics := func(p graph.ParamID) bool { return !g.Params[p].Trainable() && p%3 != 0 }
			checkGradients(t, net, autodiff.Options{Threads: 2, InputGrad: true, Frozen: statistics})
		})
	}
}

func build(t *testing.T, net network) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder(net.name, net.in.C)
	net.build(b)
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func checkGradients(t *testing.T, net network, opts autodiff.Options) {
	const (
		key  = 7
		step = 1e-5
	)
	g := build(t, net)
	n, err := autodiff.New[float64](g, net.in, opts)
	if err != nil {
		t.Fatal(err)
	}
	params := testkit.Values[float64](g)
	x := testkit.Input[float64](net.in)
	var weights [][]float64
	loss := func() float64 {
		if err := n.Train(x, params.Clone(), key); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i := range n.Outputs() {
			if weights == nil || i >= len(weights) {
				weights = append(weights, testkit.Uniform(fmt.Sprint("loss ", i), len(n.Output(i))))
			}
			for j, y := range n.Output(i) {
				sum += y * (2*weights[i][j] - 1)
			}
		}
		return sum
	}
	loss()
	grads := graph.NewValues[float64](g)
	if err := n.Train(x, params.Clone(), key); err != nil {
		t.Fatal(err)
	}
	dOut := make([][]float64, len(weights))
	for i := range weights {
		for _, w := range weights[i] {
			dOut[i] = append(dOut[i], 2*w-1)
		}
	}
	if err := n.Backward(dOut, params, grads); err != nil {
		t.Fatal(err)
	}
	dx := append([]float64(nil), n.InputGrad()...)

	check := func(what string, values, got []float64) {
		t.Helper()
		want := make([]float64, len(values))
		for i := range values {
			old := values[i]
			values[i] = old + step
			up := loss()
			values[i] = old - step
			down := loss()
			values[i] = old
			want[i] = (up - down) / (2 * step)
		}
		if err := close64(got, want, 1e-6); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("input", x.Data, dx)
	for i, p := range g.Params {
		if p.Trainable() {
			check(p.Name, params[i], grads[i])
		}
	}
}

// close64 compares with a tolerance relative to the larger of 1 and the root
// mean square, as gradients may vanish.
func close64(got, want []float64, tol float64) error {
	squares := 0.0
	for _, w := range want {
		squares += w * w
	}
	limit := tol * max(1, math.Sqrt(squares/float64(len(want))))
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= limit) {
			return fmt.Errorf("value %d of %d = %g, want %g", i, len(want), got[i], want[i])
		}
	}
	return nil
}

// With fixed norms a training pass computes what evaluation does, but for
// dropout, and changes no parameter.
func TestFixedNorms(t *testing.T) {
	net := networks()[2]
	g := build(t, net)
	n, err := autodiff.New[float64](g, net.in, autodiff.Options{FixedNorms: true})
	if err != nil {
		t.Fatal(err)
	}
	params, x := testkit.Values[float64](g), testkit.Input[float64](net.in)
	if err := n.Eval(x, params); err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(n.Output(0))
	before := params.Clone()
	if err := n.Train(x, params, 1); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(n.Output(0), want) {
		t.Errorf("training computes %v, evaluation %v", n.Output(0), want)
	}
	for i := range params {
		if !slices.Equal(params[i], before[i]) {
			t.Errorf("%s changed", g.Params[i].Name)
		}
	}
}
