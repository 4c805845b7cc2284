package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/bf16"
)

// depthwiseLayer is a mixed depthwise convolution with batch norm, activation
// and the pooling of squeeze-excite fused in, and the 1×1 convolution before
// it if nothing else reads that one's output.
type depthwiseLayer struct {
	name   string
	op     *graph.MixConv
	expand *convLayer // nil for none; has no scaling, residual or pooling of its own
	x, y   *value
	pool   *value // mean of y over all positions; nil if not wanted
	act    kernel.Act
	affine *affine
	half   bool // y and what the expansion reads are bfloat16

	segments []segment
	order    []int     // channel i of y is channel order[i] of the operator; nil if it is i
	bias     []float32 // nil for none
}

// segment is a range of channels that belong to one group of the depthwise
// convolution and to one of the expansion.
type segment struct {
	at       int // first channel
	from     int // first channel of x, without an expansion
	channels int
	group    graph.MixGroup
	filter   *kernel.DWFilter
	in       int            // first channel that the expansion reads
	inputs   int            // channels that the expansion reads
	weight   *kernel.Matrix // of the expansion; nil for none
	halves   *bf16.Matrix   // the same as bfloat16; nil for none
}

// depthwise returns the layer of a mixed convolution and the node it ends with.
func (l *lowering) depthwise(n *node, op *graph.MixConv) (end *node, x layer) {
	d := &depthwiseLayer{name: n.name, op: op, x: l.value(n.in[0]), half: l.halves}
	if d.x.code != nil {
		d.x = l.float(d.x)
	}
	var f fusion
	end = f.follow(n, takeAffine)
	d.act, d.affine = f.act, f.affine
	d.y = l.value(end)
	for _, u := range end.users {
		if isGlobalPool(u) {
			u.fused = true
			d.pool = l.value(u)
			break
		}
	}
	if c := l.expansion(n.in[0]); c != nil {
		d.expand, d.x = c, c.x
	}
	if d.x.order != nil && d.expand == nil && (len(op.Groups) > 1 || d.pool != nil || d.half) {
		d.x = l.plain(d.x)
	}
	d.y.half = d.half
	if d.x.order != nil && d.expand == nil {
		d.cutRuns()
	} else {
		d.cut()
	}
	return end, d
}

// cutRuns makes a segment of every run of neighbours among the channels of x.
// The channels of y are in the order of their places in memory.
func (d *depthwiseLayer) cutRuns() {
	order, from := ascending(d.x.order)
	rank := make([]int, len(order))
	for i, c := range order {
		rank[c] = i
	}
	for i, c := range from {
		if i == 0 || c != from[i-1]+1 {
			d.segments = append(d.segments, segment{at: i, from: c, group: d.op.Groups[0]})
		}
		d.segments[len(d.segments)-1].channels++
	}
	d.order = order
	y := d.y
	d.y = &value{shape: y.shape, c: y.c}
	y.choose(d.y, rank)
}

// An expansion's input is read again for every few channels of its output. That
// costs more than writing and reading the output unless it is much wider than
// the input, or the input has few channels.
const (
	muchWider = 3
	fewInputs = 32
)

// expansion returns the layer that computes n if it was made last and can
// become part of the only operator that reads n; it is taken off the network.
func (l *lowering) expansion(n *node) *convLayer {
	last := len(l.layers) - 1
	if n.keep || len(n.users) != 1 || last < 0 {
		return nil
	}
	c, ok := l.layers[last].(*convLayer)
	if !ok || l.values[n] == nil || c.y != l.values[n] || c.y.in != nil || !isPointwise(c.op) || c.factors != nil || c.add != nil {
		return nil
	}
	if in := c.op.In(); in > fewInputs && c.op.Out() < muchWider*in {
		return nil
	}
	delete(l.made, c.y)
	l.layers = l.layers[:last]
	return c
}

func (d *depthwiseLayer) args() (reads, writes []*value) {
	return present(d.x), present(d.y, d.pool)
}

func (d *depthwiseLayer) packedLen() (n int) {
	for _, s := range d.segments {
		switch {
		case !d.half:
			n += kernel.MatrixLen(s.channels, s.inputs)
		case d.expand != nil:
			n += halfMatrixLen(s.channels, s.inputs)
		}
	}
	return n
}

func (d *depthwiseLayer) pack(p *packer) error {
	if d.order != nil {
		return d.packOrdered(p)
	}
	if d.affine != nil {
		d.bias = d.affine.shift
	}
	w := p.weights(d.op.Weights)
	for i := range d.segments {
		s := &d.segments[i]
		part, err := w.next(s.channels * s.group.Kernel * s.group.Kernel)
		if err != nil {
			return err
		}
		s.filter = kernel.PackDW(part, s.group.Kernel, s.channels)
		if d.affine != nil {
			s.filter.ScaleChannels(d.affine.scale[s.at:][:s.channels])
		}
	}
	d.affine = nil
	if d.expand == nil {
		return nil
	}
	return d.packExpansion(p)
}

// packOrdered is pack with the channels in another order.
func (d *depthwiseLayer) packOrdered(p *packer) error {
	taps := d.op.Groups[0].Kernel * d.op.Groups[0].Kernel
	w, err := p.weights(d.op.Weights).next(len(d.order) * taps)
	if err != nil {
		return err
	}
	if d.affine != nil {
		d.bias = make([]float32, len(d.order))
		kernel.GatherRows(d.bias, 0, d.affine.shift, 0, 1, d.order)
	}
	for i := range d.segments {
		s := &d.segments[i]
		part, scale := make([]float32, s.channels*taps), make([]float32, s.channels)
		for j, c := range d.order[s.at:][:s.channels] {
			copy(part[j*taps:], w[c*taps:][:taps])
			if d.affine != nil {
				scale[j] = d.affine.scale[c]
			}
		}
		s.filter = kernel.PackDW(part, s.group.Kernel, s.channels)
		if d.affine != nil {
			s.filter.ScaleChannels(scale)
		}
	}
	d.affine = nil
	return nil
}

// cut makes the segments.
func (d *depthwiseLayer) cut() {
	expansion := []graph.ConvGroup{{Out: d.op.Channels()}}
	if d.expand != nil {
		expansion = d.expand.op.Groups
	}
	at, in, e, end := 0, 0, 0, expansion[0].Out // end of the expansion's group e
	for _, g := range d.op.Groups {
		for rest := g.Channels; rest > 0; {
			if at == end {
				in += expansion[e].In
				e++
				end += expansion[e].Out
			}
			c := min(rest, end-at)
			d.segments = append(d.segments, segment{at: at, from: at, channels: c, group: g, in: in, inputs: expansion[e].In})
			at += c
			rest -= c
		}
	}
}

// packExpansion packs the weights of the expansion by segments.
func (d *depthwiseLayer) packExpansion(p *packer) (err error) {
	if err := d.expand.packBias(p); err != nil {
		return err
	}
	w := p.weights(d.expand.op.Weights)
	for i := range d.segments {
		s := &d.segments[i]
		var scale []float32
		if a := d.expand.affine; a != nil {
			scale = a.scale[s.at:][:s.channels]
		}
		if d.half {
			if s.halves, err = w.halfMatrix(s.channels, s.inputs, scale); err != nil {
				return err
			}
			continue
		}
		if s.in, s.weight, err = d.expand.x.matrix(w, s.in, s.inputs, s.channels, scale); err != nil {
			return err
		}
	}
	d.expand.affine = nil
	return nil
}
