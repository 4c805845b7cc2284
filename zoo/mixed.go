package zoo

import (
	"cmp"
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
)

// BuildMixed makes the graph of a network of which every block is the sum of
// several: options holds, for every row of n.Stages, the blocks that stand in its
// place. Each takes the row's stride and width; their residual connections are
// one. No options, where the row keeps size and width, are the connection alone.
// Parameters are named blocks.PART.BLOCK.option0 and so on. Rows are not
// repeated, and the last thing that an option does is batch norm, by whose scale
// and shift it can be weighted.
func (n Network) BuildMixed(o Options, options [][]Stage) (*graph.Graph, error) {
	info, err := o.apply(n.Info)
	if err != nil {
		return nil, err
	}
	if err := n.Validate(); err != nil {
		return nil, err
	}
	b := newBlockBuilder(n, info)
	act := cmp.Or(n.Act, graph.ReLU)
	x := b.stem()
	blocks := n.blocks()
	if len(blocks) != len(options) || len(blocks) != len(n.Stages) {
		return nil, fmt.Errorf("network %s: options for %d blocks, there are %d", n.Name, len(options), len(blocks))
	}
	for i, k := range blocks {
		if x, err = b.mixed(k, options[i], x, act); err != nil {
			return nil, fmt.Errorf("network %s: block %d: %w", n.Name, i, err)
		}
		b.Block(k.name(), x)
	}
	return b.finish(b.head(x), info)
}

// mixed adds a block that is the sum of its options.
func (b *blockBuilder) mixed(k block, options []Stage, in graph.ID, act graph.Activation) (graph.ID, error) {
	skip := k.Stride == 1 && k.in == k.Out
	x := graph.None
	if skip {
		x = in
	}
	for j, s := range options {
		s = s.withDefaults()
		s.Stride, s.Out = k.Stride, k.Out
		branch := block{Stage: s, part: k.part, index: k.index, number: k.number, in: k.in, suffix: fmt.Sprintf(".option%d", j)}
		branch.Act = cmp.Or(s.Act, act)
		if skip != (skip && s.Kind == Inverted && !s.NoSkip) || s.Kind == Plain || s.ProjectAct {
			return x, fmt.Errorf("option %d cannot be weighted: it ends with an activation, or has no residual connection where others have", j)
		}
		branch.NoSkip = true
		var y graph.ID
		if s.Kind == Inverted {
			y = b.inverted(branch, in, 0)
		} else {
			y = b.plain(branch, in)
		}
		if x == graph.None {
			x = y
			continue
		}
		x = b.Add(branch.name()+".sum", x, y)
	}
	if x == graph.None {
		return x, fmt.Errorf("no options for a block that changes size or width")
	}
	return x, nil
}
