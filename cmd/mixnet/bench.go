package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

type benchCmd struct {
	Name    string        `arg:"" optional:"" help:"A network: mixnet_s, or with changes, mobilenetv2_100@mix=4."`
	Weights string        `short:"m" placeholder:"FILE" help:"Weights to use; random ones by default (the time is the same)."`
	Batch   int           `short:"b" default:"1" placeholder:"N" help:"Images in a call."`
	Size    int           `placeholder:"PX" help:"Input size; the network's own by default."`
	Time    time.Duration `default:"3s" help:"How long to measure."`
	JSON    bool          `name:"json" help:"Print JSON."`
	Input   string        `placeholder:"FILE" help:"The images to run on, raw little-endian float32 in NCHW order."`
	Train   bool          `help:"Measure a training step instead: forward, backward and optimizer."`
	Load    string        `placeholder:"DIR" help:"Measure how fast a folder of images is read for training instead."`
	Profile bool          `help:"Show where the time goes, step by step."`
	Callers int           `placeholder:"N" help:"Measure N goroutines that call one network at the same time."`
	Soak    time.Duration `placeholder:"TIME" help:"Run a mixed load of batches and sizes for a time, such as 10m: equal calls must give equal bits, and memory must stay."`
	With    []string      `placeholder:"NAME" help:"Further networks for --soak."`
	Worker  bool          `hidden:"" help:"Measure when asked to on standard input, for bench/."`
}

// benchResult is the outcome in JSON.
type benchResult struct {
	Network   string  `json:"network"`
	Batch     int     `json:"batch"`
	Size      [2]int  `json:"size"`
	Threads   int     `json:"threads"`
	Runs      int     `json:"runs"`
	MedianMS  float64 `json:"median_ms"`
	MinMS     float64 `json:"min_ms"`
	ImagesS   float64 `json:"images_per_s"`
	GFLOPS    float64 `json:"gflop_per_s"`
	PeakRSSMB float64 `json:"peak_rss_mb"`
	StartMS   float64 `json:"start_ms"` // from the start of the process to the first result
	Kernels   string  `json:"kernels"`
}

// job is what is timed.
type job struct {
	name    string
	x, out  *tensor.Tensor // what goes in, and what the last run gave
	threads int
	images  int   // a run
	macs    int64 // a run
	run     func() error
	close   func()
	program *engine.Program // of inference
}

func (c *benchCmd) Run(e *env) error {
	if c.Batch < 1 || c.Batch > 1<<16 {
		return usagef("--batch %d: between 1 and %d", c.Batch, 1<<16)
	}
	if c.Callers < 0 || c.Callers > maxCallers {
		return usagef("--callers %d: between 1 and %d", c.Callers, maxCallers)
	}
	if (c.Callers > 0 || c.Soak > 0) && (c.Train || c.Load != "" || c.Profile) {
		return usagef("--callers and --soak measure inference alone")
	}
	prepare := c.inferJob
	switch {
	case c.Load != "":
		prepare = c.loadJob
	case c.Name == "":
		return usagef("which network? \"mixnet models\" lists them")
	case c.Soak > 0:
		return c.soak(e)
	case c.Train:
		prepare = c.trainJob
	}
	j, err := prepare(e)
	if err != nil {
		return err
	}
	defer j.close()
	if err := j.run(); err != nil {
		return err
	}
	start := time.Since(processStart)
	if c.Worker {
		return j.serve(e, c.Callers)
	}
	if c.Callers > 0 {
		return c.callers(e, j)
	}
	if c.Profile {
		return c.profile(e, j)
	}
	times, err := j.measure(e, c.Time)
	if err != nil {
		return err
	}
	slices.Sort(times)
	median := times[len(times)/2]
	r := benchResult{
		Network: j.name, Batch: c.Batch, Size: [2]int{j.x.Shape.H, j.x.Shape.W}, Threads: j.threads,
		Runs: len(times), MedianMS: ms(median), MinMS: ms(times[0]), ImagesS: float64(j.images) / median.Seconds(),
		GFLOPS: 2 * float64(j.macs) / median.Seconds() / 1e9, PeakRSSMB: peakRSS(), StartMS: ms(start), Kernels: cpu.Current().String(),
	}
	if c.JSON {
		return e.json(r)
	}
	e.printf("%s  %d×%d  batch %d  %d threads  %s kernels\n", r.Network, r.Size[0], r.Size[1], r.Batch, r.Threads, r.Kernels)
	e.printf("median %.2f ms  min %.2f ms  (%d runs)  %s images/s  %.1f GFLOP/s\n", r.MedianMS, r.MinMS, r.Runs, formatRate(r.ImagesS), r.GFLOPS)
	e.printf("peak memory %.1f MB, first result %.0f ms after the start\n", r.PeakRSSMB, r.StartMS)
	return nil
}

