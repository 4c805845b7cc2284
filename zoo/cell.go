package zoo

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
)

// Cell is a searched cell of DARTS or NASNet. Its states are numbered: 0 is
// the output of the cell before the last, 1 that of the last cell, both
// projected to the cell's width, and 2 onwards the results of the steps.
type Cell struct {
	Steps  []Step
	Concat []int // the states that make up the output
}

// Step is the sum of two operations on earlier states.
type Step [2]Edge

// Edge is an operation and the state it reads. In a reduction cell operations
// on states 0 and 1 have stride 2.
type Edge struct {
	Op   CellOp
	From int
}

// CellOp is an operation of a cell.
type CellOp uint8

// The operations of the cells. Separable convolutions are applied twice;
// dilated ones have dilation 2.
const (
	Skip CellOp = iota
	Sep3
	Sep5
	Sep7
	Dil3
	Dil5
	Max3
	Avg3
)

// cellBuilder adds the operations of cells.
type cellBuilder struct {
	convBuilder
	padding  graph.Padding
	relus    map[graph.ID]graph.ID // the rectified nodes, which several operations share
	dropPath float64
}

func newCellBuilder(name string, channels int, padding graph.Padding, norm graph.Norm) *cellBuilder {
	b := &cellBuilder{convBuilder: convBuilder{graph.NewBuilder(name, channels)}, padding: padding, relus: map[graph.ID]graph.ID{}}
	b.Norm = norm
	return b
}

// relu returns x rectified, for the operation of a name.
func (b *cellBuilder) relu(name string, x graph.ID) graph.ID {
	r, ok := b.relus[x]
	if !ok {
		r = b.Activate(name+".relu", x, graph.ReLU)
		b.relus[x] = r
	}
	return r
}

// project adds ReLU, a 1×1 convolution to width c and batch norm.
func (b *cellBuilder) project(name string, x graph.ID, c int) graph.ID {
	return b.convNorm(name+".conv", name+".bn", b.relu(name, x), graph.ConvSpec{Out: c}, graph.Identity)
}

// reduce halves the resolution: ReLU, two strided 1×1 convolutions, the second
// on the input shifted by one pixel, batch norm.
func (b *cellBuilder) reduce(name string, x graph.ID, c int) graph.ID {
	x = b.relu(name, x)
	even := b.Conv(name+".conv1", x, graph.ConvSpec{Out: c / 2, Stride: 2})
	odd := b.Conv(name+".conv2", b.Shift(name+".shift", x, 1, 1), graph.ConvSpec{Out: c / 2, Stride: 2})
	return b.BatchNorm(name+".bn", b.Concat(name+".concat", even, odd))
}

// separable adds ReLU, a depthwise and a 1×1 convolution and batch norm, twice.
func (b *cellBuilder) separable(name string, x graph.ID, c, kernel, stride int) graph.ID {
	for i, stride := range []int{stride, 1} {
		x = b.relu(name, x)
		x = b.MixConv(fmt.Sprintf("%s.dw%d", name, i+1), x, graph.MixSpec{Kernels: []int{kernel}, Stride: stride, Padding: b.padding})
		x = b.convNorm(fmt.Sprintf("%s.pw%d", name, i+1), fmt.Sprintf("%s.bn%d", name, i+1), x, graph.ConvSpec{Out: c}, graph.Identity)
	}
	return x
}

// dilated adds ReLU, a depthwise convolution with dilation 2, a 1×1
// convolution and batch norm.
func (b *cellBuilder) dilated(name string, x graph.ID, c, kernel, stride int) graph.ID {
	x = b.MixConv(name+".dw", b.relu(name, x), graph.MixSpec{Kernels: []int{kernel}, Stride: stride, Dilation: 2, Padding: b.padding})
	return b.convNorm(name+".pw", name+".bn", x, graph.ConvSpec{Out: c}, graph.Identity)
}

// op adds one operation of a cell of width c.
func (b *cellBuilder) op(name string, op CellOp, x graph.ID, c, stride int) graph.ID {
	switch op {
	case Sep3:
		x = b.separable(name, x, c, 3, stride)
	case Sep5:
		x = b.separable(name, x, c, 5, stride)
	case Sep7:
		x = b.separable(name, x, c, 7, stride)
	case Dil3:
		x = b.dilated(name, x, c, 3, stride)
	case Dil5:
		x = b.dilated(name, x, c, 5, stride)
	case Max3, Avg3:
		x = b.Pool(name, x, graph.Pool{Max: op == Max3, Kernel: 3, Stride: stride, Padding: b.padding})
	default:
		if stride == 1 {
			return x
		}
		x = b.reduce(name, x, c)
	}
	return b.DropPath(name+".drop_path", x, b.dropPath)
}

// cell adds the steps of a cell on its two projected inputs. edge names the
// operation on a side of a step.
func (b *cellBuilder) cell(name string, cell Cell, s0, s1 graph.ID, c int, reduction bool, edge func(step, side int) string) graph.ID {
	states := []graph.ID{s0, s1}
	for i, step := range cell.Steps {
		var sides [2]graph.ID
		for side, e := range step {
			stride := 1
			if reduction && e.From < 2 {
				stride = 2
			}
			sides[side] = b.op(edge(i, side), e.Op, states[e.From], c, stride)
		}
		states = append(states, b.Add(fmt.Sprintf("%s.sum%d", name, i), sides[0], sides[1]))
	}
	joined := make([]graph.ID, len(cell.Concat))
	for i, s := range cell.Concat {
		joined[i] = states[s]
	}
	out := b.Concat(name+".concat", joined...)
	b.Block(name, out)
	return out
}
