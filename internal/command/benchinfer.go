package command

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

type benchInferCmd struct {
	benchNetwork
	precisionFlag
	benchScore
	benchTime
}

// Help says what of a detector is measured.
func (c *benchInferCmd) Help() string {
	return `Of a network that finds objects, the time includes making boxes of its outputs: decoding, threshold and suppression. Random weights
give the worst of scores for that, half of them above 0.5; with --weights they are those of the weights.`
}

func (c *benchInferCmd) Run(e *env) error {
	if err := c.check(); err != nil {
		return err
	}
	j, err := c.inferJob(e, 1, c.Score, c.Precision)
	if err != nil {
		return err
	}
	return c.time(e, j, c.Batch)
}

// benchScore is the threshold of a network that finds objects.
type benchScore struct {
	Score float64 `default:"0.5" placeholder:"F" help:"Least score of an object, of a network that finds some. Default: ${default}."`
}

func (c *benchScore) check() error {
	if !(c.Score >= 0 && c.Score < 1) {
		return usagef("--score %v: want 0 to less than 1", c.Score)
	}
	return nil
}

// inferJob is a forward pass of a number of callers.
func (c *benchNetwork) inferJob(e *env, callers int, score float64, in engine.Precision) (*job, error) {
	p, err := c.program(engine.Options{Threads: e.cores(), MaxConcurrent: min(callers, e.cores()), Precision: in})
	if err != nil {
		return nil, err
	}
	g := p.Graph()
	shape, err := c.shape(p.input, g)
	if err != nil {
		return nil, err
	}
	j := &job{name: g.Name, x: tensor.New[float32](shape), images: c.Batch}
	if j.macs, err = g.MACs(shape); err != nil {
		return nil, err
	}
	if err := c.fill(j.x); err != nil {
		return nil, err
	}
	j.program, j.threads, j.close = p.Program, p.Threads(), p.Close
	j.precision = precisionOf(j.program)
	j.caller = func() (*call, error) { return p.caller(shape, score) }
	own, err := j.caller()
	if err != nil {
		return nil, err
	}
	j.out, j.found = own.out, func() int { return own.found }
	j.run = func() error { return own.run(e.ctx, j.x) }
	if own.find != nil {
		j.post = own.find
	}
	return j, nil
}

// model is the network with its parameters in memory.
func (c *benchNetwork) model() (*model.Model, error) {
	if namesModel(c.Name) && c.Weights == "" {
		return model.Open(c.Name, model.Options{})
	}
	spec, err := netfile.Lookup(c.Name)
	if err != nil {
		return nil, err
	}
	if c.Weights != "" {
		return model.Open(c.Weights, model.Options{Network: spec})
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
func (c *benchNetwork) fill(x *tensor.Tensor) error {
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
