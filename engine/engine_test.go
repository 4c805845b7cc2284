package engine

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

func logitsFor(p *Program, n int) *tensor.Tensor {
	return tensor.New[float32](tensor.Shape{N: n, H: 1, W: 1, C: p.Graph().Classes()})
}

// Thirty-two goroutines share one program, with inputs of several sizes and
// batches, and all get what one alone gets.
func TestConcurrentCalls(t *testing.T) {
	p := program(t, "mixnet_s", Options{Threads: 2, MaxConcurrent: 3})
	shapes := []tensor.Shape{{N: 1, H: 64, W: 64, C: 3}, {N: 3, H: 48, W: 80, C: 3}, {N: 4, H: 33, W: 32, C: 3}}
	var inputs, want []*tensor.Tensor
	for _, s := range shapes {
		x, y := testkit.Input[float32](s), logitsFor(p, s.N)
		if err := p.Run(context.Background(), y, x); err != nil {
			t.Fatal(err)
		}
		inputs, want = append(inputs, x), append(want, y)
	}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for j := range 4 {
				k := (i + j) % len(shapes)
				y := logitsFor(p, shapes[k].N)
				if err := p.Run(context.Background(), y, inputs[k]); err != nil {
					t.Error(err)
				} else if !slices.Equal(y.Data, want[k].Data) {
					t.Errorf("input %v: other logits than alone", shapes[k])
				}
			}
		})
	}
	wg.Wait()
	if n := len(p.calls.free); n > 3 {
		t.Errorf("%d sets of memory kept for 3 calls at a time", n)
	}
}

// An image's logits depend on neither the threads nor the rest of the batch,
// but for rounding, and equal calls give equal bits.
func TestSameResultForAnyBatchAndThreads(t *testing.T) {
	x := testkit.Input[float32](tensor.Shape{N: 11, H: 40, W: 56, C: 3})
	var want []float32
	for _, threads := range []int{1, 2, 3, 4} {
		p := program(t, "mixnet_s", Options{Threads: threads})
		for n := x.Shape.N; n > 0; n-- {
			part := &tensor.Tensor{Shape: x.Shape}
			part.Shape.N = n
			part.Data = x.Data[:part.Shape.Len()]
			y, again := logitsFor(p, n), logitsFor(p, n)
			for _, dst := range []*tensor.Tensor{y, again} {
				if err := p.Run(context.Background(), dst, part); err != nil {
					t.Fatal(err)
				}
			}
			if want == nil {
				want = y.Data
			}
			if err := testkit.Close(y.Data, want[:len(y.Data)], 1e-5); err != nil {
				t.Errorf("%d threads, batch %d: %v", threads, n, err)
			}
			if !slices.Equal(again.Data, y.Data) {
				t.Errorf("%d threads, batch %d: the same call gives other logits", threads, n)
			}
		}
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	ctx := context.Background()
	mean, std := make([]float32, 3), ones(3)
	for _, threads := range []int{1, 2} {
		p := program(t, "mixnet_s", Options{Threads: threads, Mean: mean, Std: std})
		for _, n := range []int{1, 5} {
			in := tensor.Shape{N: n, H: 64, W: 64, C: 3}
			x, y, pixels := testkit.Input[float32](in), logitsFor(p, n), make([]uint8, in.Len())
			features := tensor.New[float32](tensor.Shape{N: n, H: 1, W: 1, C: 1536})
			for name, run := range map[string]func() error{
				"run":      func() error { return p.Run(ctx, y, x) },
				"bytes":    func() error { return p.RunBytes(ctx, y, pixels, in) },
				"features": func() error { return p.Features(ctx, features, x) },
			} {
				check := func() {
					if err := run(); err != nil {
						t.Fatal(err)
					}
				}
				check()
				if a := testing.AllocsPerRun(10, check); a != 0 {
					t.Errorf("%s, %d threads, batch %d: %v allocations per run", name, threads, n, a)
				}
			}
		}
	}
}

func TestCancelledRunStops(t *testing.T) {
	p := program(t, "mixnet_s", Options{Threads: 2, MaxConcurrent: 1})
	x, y := testkit.Input[float32](tensor.Shape{N: 1, H: 64, W: 64, C: 3}), logitsFor(p, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Run(ctx, y, x); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want Canceled", err)
	}

	// A call that waits for memory gives up when its time is over.
	c, err := p.calls.acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	if err := p.Run(ctx, y, x); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want DeadlineExceeded", err)
	}
	p.calls.release(c, 0)

	// A call under way stops between steps.
	ctx, cancel = context.WithCancel(context.Background())
	big := testkit.Input[float32](tensor.Shape{N: 64, H: 224, W: 224, C: 3})
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := p.Run(ctx, logitsFor(p, 64), big); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want Canceled", err)
	}
	if err := p.Run(context.Background(), y, x); err != nil {
		t.Errorf("after a cancelled call: %v", err)
	}
}

