package command

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

type benchInferCmd struct {
	benchNetwork
	benchTime
}

func (c *benchInferCmd) Run(e *env) error {
	j, err := c.inferJob(e, 1)
	if err != nil {
		return err
	}
	return c.time(e, j, c.Batch)
}

// inferJob is a forward pass of a number of callers.
func (c *benchNetwork) inferJob(e *env, callers int) (*job, error) {
	p, err := c.program(engine.Options{Threads: e.cores(), MaxConcurrent: min(callers, e.cores())})
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
	results, err := resultsOf(p.Program, shape)
	if err != nil {
		return nil, err
	}
	j.out = results[0].To
	j.run = func() error { return j.program.RunTo(e.ctx, j.x, results...) }
	return j, nil
}

// model is the network with its parameters in memory.
func (c *benchNetwork) model() (*model.Model, error) {
	if namesONNX(c.Name) && c.Weights == "" {
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

// resultsOf returns tensors for what a network computes: its logits, or all that
// one that finds objects says.
func resultsOf(p *engine.Program, in tensor.Shape) ([]engine.Result, error) {
	names := []string{graph.Logits}
	if p.Graph().Classes() == 0 {
		names = nil
		for _, o := range p.Graph().Outputs {
			if !o.Training {
				names = append(names, o.Name)
			}
		}
	}
	var results []engine.Result
	for _, name := range names {
		shape, err := p.OutputShape(name, in)
		if err != nil {
			return nil, err
		}
		results = append(results, engine.Result{Name: name, To: tensor.New[float32](shape)})
	}
	return results, nil
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
