package engine

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

func rss() string {
	b, _ := os.ReadFile("/proc/self/status")
	var out []string
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "VmHWM") || strings.HasPrefix(l, "VmRSS") {
			out = append(out, strings.Join(strings.Fields(l), " "))
		}
	}
	return strings.Join(out, "; ")
}

func TestZZRSS(t *testing.T) {
	if os.Getenv("RSS") == "" {
		t.Skip()
	}
	fmt.Println("start", rss())
	spec, _ := zoo.Lookup("mixnet_s")
	t0 := time.Now()
	g, _ := spec.Build(zoo.Options{})
	fmt.Println("graph", time.Since(t0), rss())
	v := graph.NewValues[float32](g)
	for i := range v {
		for j := range v[i] {
			v[i][j] = 0.01
		}
	}
	fmt.Println("values", rss())
	t0 = time.Now()
	p, err := Compile(g, v, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("compile", time.Since(t0), rss())
	v = nil
	x := testkit.Input[float32](tensor.Shape{N: 1, H: 224, W: 224, C: 3})
	y := logitsFor(p, 1)
	for range 3 {
		t0 = time.Now()
		p.Run(context.Background(), y, x)
		fmt.Println("run", time.Since(t0), rss())
	}
}