func TestWrongShapes(t *testing.T) {
	p := program(t, "mixnet_s", Options{})
	good := tensor.Shape{N: 1, H: 32, W: 32, C: 3}
	ctx := context.Background()
	for name, err := range map[string]error{
		"four channels":   p.Run(ctx, logitsFor(p, 1), tensor.New[float32](tensor.Shape{N: 1, H: 32, W: 32, C: 4})),
		"empty input":     p.Run(ctx, logitsFor(p, 1), &tensor.Tensor{}),
		"short input":     p.Run(ctx, logitsFor(p, 1), &tensor.Tensor{Shape: good, Data: make([]float32, 5)}),
		"huge input":      p.Run(ctx, logitsFor(p, 1), &tensor.Tensor{Shape: tensor.Shape{N: 1 << 30, H: 1 << 30, W: 1 << 30, C: 3}}),
		"short output":    p.Run(ctx, &tensor.Tensor{Shape: good, Data: make([]float32, 7)}, tensor.New[float32](good)),
		"output for two":  p.Run(ctx, logitsFor(p, 2), tensor.New[float32](good)),
		"logits as input": p.Features(ctx, logitsFor(p, 1), tensor.New[float32](good)),
	} {
		if !errors.Is(err, tensor.ErrShape) {
			t.Errorf("%s: error %v, want ErrShape", name, err)
		}
	}
	if _, err := p.Outputs(ctx, tensor.New[float32](good), "blocks.99"); err == nil {
		t.Error("unknown output: no error")
	}
	if err := p.RunBytes(ctx, logitsFor(p, 1), make([]uint8, good.Len()), good); err == nil {
		t.Error("bytes without mean and std: no error")
	}
}

func TestCompileErrors(t *testing.T) {
	spec, err := zoo.Lookup("mixnet_s")
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := testkit.Values[float32](g)
	short := slices.Clone(v)
	short[3] = short[3][1:]
	for name, tc := range map[string]struct {
		v    graph.Values[float32]
		opts Options
	}{
		"no values":    {nil, Options{}},
		"short values": {short, Options{}},
		"mean for one": {v, Options{Mean: []float32{0}, Std: []float32{1}}},
		"zero std":     {v, Options{Mean: []float32{0, 0, 0}, Std: []float32{1, 0, 1}}},
	} {
		if _, err := Compile(g, tc.v, tc.opts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Features are what the classifier reads, and RunBytes sees the same image as
// Run on normalised pixels.
func TestFeaturesAndBytes(t *testing.T) {
	mean, std := []float32{0.485, 0.456, 0.406}, []float32{0.229, 0.224, 0.225}
	p := program(t, "mixnet_s", Options{Mean: mean, Std: std})
	in := tensor.Shape{N: 2, H: 50, W: 41, C: 3}
	pixels := make([]uint8, in.Len())
	x := tensor.New[float32](in)
	for i, u := range testkit.Uniform("pixels", len(pixels)) {
		pixels[i] = uint8(u * 256)
		x.Data[i] = (float32(pixels[i])/255 - mean[i%3]) / std[i%3]
	}
	ctx := context.Background()
	out, err := p.Outputs(ctx, x, graph.Features, graph.Logits)
	if err != nil {
		t.Fatal(err)
	}
	f := tensor.New[float32](out[0].Shape)
	if err := p.Features(ctx, f, x); err != nil || !slices.Equal(f.Data, out[0].Data) {
		t.Errorf("features differ from those of Outputs: %v", err)
	}
	y := logitsFor(p, in.N)
	if err := p.RunBytes(ctx, y, pixels, in); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Close(y.Data, out[1].Data, 1e-5); err != nil {
		t.Errorf("from bytes: %v", err)
	}
}

// A large input must not leave its memory behind once its plan is forgotten.
func TestMemoryOfLargeInputIsReleased(t *testing.T) {
	p := program(t, "mobilenetv1_025", Options{Threads: 1})
	run := func(side int) {
		x := testkit.Input[float32](tensor.Shape{N: 1, H: side, W: side, C: 3})
		if err := p.Run(context.Background(), logitsFor(p, 1), x); err != nil {
			t.Fatal(err)
		}
	}
	held := func() (n int) {
		for _, c := range p.calls.free {
			n += c.size()
		}
		return n
	}
	run(640)
	large := held()
	for i := range maxPlans + 1 {
		run(32 + i)
	}
	if got := held(); got > large/20 {
		t.Errorf("%d bytes held after small inputs, %d after a large one", got, large)
	}
}

func TestProfileCoversNetwork(t *testing.T) {
	p := program(t, "mixnet_s", Options{Threads: 2})
	x := testkit.Input[float32](tensor.Shape{N: 1, H: 224, W: 224, C: 3})
	prof, err := p.Profile(context.Background(), x, 2)
	if err != nil {
		t.Fatal(err)
	}
	var macs int64
	for _, s := range prof.Steps {
		macs += s.MACs
		if s.Time <= 0 || s.Name == "" || s.Kind == "" {
			t.Errorf("step %+v", s)
		}
	}
	if want, _ := p.Graph().MACs(x.Shape); macs != want {
		t.Errorf("%d multiply-adds in all steps, want %d", macs, want)
	}
	if prof.ArenaBytes <= 0 {
		t.Errorf("arena of %d bytes", prof.ArenaBytes)
	}
}

// A program that nobody refers to must not leave its threads behind.
func TestProgramIsCollected(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		spec, _ := zoo.Lookup("mobilenetv1_025")
		g, _ := spec.Build(zoo.Options{})
		p, err := Compile(g, testkit.Values[float32](g), Options{Threads: 3})
		if err != nil {
			t.Fatal(err)
		}
		y := logitsFor(p, 1)
		if err := p.Run(context.Background(), y, testkit.Input[float32](tensor.Shape{N: 1, H: 32, W: 32, C: 3})); err != nil {
			t.Fatal(err)
		}
	}()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}
