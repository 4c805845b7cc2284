package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

// halfSets are the features that kernels on bfloat16 ask for.
var halfSets = []cpu.Feature{cpu.AVX512BF16, cpu.AVX512BF16 | cpu.AMXTile | cpu.AMXBF16}

// Networks of random operators in bfloat16 are near their definition in
// float64, at every instruction set, with several threads and in batches.
func TestHalfIsNearDefinition(t *testing.T) {
	n, sum := 0, 0.0
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 9))
		g := randomGraph(rng)
		v := testkit.Values[float32](g)
		x := testkit.Input[float32](tensor.Shape{N: 3, H: 9 + rng.IntN(14), W: 9 + rng.IntN(14), C: g.Channels()})
		if _, err := g.Shapes(x.Shape); err != nil {
			continue
		}
		o, _ := g.Find(g.Outputs[0].Name)
		want := reference(g, v, x)[o.ID]
		cputest.EachWith(t, halfSets, func(t *testing.T) {
			for _, threads := range []int{1, 3} {
				p, err := Compile(g, v, Options{Threads: threads, Precision: BFloat16})
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				y, err := p.Outputs(context.Background(), x, o.Name)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				r := ratio(y[0].Data, want.Data)
				if n, sum = n+1, sum+min(r, 80); r < 28 {
					t.Errorf("seed %d, %d threads: signal to noise %.1f dB", seed, threads, r)
				}
			}
		})
	}
	if mean := sum / float64(n); mean < 45 { // 8 bits of precision are 57 dB a rounding
		t.Errorf("signal to noise %.1f dB on average", mean)
	}
}

// The networks that bfloat16 is for have it from end to end: nothing but the
// squeeze-excite and the results is in float32, and no conversion stands
// between.
func TestHalfFromEndToEnd(t *testing.T) {
	for _, name := range []string{"mixnet_s", "mixnet_l", "mobilenetv1_100", "mobilenetv2_100", "mobilenetv3_large_100", "efficientnet_lite0"} {
		x := testkit.Input[float32](tensor.Shape{N: 2, H: 64, W: 64, C: 3})
		exact := program(t, name, Options{Threads: 1})
		want := logitsFor(exact, 2)
		if err := exact.Run(t.Context(), want, x); err != nil {
			t.Fatal(err)
		}
		p := program(t, name, Options{Threads: 1, Precision: BFloat16})
		got := logitsFor(p, 2)
		if err := p.Run(t.Context(), got, x); err != nil {
			t.Fatal(err)
		}
		if p.Precision() != BFloat16 || exact.Precision() != Float32 {
			t.Errorf("%s: precisions %v and %v", name, p.Precision(), exact.Precision())
		}
		if r := ratio(got.Data, float64s(want.Data)); r < 30 || r > 70 {
			t.Errorf("%s: signal to noise %.1f dB", name, r)
		}
		again := logitsFor(p, 2)
		if err := p.Run(t.Context(), again, x); err != nil || !slices.Equal(again.Data, got.Data) {
			t.Errorf("%s: another call gives other bits: %v", name, err)
		}
		plan, err := p.net.plan(p.g, x.Shape, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.steps {
			if strings.HasPrefix(s.kind, "widen") || strings.HasPrefix(s.kind, "narrow") {
				t.Errorf("%s: %s", name, s.kind)
			}
		}
	}
}

func float64s(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// Calls in bfloat16 allocate nothing once they are warm, and take images as
// bytes.
func TestHalfAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2} {
		mean := []float32{0.5, 0.4, 0.3}
		p := program(t, "mixnet_s", Options{Threads: threads, Precision: BFloat16, Mean: mean, Std: mean})
		shape := tensor.Shape{N: 2, H: 48, W: 40, C: 3}
		x, y, bytes := testkit.Input[float32](shape), logitsFor(p, 2), make([]uint8, shape.Len())
		for i := range bytes {
			bytes[i] = uint8(i * 37)
		}
		for i, b := range bytes {
			x.Data[i] = (float32(b)/255 - mean[i%3]) / mean[i%3]
		}
		if n := testing.AllocsPerRun(5, func() {
			if err := p.Run(t.Context(), y, x); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%d threads: %g allocations a call", threads, n)
		}
		want := float64s(y.Data)
		if err := p.RunBytes(t.Context(), y, bytes, shape); err != nil {
			t.Fatal(err)
		}
		if r := ratio(y.Data, want); r < 40 {
			t.Errorf("bytes: signal to noise %.1f dB to floats", r)
		}
	}
}

func TestPrecision(t *testing.T) {
	for _, name := range precisionNames {
		var p Precision
		if err := p.UnmarshalText([]byte(name)); err != nil || p.String() != name {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	var p Precision
	if err := p.UnmarshalText([]byte("float16")); err == nil || !strings.Contains(err.Error(), "bf16") {
		t.Errorf("float16: %v", err)
	}
	b := graph.NewBuilder("plain", 3)
	b.Output(graph.Logits, b.Linear("fc", b.GlobalPool("pool", b.Input()), 10, true))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	q := &graph.Quantization{}
	if _, err := Compile(g, testkit.Values[float32](g), Options{Quantization: q, Precision: BFloat16}); err == nil || !strings.Contains(err.Error(), "whole numbers") {
		t.Errorf("quantized weights in bfloat16: %v", err)
	}
	if _, err := Compile(g, testkit.Values[float32](g), Options{Precision: 9}); err == nil {
		t.Error("precision 9 compiles")
	}
}
