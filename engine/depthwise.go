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
	if d.affine != nil {
		d.bias = d.affine.shift
	}
	w := p.weights(d.op.Weights)
	at := 0
	for _, g := range d.op.Groups {
		for rest := g.Channels; rest > 0; {
			c := min(chunkChannels, rest)
			f := kernel.PackDW(w.next(c*g.Kernel*g.Kernel), g.Kernel, c)
			if d.affine != nil {
				f.ScaleChannels(d.affine.scale[at:][:c])
			}
			d.chunks = append(d.chunks, depthwiseChunk{at: at, channels: c, group: g, filter: f})
			at += c
			rest -= c
		}
	}
	d.affine = nil
}
