package command

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/tensor"
)

// soakResult is the outcome of bench soak in JSON.
type soakResult struct {
	Networks []string `json:"networks"`
	Callers  int      `json:"callers"`
	Threads  int      `json:"threads"`
	Seconds  float64  `json:"seconds"`
	Calls    int      `json:"calls"`
	Images   int      `json:"images"`
	Kinds    int      `json:"kinds"`    // of calls: network, batch, height and width
	Compared int      `json:"compared"` // calls with the output of an earlier one of their kind
	Memory   resident `json:"resident_mb"`
	Kernels  string   `json:"kernels"`
}

// resident is the memory of the process over time, in MB, after a tenth of the
// time to warm up.
type resident struct {
	Start   float64   `json:"start"`
	Median  float64   `json:"median"`
	End     float64   `json:"end"`
	Largest float64   `json:"largest_deviation"` // from the median
	All     []float64 `json:"all"`               // from the very beginning
	AtS     []float64 `json:"at_s"`              // when each of All was taken
}

// The mixed load: batches of 1 to soakBatch images of these heights and widths.
const soakBatch = 8

var soakSizes = []int{96, 127, 160, 193, 224, 255, 288, 320}

// soakSums is the polynomial of the checksums of outputs.
var soakSums = crc64.MakeTable(crc64.ECMA)

// soak is a mixed load on several programs that goes on for a time.
type soak struct {
	programs []*measured
	pixels   []float32

	mu       sync.Mutex
	first    map[soakKind]uint64 // checksum of the first output of a kind
	calls    int
	images   int
	compared int
}

// soakKind is what an output depends on.
type soakKind struct{ program, batch, height, width int }

type benchSoakCmd struct {
	Names   []string      `arg:"" name:"name" help:"Networks to call in turns, at random."`
	Time    time.Duration `default:"1m" help:"How long to go on, such as 10m."`
	Callers int           `default:"4" placeholder:"N" help:"How many goroutines call."`
	JSON    bool          `name:"json" help:"Print JSON."`
}

// Run runs a mixed load of batches and sizes, and fails if equal calls give
// other bits.
func (c *benchSoakCmd) Run(e *env) error {
	if c.Callers < 1 || c.Callers > maxCallers {
		return usagef("--callers %d: between 1 and %d", c.Callers, maxCallers)
	}
	s := &soak{first: map[soakKind]uint64{}}
	r := soakResult{Callers: c.Callers, Threads: e.cores(), Kernels: cpu.Current().String()}
	largest := soakSizes[len(soakSizes)-1]
	x := tensor.New[float32](tensor.Shape{N: soakBatch, H: largest, W: largest, C: 3})
	pattern(x)
	s.pixels = x.Data
	for _, name := range c.Names {
		p, err := randomProgram(name, engine.Options{Threads: e.cores(), MaxConcurrent: e.cores()})
		if err != nil {
			return err
		}
		defer p.Close()
		if n := p.Graph().Channels(); n != x.Shape.C {
			return usagef("%s takes %d channels: all have to take %d", name, n, x.Shape.C)
		}
		s.programs = append(s.programs, p)
		r.Networks = append(r.Networks, p.Graph().Name)
	}
	start := time.Now()
	err := s.run(e, r.Callers, c.Time, &r.Memory)
	r.Seconds, r.Calls, r.Images, r.Kinds, r.Compared = time.Since(start).Seconds(), s.calls, s.images, len(s.first), s.compared
	r.Memory.summarize()
	if c.JSON {
		return errors.Join(e.json(r), err)
	}
	e.printf("%s  %d callers  %d threads  %s kernels\n", strings.Join(r.Networks, " "), r.Callers, r.Threads, r.Kernels)
	e.printf("%d calls of %d kinds in %s, %s images/s; %d compared with the first of their kind\n",
		r.Calls, r.Kinds, formatDuration(time.Since(start)), formatRate(float64(r.Images)/r.Seconds), r.Compared)
	e.printf("resident memory: %.1f MB at the start, median %.1f, %.1f at the end; largest deviation %.1f\n",
		r.Memory.Start, r.Memory.Median, r.Memory.End, r.Memory.Largest)
	return err
}

// run keeps callers busy for a time, or until the first error, and samples
// memory.
func (s *soak) run(e *env, callers int, long time.Duration, memory *resident) error {
	ctx, cancel := context.WithCancelCause(e.ctx)
	defer cancel(nil)
	ended := errors.New("time is over")
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			cancel(s.call(ctx, rand.New(rand.NewPCG(1, uint64(i))))) // of no effect once time is over
		})
	}
	bar := e.newProgress("soaking", "s", int64(math.Ceil(long.Seconds())))
	every := min(time.Second, long/50)
	tick := time.NewTicker(max(every, time.Millisecond))
	defer tick.Stop()
	for start := time.Now(); ; {
		mb := residentMemory()
		memory.All = append(memory.All, math.Round(10*mb)/10)
		memory.AtS = append(memory.AtS, math.Round(1000*time.Since(start).Seconds())/1000)
		bar.update(int64(time.Since(start).Seconds()), fmt.Sprintf("%.1f MB resident", mb))
		if time.Since(start) >= long {
			cancel(ended)
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		break
	}
	bar.done()
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, ended) {
		return err
	}
	return nil
}

// call makes one random call after the other until one fails.
func (s *soak) call(ctx context.Context, rng *rand.Rand) error {
	for {
		k := soakKind{rng.IntN(len(s.programs)), 1 + rng.IntN(soakBatch), soakSizes[rng.IntN(len(soakSizes))], soakSizes[rng.IntN(len(soakSizes))]}
		p := s.programs[k.program]
		in := tensor.Shape{N: k.batch, H: k.height, W: k.width, C: p.Graph().Channels()}
		own, err := p.caller(in, mixnet.DefaultScore)
		if err != nil {
			return err
		}
		if err := own.run(ctx, &tensor.Tensor{Shape: in, Data: s.pixels[:in.Len()]}); err != nil {
			return err
		}
		if err := s.check(k, own.out()); err != nil {
			return err
		}
	}
}

// check compares an output with the first of its kind.
func (s *soak) check(k soakKind, out []float32) error {
	sum := uint64(0)
	for _, v := range out {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		sum = crc64.Update(sum, soakSums, b[:])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.images += k.batch
	first, seen := s.first[k]
	if !seen {
		s.first[k] = sum
		return nil
	}
	s.compared++
	if sum != first {
		return fmt.Errorf("%s, batch %d, %d×%d: call %d gave other values than the first of its kind",
			s.programs[k.program].Graph().Name, k.batch, k.height, k.width, s.calls)
	}
	return nil
}

// summarize computes the figures from the samples.
func (r *resident) summarize() {
	settled := r.All[len(r.All)/10:]
	sorted := slices.Sorted(slices.Values(settled))
	r.Start, r.Median, r.End = settled[0], sorted[len(sorted)/2], settled[len(settled)-1]
	r.Largest = max(r.Median-sorted[0], sorted[len(sorted)-1]-r.Median)
}
