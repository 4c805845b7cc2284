package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

// randomGraph returns a network of random operators. Every operator of package
// graph can occur, and any node may be read by any later one.
func randomGraph(rng *rand.Rand) *graph.Graph {
	b := graph.NewBuilder("random", 1+rng.IntN(4))
	pads := []graph.Padding{graph.Symmetric, graph.Same, graph.Valid}
	acts := []graph.Activation{graph.ReLU, graph.ReLU6, graph.Swish, graph.HardSwish, graph.Sigmoid, graph.HardSigmoid}
	pick := func(n []graph.ID) graph.ID { return n[rng.IntN(len(n))] }
	// Nodes by level: all of one level have the same height and width.
	levels := [][]graph.ID{{b.Input()}}
	pool := func(x graph.ID, name string) graph.ID { return b.GlobalPool(name+".pool", x) }
	for i := range 4 + rng.IntN(16) {
		name := fmt.Sprintf("n%d", i)
		level := rng.IntN(len(levels))
		x := pick(levels[level])
		if rng.IntN(2) == 0 { // mostly extend the newest node
			level = len(levels) - 1
			x = levels[level][len(levels[level])-1]
		}
		c := b.Channels(x)
		out := 1 + rng.IntN(40)
		same := true // keeps height and width
		var y graph.ID
		switch rng.IntN(18) {
		case 0, 1:
			y = b.Conv(name, x, graph.ConvSpec{Out: out, Groups: 1 + rng.IntN(min(3, c, out)), Split: true, Bias: rng.IntN(2) == 0})
		case 2:
			groups := 1 + rng.IntN(3)
			if c%groups != 0 {
				groups = 1
			}
			s := graph.ConvSpec{
				Out: groups * (1 + rng.IntN(8)), Kernel: 1 + rng.IntN(4), Stride: 1 + rng.IntN(2),
				Dilation: 1 + rng.IntN(2), Padding: pads[rng.IntN(2)], Groups: groups,
			}
			same = s.Stride == 1 && s.Kernel%2 == 1
			y = b.Conv(name, x, s)
		case 3, 4, 5:
			kernels := []int{3, 5, 7, 9, 11}[:1+rng.IntN(min(5, c))]
			s := graph.MixSpec{Kernels: kernels, Stride: 1 + rng.IntN(2), Padding: pads[rng.IntN(2)], Partition: graph.Partition(rng.IntN(2)), Dilated: rng.IntN(4) == 0}
			same = s.Stride == 1
			y = b.MixConv(name, x, s)
		case 6:
			y = b.BatchNorm(name, x)
		case 7:
			y = b.Activate(name, x, acts[rng.IntN(len(acts))])
		case 8:
			y = x
			for _, z := range levels[level] {
				if z != x && b.Channels(z) == c {
					y = b.Add(name, x, z)
				}
			}
			if y == x {
				y = b.Add(name, x, x)
			}
		case 9: // squeeze-excite
			s := b.Conv(name+".reduce", pool(x, name), graph.ConvSpec{Out: 1 + c/4, Bias: true})
			s = b.Activate(name+".act", s, acts[rng.IntN(len(acts))])
			s = b.Conv(name+".expand", s, graph.ConvSpec{Out: c, Bias: true})
			y = b.Scale(name, x, b.Activate(name+".gate", s, graph.Sigmoid))
		case 10:
			p := graph.Pool{Max: rng.IntN(2) == 0, Kernel: 1 + rng.IntN(3), Padding: pads[rng.IntN(2)], CountPad: rng.IntN(2) == 0}
			p.Stride = 1 + rng.IntN(p.Kernel)
			same = p.Stride == 1 && p.Kernel%2 == 1
			y = b.Pool(name, x, p)
		case 11:
			parts := []graph.ID{x}
			for range 1 + rng.IntN(2) {
				parts = append(parts, pick(levels[level]))
			}
			y = b.Concat(name, parts...)
			if rng.IntN(2) == 0 {
				y = b.BatchNorm(name+".bn", y)
			}
		case 12:
			from := rng.IntN(c)
			y = b.Slice(name, x, from, from+1+rng.IntN(c-from))
		case 13:
			groups := 1
			for _, g := range []int{2, 3, 4} {
				if c%g == 0 {
					groups = g
				}
			}
			y = b.Shuffle(name, x, groups)
		case 14:
			y = b.Shift(name, x, rng.IntN(5)-2, rng.IntN(5)-2)
		case 16, 17: // residual branch
			y = b.Conv(name+".expand", x, graph.ConvSpec{Out: out, Groups: 1 + rng.IntN(min(2, c, out)), Split: true})
			y = b.MixConv(name+".dw", y, graph.MixSpec{Kernels: []int{3, 5}[:1+rng.IntN(min(2, out))], Padding: pads[rng.IntN(2)]})
			y = b.BatchNorm(name+".bn", b.Conv(name, y, graph.ConvSpec{Out: c}))
			y = b.Add(name+".add", y, x)
		case 15:
			y = b.Dropout(name, b.DropPath(name+".path", x, 0.1), 0.2)
		}
		if rng.IntN(3) == 0 {
			y = b.BatchNorm(name+".norm", y)
		}
		if rng.IntN(3) == 0 {
			y = b.Activate(name+".func", y, acts[rng.IntN(len(acts))])
		}
		if same {
			levels[level] = append(levels[level], y)
		} else {
			levels = append(levels, []graph.ID{y})
		}
		if rng.IntN(4) == 0 {
			b.Block(name, y)
		}
	}
	x := pick(levels[len(levels)-1])
	if rng.IntN(3) == 0 {
		x = b.Activate("head.act", b.Conv("head", x, graph.ConvSpec{Out: 20}), graph.ReLU)
	}
	x = pool(x, "final")
	b.Output(graph.Features, x)
	b.Output(graph.Logits, b.Linear("fc", b.Dropout("drop", x, 0.2), 7, true))
	g, err := b.Build()
	if err != nil {
		panic(err)
	}
	return g
}

