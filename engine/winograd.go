package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

const (
	// minWinograd is the least number of input and output channels for
	// Winograd's form: with fewer, its transforms cost more than it saves.
	minWinograd = 16
	// manyWeights is the number of weights, input times output channels, from
	// which tiles are 2×2 outputs, and manyStrided that from which strided
	// layers keep the direct form. Layers with so many channels have small maps,
	// for which reading four transformed weights for each, or with a stride
	// almost three, takes longer than what is saved.
	manyWeights = 384 * 384
	manyStrided = 256 * 512
)

// winogradForm returns Winograd's form of op, if it is to have one.
func winogradForm(op *graph.Conv) (f kernel.WinogradForm, ok bool) {
	if op.Kernel != 3 || op.Stride > 2 || op.Dilation != 1 {
		return f, false
	}
	weights := 0 // of the largest group
	for _, g := range op.Groups {
		if min(g.In, g.Out) < minWinograd {
			return f, false
		}
		weights = max(weights, g.In*g.Out)
	}
	switch {
	case op.Stride == 2:
		return kernel.WinogradForm{Tile: 2, Stride: 2}, weights < manyStrided
	case weights >= manyWeights:
		return kernel.WinogradForm{Tile: 2, Stride: 1}, true
	}
	return kernel.WinogradForm{Tile: 4, Stride: 1}, true
}

// winogradConv is a 3×3 convolution in Winograd's form.
type winogradConv struct {
	form   kernel.WinogradForm
	groups []winogradGroup
}

type winogradGroup struct {
	in, out int // first channels
	weight  *kernel.Winograd
}

func (f *winogradConv) packedLen(op *graph.Conv) (n int) {
	for _, g := range op.Groups {
		n += kernel.WinogradLen(f.form, g.Out, g.In)
	}
	return n
}

func (f *winogradConv) pack(c *convLayer, p *packer) error {
	w := p.weights(c.op.Weights)
	f.groups = make([]winogradGroup, len(c.op.Groups))
	in, out := 0, 0
	for i, g := range c.op.Groups {
		part, err := w.next(9 * g.In * g.Out)
		if err != nil {
			return err
		}
		mem := p.take(kernel.WinogradLen(f.form, g.Out, g.In))
		f.groups[i] = winogradGroup{in, out, kernel.WinogradIn(mem, f.form, part, g.Out, g.In, c.scale(out, out+g.Out))}
		in += g.In
		out += g.Out
	}
	return nil
}