// inferJob is a forward pass.
func (c *benchCmd) inferJob(e *env) (*job, error) {
	p, err := c.program(engine.Options{Threads: e.cores(), MaxConcurrent: min(max(c.Callers, 1), e.cores())})
	if err != nil {
		return nil, err
	}
	g := p.Graph()
	shape, err := c.shape(p.input, g)
	if err != nil {
		return nil, err
	}
	j := &job{name: g.Name, x: tensor.New[float32](shape), out: tensor.New[float32](tensor.Shape{N: c.Batch, H: 1, W: 1, C: g.Classes()}), images: c.Batch}
	if j.macs, err = g.MACs(shape); err != nil {
		return nil, err
	}
	if err := c.fill(j.x); err != nil {
		return nil, err
	}
	j.program, j.threads, j.close = p.Program, p.Threads(), p.Close
	j.run = func() error { return j.program.Run(e.ctx, j.out, j.x) }
	return j, nil
}

// shape returns that of the input.
func (c *benchCmd) shape(in input.Preprocess, g *graph.Graph) (tensor.Shape, error) {
	size := in.Size
	if c.Size > 0 {
		size = [2]int{c.Size, c.Size}
	}
	s := tensor.Shape{N: c.Batch, H: size[0], W: size[1], C: g.Channels()}
	return s, s.Valid()
}

func (c *benchCmd) model() (*model.Model, error) {
	if c.Weights != "" {
		return model.Open(c.Weights, c.Name)
	}
	spec, err := zoo.Lookup(c.Name)
	if err != nil {
		return nil, err
	}
	return model.New(spec, zoo.Options{}, nil, 1)
}

// pattern fills x with values between -1 and 1.
func pattern(x *tensor.Tensor) {
	for i := range x.Data {
		x.Data[i] = float32(i%251)/125 - 1
	}
}

// fill reads the input file, or makes a pattern.
func (c *benchCmd) fill(x *tensor.Tensor) error {
	if c.Input == "" {
		pattern(x)
		return nil
	}
	raw, err := os.ReadFile(c.Input)
	if err != nil {
		return err
	}
	if len(raw) != 4*len(x.Data) {
		return fmt.Errorf("%s: %d bytes, want %d for %v", c.Input, len(raw), 4*len(x.Data), x.Shape)
	}
	nchw := make([]float32, len(x.Data))
	for i := range nchw {
		nchw[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	*x = *tensor.FromNCHW(x.Shape, nchw)
	return nil
}

// measure runs the job again and again for a time, at least five times, after
// a tenth of it to warm up.
func (j *job) measure(e *env, long time.Duration) ([]time.Duration, error) {
	bar := e.newProgress("measuring", "runs", 0)
	defer bar.done()
	begin := time.Now()
	var times []time.Duration
	for warm := true; ; {
		start := time.Now()
		if err := j.run(); err != nil {
			return nil, err
		}
		now := time.Now()
		if warm {
			warm = now.Sub(begin) < long/10
			continue
		}
		times = append(times, now.Sub(start))
		if len(times) >= 5 && now.Sub(begin) > long {
			return times, nil
		}
		bar.update(int64(len(times)), "")
	}
}

// serve speaks the protocol of bench/worker.py, one JSON object a line.
func (j *job) serve(e *env, callers int) error {
	out := json.NewEncoder(e.stdout)
	if err := out.Encode(map[string]any{"ready": true, "version": version()}); err != nil {
		return err
	}
	lines := bufio.NewScanner(e.stdin)
	for lines.Scan() {
		var ask struct {
			Run    int     `json:"run"`
			Crowd  float64 `json:"crowd"`
			Logits string  `json:"logits"`
		}
		if err := json.Unmarshal(lines.Bytes(), &ask); err != nil {
			return fmt.Errorf("worker: %q: %w", lines.Text(), err)
		}
		var reply any
		switch {
		case ask.Logits != "":
			raw := make([]byte, 0, 4*len(j.out.Data))
			for _, v := range j.out.Data {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
			if err := atomicfile.WriteBytes(ask.Logits, raw); err != nil {
				return err
			}
			reply = map[string]any{"ok": true}
		case ask.Crowd > 0:
			start := time.Now()
			took, err := j.crowd(e, max(callers, 1), time.Duration(ask.Crowd*float64(time.Second)))
			if err != nil {
				return err
			}
			reply = map[string]any{"wall_ms": ms(time.Since(start)), "ms": milliseconds(took)}
		default:
			times := make([]float64, ask.Run)
			for i := range times {
				start := time.Now()
				if err := j.run(); err != nil {
					return err
				}
				times[i] = ms(time.Since(start))
			}
			reply = map[string]any{"ms": times}
		}
		if err := out.Encode(reply); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return out.Encode(map[string]any{"peak_rss_mb": peakRSS()})
}

func milliseconds(times []time.Duration) []float64 {
	out := make([]float64, len(times))
	for i, d := range times {
		out[i] = ms(d)
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