// checkGraph compares every named output and the logits with the reference.
func checkGraph(g *graph.Graph, in tensor.Shape, threads int) error {
	v := testkit.Values[float32](g)
	x := testkit.Input[float32](in)
	if _, err := g.Shapes(in); err != nil {
		p, err := Compile(g, v, Options{Threads: threads})
		if err != nil {
			return err
		}
		defer p.Close()
		if err := p.Run(context.Background(), tensor.New[float32](tensor.Shape{N: in.N, H: 1, W: 1, C: 7}), x); !errors.Is(err, tensor.ErrShape) {
			return fmt.Errorf("error %v, want ErrShape", err)
		}
		return nil
	}
	want := reference(g, v, x)
	blocks := in.H%2 == 0
	var compiled []string
	if blocks {
		compiled = everything(g)
	}
	p, err := Compile(g, v, Options{Threads: threads, Outputs: compiled, Mean: make([]float32, in.C), Std: ones(in.C)})
	if err != nil {
		return err
	}
	defer p.Close()
	p.net.window = 1 << (8 + in.W%8) // small, so that small images are worked on in bands
	names := []string{graph.Features, graph.Logits}
	logits, _ := g.Find(graph.Logits)
	features, _ := g.Find(graph.Features)
	ids := []graph.ID{features.ID, logits.ID}
	used := g.Used()
	for _, b := range g.Blocks {
		if blocks && used[b.Out] {
			names, ids = append(names, b.Name), append(ids, b.Out)
		}
	}
	out, err := p.Outputs(context.Background(), x, names...)
	if err != nil {
		return err
	}
	for i, y := range out {
		if y.Shape != want[ids[i]].Shape {
			return fmt.Errorf("%s: shape %v, want %v", names[i], y.Shape, want[ids[i]].Shape)
		}
		if err := testkit.Close(y.Data, want[ids[i]].Data, 1e-4); err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
	}
	y := tensor.New[float32](want[logits.ID].Shape)
	if err := p.Run(context.Background(), y, x); err != nil {
		return err
	}
	if err := testkit.Close(y.Data, out[1].Data, 0); err != nil {
		return fmt.Errorf("run and outputs differ: %w", err)
	}
	return checkBytes(g, v, p, in)
}

func ones(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// checkBytes compares RunBytes with Run on the same pixels.
func checkBytes(g *graph.Graph, v graph.Values[float32], p *Program, in tensor.Shape) error {
	pixels := make([]uint8, in.Len())
	x := tensor.New[float32](in)
	for i, u := range testkit.Uniform("pixels", len(pixels)) {
		pixels[i] = uint8(u * 256)
		x.Data[i] = float32(pixels[i]) / 255
	}
	logits, _ := g.Find(graph.Logits)
	want := reference(g, v, x)[logits.ID]
	y := tensor.New[float32](want.Shape)
	if err := p.RunBytes(context.Background(), y, pixels, in); err != nil {
		return err
	}
	if err := testkit.Close(y.Data, want.Data, 1e-4); err != nil {
		return fmt.Errorf("from bytes: %w", err)
	}
	return nil
}

func describe(g *graph.Graph) string {
	var b strings.Builder
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "%d %s %s %v %+v\n", i, n.Name, n.Op.Kind(), n.Inputs, n.Op)
	}
	fmt.Fprintf(&b, "blocks %v\n", g.Blocks)
	return b.String()
}

func randomCase(seed uint64) (*graph.Graph, tensor.Shape, int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	g := randomGraph(rng)
	return g, tensor.Shape{N: 1 + rng.IntN(5), H: 1 + rng.IntN(20), W: 1 + rng.IntN(20), C: g.Channels()}, 1 + rng.IntN(3)
}

func TestRandomGraphsEqualReference(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		for seed := range uint64(300) {
			g, in, threads := randomCase(seed)
			if err := checkGraph(g, in, threads); err != nil {
				t.Fatalf("seed %d, input %v, %d threads: %v\n%s", seed, in, threads, err, describe(g))
			}
		}
	})
}

// FuzzGraph compares every level of kernels with the reference.
func FuzzGraph(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) {
		g, in, threads := randomCase(seed)
		for _, level := range cpu.Available() {
			restore, err := cpu.Set(level)
			if err != nil {
				t.Fatal(err)
			}
			err = checkGraph(g, in, threads)
			restore()
			if err != nil {
				t.Fatalf("%v kernels, input %v, %d threads: %v\n%s", level, in, threads, err, describe(g))
			}
		}
	})
}
