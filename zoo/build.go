package zoo

import (
	"cmp"

	"github.com/mixnet-go/mixnet/graph"
)

// Build makes the graph, with parameters named as in timm's state_dict.
func (n Network) Build(o Options) (*graph.Graph, error) {
	info, err := o.apply(n.Info)
	if err != nil {
		return nil, err
	}
	if err := n.Validate(); err != nil {
		return nil, err
	}
	b := newBlockBuilder(n, info)
	return b.finish(b.trunk(info.DropPath), info)
}

// trunk adds everything before the global mean.
func (b *blockBuilder) trunk(dropPath float64) graph.ID {
	x, act := b.stem(), cmp.Or(b.n.Act, graph.ReLU)
	blocks := b.n.blocks()
	for _, k := range blocks {
		k.Act = cmp.Or(k.Act, act)
		if k.Kind != Inverted {
			x = b.plain(k, x)
		} else {
			x = b.inverted(k, x, dropPath*float64(k.number)/float64(len(blocks)))
		}
		b.Block(k.name(), x)
	}
	return b.head(x)
}

// stem adds the first convolution.
func (b *blockBuilder) stem() graph.ID {
	n := b.n
	return b.convNorm("conv_stem", "bn1", b.Input(), graph.ConvSpec{
		Out: n.Stem.Out, Kernel: cmp.Or(n.Stem.Kernel, 3), Stride: cmp.Or(n.Stem.Stride, 2), Padding: n.Padding,
	}, cmp.Or(n.Stem.Act, n.Act, graph.ReLU))
}

// head adds the convolution before the global mean, if there is one.
func (b *blockBuilder) head(x graph.ID) graph.ID {
	if h := b.n.Head; h.Out > 0 && !h.AfterPool {
		x = b.convNorm("conv_head", "bn2", x, graph.ConvSpec{Out: h.Out}, cmp.Or(h.Act, b.n.Act, graph.ReLU))
	}
	return x
}

// finish adds the global mean and the classifier to the trunk.
func (b *blockBuilder) finish(x graph.ID, info Info) (*graph.Graph, error) {
	head := b.n.Head
	x = b.GlobalPool("global_pool", x)
	if head.Out > 0 && head.AfterPool {
		x = b.Conv("conv_head", x, graph.ConvSpec{Out: head.Out, Bias: true})
		x = b.Activate("act2", x, cmp.Or(head.Act, b.n.Act, graph.ReLU))
	}
	b.Output(graph.Features, x)
	x = b.Dropout("dropout", x, info.DropRate)
	b.Output(graph.Logits, b.Linear("classifier", x, info.Classes, true))
	return b.Build()
}

// convBuilder adds what convolutions come with.
type convBuilder struct{ *graph.Builder }

// norm adds batch norm and an activation.
func (b convBuilder) norm(name string, x graph.ID, act graph.Activation) graph.ID {
	return b.Activate(name+".act", b.BatchNorm(name, x), act)
}

// convNorm adds a convolution with batch norm and activation.
func (b convBuilder) convNorm(conv, norm string, x graph.ID, s graph.ConvSpec, act graph.Activation) graph.ID {
	return b.norm(norm, b.Conv(conv, x, s), act)
}

// blockBuilder adds the blocks of a Network.
type blockBuilder struct {
	convBuilder
	n    Network
	wide []graph.ID // of every block, what its depthwise convolution reads
}

func newBlockBuilder(n Network, info Info) *blockBuilder {
	b := &blockBuilder{convBuilder: convBuilder{graph.NewBuilder(n.Name, info.Input.Channels)}, n: n}
	b.Norm = n.Norm
	return b
}

// plain adds a convolution with batch norm and, unless it is linear, activation.
func (b *blockBuilder) plain(k block, x graph.ID) graph.ID {
	if k.Kind == Linear {
		k.Act = graph.Identity
	}
	b.wide = append(b.wide, x)
	return b.convNorm(k.name()+".conv", k.name()+".bn1", x, graph.ConvSpec{
		Out: k.Out, Kernel: k.Kernels[0], Stride: k.Stride, Padding: b.n.Padding,
	}, k.Act)
}

// inverted adds an inverted-residual block, or a depthwise-separable one where
// there is no expansion.
func (b *blockBuilder) inverted(k block, in graph.ID, dropPath float64) graph.ID {
	x, name := in, k.name()
	bn1, bn2, project := ".bn1", ".bn2", ".conv_pw"
	if k.expands() {
		x = b.convNorm(name+".conv_pw", name+".bn1", x, graph.ConvSpec{
			Out: k.expanded(k.in), Groups: k.ExpandGroups, Split: !k.Shuffle,
		}, k.Act)
		bn1, bn2, project = ".bn2", ".bn3", ".conv_pwl"
	}
	if k.Shuffle {
		x = b.Shuffle(name+".shuffle", x, max(k.ExpandGroups, k.ProjectGroups))
	}
	b.wide = append(b.wide, x)
	wide := x
	x = b.MixConv(name+".conv_dw", x, graph.MixSpec{
		Kernels: k.Kernels, Stride: k.Stride, Padding: b.n.Padding,
		Partition: k.Partition, Channels: k.Channels, Dilated: k.Dilated,
	})
	if k.Parallel > 0 {
		y := b.MixConv(name+".conv_dw_small", wide, graph.MixSpec{Kernels: []int{k.Parallel}, Stride: k.Stride, Padding: b.n.Padding})
		x = b.Add(name+".both", b.BatchNorm(name+bn1, x), b.BatchNorm(name+".bn_small", y))
		x = b.Activate(name+bn1+".act", x, k.Act)
	} else {
		x = b.norm(name+bn1, x, k.Act)
	}
	if k.SE > 0 {
		x = b.squeezeExcite(k, x)
	}
	last := graph.Identity
	if k.ProjectAct {
		last = k.Act
	}
	x = b.convNorm(name+project, name+bn2, x, graph.ConvSpec{Out: k.Out, Groups: k.ProjectGroups, Split: !k.Shuffle}, last)
	if k.Stride == 1 && k.in == k.Out && !k.NoSkip {
		x = b.DropPath(name+".drop_path", x, dropPath)
		x = b.Add(name+".add", x, in)
	}
	return x
}

// squeezeExcite scales the channels of x by factors computed from their means.
func (b *blockBuilder) squeezeExcite(k block, x graph.ID) graph.ID {
	name := k.name() + ".se"
	width := b.Channels(x)
	s := b.GlobalPool(name+".pool", x)
	s = b.Conv(name+".conv_reduce", s, graph.ConvSpec{Out: b.n.SE.width(k.in, width, k.SE), Bias: true})
	s = b.Activate(name+".act1", s, cmp.Or(b.n.SE.Act, k.Act))
	s = b.Conv(name+".conv_expand", s, graph.ConvSpec{Out: width, Bias: true})
	s = b.Activate(name+".gate", s, cmp.Or(b.n.SE.Gate, graph.Sigmoid))
	return b.Scale(name+".scale", x, s)
}
