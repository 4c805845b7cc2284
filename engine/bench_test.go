package engine

import (
	"context"
	"fmt"
	"testing"

	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// program compiles a network of the zoo with reference values.
func program(t testing.TB, name string, opts Options) *Program {
	t.Helper()
	spec, err := zoo.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(g, testkit.Values[float32](g), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func BenchmarkRun(b *testing.B) {
	for _, name := range []string{"mixnet_s", "mixnet_m", "mixnet_l", "mobilenetv1_100", "mobilenetv2_100", "mobilenetv3_large_100"} {
		for _, threads := range []int{1, 2} {
			for _, batch := range []int{1, 16} {
				b.Run(fmt.Sprintf("%s/threads=%d/batch=%d", name, threads, batch), func(b *testing.B) {
					p := program(b, name, Options{Threads: threads})
					x := testkit.Input[float32](tensor.Shape{N: batch, H: 224, W: 224, C: 3})
					y := tensor.New[float32](tensor.Shape{N: batch, H: 1, W: 1, C: p.Graph().Classes()})
					for b.Loop() {
						if err := p.Run(context.Background(), y, x); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	spec, err := zoo.Lookup("mixnet_s")
	if err != nil {
		b.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	v := testkit.Values[float32](g)
	for b.Loop() {
		p, err := Compile(g, v, Options{Threads: 1})
		if err != nil {
			b.Fatal(err)
		}
		p.Close()
	}
}
