package engine

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

func TestZZProfile(t *testing.T) {
	name := os.Getenv("NET")
	if name == "" {
		t.Skip()
	}
	th, _ := strconv.Atoi(os.Getenv("TH"))
	p := program(t, name, Options{Threads: max(th, 1)})
	n, _ := strconv.Atoi(os.Getenv("N"))
	n = max(n, 1)
	x := testkit.Input[float32](tensor.Shape{N: n, H: 224, W: 224, C: 3})
	pr, err := p.Profile(context.Background(), x, 30)
	if err != nil {
		t.Fatal(err)
	}
	var tot time.Duration
	kind := map[string]time.Duration{}
	for _, s := range pr.Steps {
		tot += s.Time
		kind[s.Kind] += s.Time
	}
	for _, s := range pr.Steps {
		fmt.Printf("%-32s %-14s %3d parts %8.1f us %5.1f%% %7.1f GF/s %7.2f MMAC %8.1f KB %6.1f GB/s\n", s.Name, s.Kind, s.Parts, float64(s.Time)/1e3, 100*float64(s.Time)/float64(tot), s.GFLOPS(), float64(s.MACs)/1e6, float64(s.Bytes)/1e3, float64(s.Bytes)/float64(s.Time))
	}
	fmt.Println("total", tot, kind, "arena", pr.ArenaBytes, "scratch", pr.ScratchBytes)
}
