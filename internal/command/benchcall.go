package command

import (
	"context"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// call is what one caller of a network computes, and its memory.
type call struct {
	program *engine.Program
	results []engine.Result
	find    func() // makes boxes of the results; nil if the network finds no objects
	found   int    // boxes that find has made
}

// run computes a forward pass.
func (c *call) run(ctx context.Context, x *tensor.Tensor) error {
	if err := c.program.RunTo(ctx, x, c.results...); err != nil {
		return err
	}
	if c.find != nil {
		c.find()
	}
	return nil
}

// out returns the results of the last run, one behind the other: all box codes
// before all class outputs of a network that finds objects.
func (c *call) out() []float32 {
	if c.find == nil && len(c.results) == 1 {
		return c.results[0].To.Data
	}
	var all []float32
	for _, kind := range []int{0, 1} {
		for i, r := range c.results {
			if c.find == nil && kind == 0 || c.find != nil && i%2 == kind {
				all = append(all, r.To.Data...)
			}
		}
	}
	return all
}

// caller returns the memory for runs on inputs of a shape. Objects of at least a
// score are made boxes of.
func (p *measured) caller(in tensor.Shape, score float64) (*call, error) {
	c := &call{program: p.Program}
	if p.spec != nil {
		if anchors, ok := zoo.Finds(p.spec); ok {
			return c, c.finds(in, anchors, score)
		}
	}
	for _, name := range p.Graph().Results() {
		shape, err := p.OutputShape(name, in)
		if err != nil {
			return nil, err
		}
		c.results = append(c.results, engine.Result{Name: name, To: tensor.New[float32](shape)})
	}
	return c, nil
}

// finds prepares the call of a network that finds objects.
func (c *call) finds(in tensor.Shape, anchors detect.Anchors, score float64) error {
	heads, err := zoo.NewHeads(c.program.Graph(), in)
	if err != nil {
		return err
	}
	for i, name := range heads.Names {
		c.results = append(c.results, engine.Result{Name: name, To: heads.Tensors[i]})
	}
	all := anchors.On(heads.Maps)
	_, logits := heads.Image(0)
	post := detect.Usual(anchors.Style)
	post.Score = score
	detector := detect.NewDetector(post, all, len(logits)/len(all))
	c.find = func() {
		c.found = 0
		for i := range in.N {
			c.found += len(detector.Detect(heads.Image(i)))
		}
	}
	return nil
}
