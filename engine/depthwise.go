package engine

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// depthwiseLayer is a mixed depthwise convolution with batch norm, activation
// and the pooling of squeeze-excite fused in.
type depthwiseLayer struct {
	name   string
	op     *graph.MixConv
	x, y   *value
	pool   *value // mean of y over all positions; nil if not wanted
	act    kernel.Act
	affine *affine

	chunks []depthwiseChunk
	bias   []float32 // nil for none
}

// depthwiseChunk is a range of channels of one group, the smallest share of
// the work that a thread gets.
type depthwiseChunk struct {
	at       int // first channel
	channels int
	group    graph.MixGroup
	filter   *kernel.DWFilter
}

// chunkChannels is the number of channels of a chunk: few enough to share out
// a 7×7 layer, enough that a chunk is worth a call.
const chunkChannels = 64

// depthwise returns the layer of a mixed convolution and the node it ends with.
func (l *lowering) depthwise(n *node, op *graph.MixConv) (end *node, x layer) {
	d := &depthwiseLayer{name: n.name, op: op, x: l.value(n.in[0])}
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
	return end, d
}

func (d *depthwiseLayer) args() (reads, writes []*value) {
	return present(d.x), present(d.y, d.pool)
}

func (d *depthwiseLayer) pack(p *packer) {
	w := p.concat(d.op.Weights)
	if d.affine != nil {
		d.bias = d.affine.shift
	}
	at := 0
	for _, g := range d.op.Groups {
		taps := g.Kernel * g.Kernel
		for rest := g.Channels; rest > 0; {
			c := min(chunkChannels, rest)
			part := w[:c*taps]
			if d.affine != nil {
				for i, s := range d.affine.scale[at : at+c] {
					kernel.ScaleVec(part[i*taps:][:taps], part[i*taps:][:taps], s)
				}
			}
			d.chunks = append(d.chunks, depthwiseChunk{at: at, channels: c, group: g, filter: kernel.PackDW(part, g.Kernel, c)})
			w = w[len(part):]
			at += c
			rest -= c
		}
	}
	d.affine = nil
}
