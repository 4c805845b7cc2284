package command

import (
	"fmt"
	"time"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/tensor"
)

type benchCmd struct {
	Infer   benchInferCmd   `cmd:"" default:"withargs" help:"Measure inference (the default)."`
	Profile benchProfileCmd `cmd:"" help:"Show where the time of inference goes, step by step."`
	Train   benchTrainCmd   `cmd:"" help:"Measure a training step: forward, backward and optimizer."`
	Load    benchLoadCmd    `cmd:"" help:"Measure how fast images are read for training."`
	Callers benchCallersCmd `cmd:"" help:"Measure goroutines that call one network at the same time."`
	Soak    benchSoakCmd    `cmd:"" help:"Run a mixed load for a long time: equal calls must give equal bits, and memory must stay."`
}

// benchNetwork is what is measured.
type benchNetwork struct {
	Name    string `arg:"" help:"A network: mixnet_s, or with changes, mobilenetv2_100@mix=4."`
	Weights string `short:"m" placeholder:"FILE" help:"Weights to use; random ones by default (the time is the same)."`
	benchBatch
	Input string `placeholder:"FILE" help:"The images to run on, raw little-endian float32 in NCHW order."`
}

// benchBatch is the size of what goes in.
type benchBatch struct {
	Batch int `short:"b" default:"1" placeholder:"N" help:"Images in a call."`
	Size  int `placeholder:"PX" help:"Input size; the network's own by default."`
}

// benchTime says how the time is taken.
type benchTime struct {
	Time   time.Duration `default:"3s" help:"How long to measure."`
	JSON   bool          `name:"json" help:"Print JSON."`
	Worker bool          `hidden:"" help:"Measure when asked to on standard input, for bench/."`
}

// maxBatch bounds --batch.
const maxBatch = 1 << 16

// Validate is called by the parser.
func (c *benchBatch) Validate() error {
	switch {
	case c.Batch < 1 || c.Batch > maxBatch:
		return fmt.Errorf("--batch %d: between 1 and %d", c.Batch, maxBatch)
	case c.Size < 0:
		return fmt.Errorf("--size %d: at least 1", c.Size)
	}
	return nil
}

// shape returns that of the input.
func (c *benchBatch) shape(in input.Preprocess, g *graph.Graph) (tensor.Shape, error) {
	size := in.Size
	if c.Size > 0 {
		size = [2]int{c.Size, c.Size}
	}
	s := tensor.Shape{N: c.Batch, H: size[0], W: size[1], C: g.Channels()}
	return s, s.Valid()
}

// ms is a time in milliseconds.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

func milliseconds(times []time.Duration) []float64 {
	out := make([]float64, len(times))
	for i, d := range times {
		out[i] = ms(d)
	}
	return out
}
