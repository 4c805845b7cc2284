package engine

import (
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// value is an intermediate result: feature maps of c channels with the height
// and width of a node of the graph. It is a range of channels of another value
// or has storage of its own.
type value struct {
	shape graph.ID
	c     int
	in    *value      // what it is a part of; nil for storage of its own
	at    int         // first channel within in
	order []int       // channel i is channel order[i] of in; nil for those from at on
	grown bool        // storage of several values that concatenations and slices choose from
	code  *graph.Code // what its bytes stand for; nil for floats
	half  bool        // bfloat16 instead of floats
}

// storage returns the value that v lies in, and its first channel there.
func (v *value) storage() (root *value, at int) {
	for v.in != nil {
		at += v.at
		v = v.in
	}
	return v, at
}

// layer is one operator with its neighbours fused in. It turns into one or
// more steps once the input's size is known.
type layer interface {
	args() (reads, writes []*value)
	packedLen() int // elements of packed weights
	pack(p *packer) error
	plan(b *builder)
}

// network is a graph as layers in order of execution.
type network struct {
	layers []layer
	input  *value
	stem   *convLayer   // takes images as bytes; nil if it does not
	first  *encodeLayer // takes images as bytes; nil if it does not
	ready  map[graph.ID]result
	window int // bytes of intermediate results that a thread works on at a time
}

// result is a value that is wanted, and the layer after which it exists.
type result struct {
	value *value
	after int // index of the layer; -1 for the input itself
}

// lowering builds a network.
type lowering struct {
	network
	values map[*node]*value
	made   map[*value]int // index of the layer that makes a value
	held   map[*node]layer
	copies map[*value]*value // of selections
	coded  map[coding]*value // conversions
	quant  *graph.Quantization
	halves bool // values are bfloat16 where layers make such
}

// coding is a value in bytes, or without a code in floats or as bfloat16.
type coding struct {
	of   *value
	code graph.Code
	half bool
}

// lower turns a graph into layers. Nodes in want exist in memory after some layer.
func lower(r *reader, want []graph.ID) (*network, error) {
	order, of, err := simplify(r, want)
	if err != nil {
		return nil, err
	}
	l := &lowering{values: map[*node]*value{}, made: map[*value]int{}, held: map[*node]layer{}, copies: map[*value]*value{}, coded: map[coding]*value{}, quant: r.quant, halves: r.halves}
	l.window = windowBytes
	l.input = l.value(of[0])
	l.made[l.input] = -1
	for _, n := range order {
		if err := l.visit(n); err != nil {
			return nil, err
		}
	}
	l.ready = make(map[graph.ID]result, len(want))
	for _, id := range want {
		v := l.float(l.values[of[id]])
		l.ready[id] = result{v, l.readyAfter(v)}
	}
	l.reuse()
	return &l.network, nil
}

// value returns the result of n.
func (l *lowering) value(n *node) *value {
	v := l.values[n]
	if v == nil {
		v = &value{shape: n.shape, c: n.channels}
		l.values[n] = v
	}
	return v
}

// readyAfter returns the index of the layer that makes v or what it is part of.
func (l *lowering) readyAfter(v *value) int {
	for ; v != nil; v = v.in {
		if i, ok := l.made[v]; ok {
			return i
		}
	}
	return -1
}

func (l *lowering) emit(x layer) {
	if c, ok := x.(*convLayer); ok && c.add != nil {
		if c.makesHalf() {
			c.add = l.half(c.add)
		} else {
			c.add = l.float(c.add)
		}
	}
	_, writes := x.args()
	for _, v := range writes {
		l.made[v] = len(l.layers)
	}
	l.layers = append(l.layers, x)
}

// visit emits the layer of n, unless it has become part of another one.
// Layers that end with a later node wait for it in held.
func (l *lowering) visit(n *node) error {
	if x := l.held[n]; x != nil {
		l.emit(x)
		return nil
	}
	if n.fused {
		return nil
	}
	if l.quant != nil {
		if end, x := l.inCodes(n); end != nil {
			l.emitAt(n, end, x)
			return nil
		}
	}
	end, x := n, layer(nil)
	switch op := n.op.(type) {
	case *graph.Input:
		return nil
	case *graph.Conv:
		end, x = l.conv(n, op)
	case *graph.Linear:
		end, x = l.conv(n, &graph.Conv{
			Groups: []graph.ConvGroup{{In: op.In, Out: op.Out}}, Kernel: 1, Stride: 1, Dilation: 1,
			Padding: graph.Valid, Weights: []graph.ParamID{op.Weight}, Bias: op.Bias,
		})
	case *graph.MixConv:
		end, x = l.depthwise(n, op)
	case *graph.GlobalPool:
		if v := l.value(n.in[0]); v.half {
			x = &halfMeanLayer{name: n.name, x: v, y: l.value(n)}
			break
		}
		x = &globalPoolLayer{name: n.name, x: l.float(l.value(n.in[0])), y: l.value(n)}
	case *graph.Pool:
		x = &poolLayer{name: n.name, op: op, x: l.float(l.value(n.in[0])), y: l.value(n)}
	case *graph.Scale:
		if scalesInput(n) {
			n.fused = true
			return nil
		}
		x = &scaleLayer{name: n.name, x: l.float(l.value(n.in[0])), factors: l.float(l.value(n.in[1])), y: l.value(n)}
	case *graph.Add:
		var f fusion
		end = f.follow(n, 0)
		x = &addLayer{name: n.name, a: l.float(l.value(n.in[0])), b: l.float(l.value(n.in[1])), y: l.value(end), act: f.act}
	case *graph.Activate:
		x = &affineLayer{name: n.name, x: l.float(l.value(n.in[0])), y: l.value(n), act: kernel.Act(op.Func)}
	case *affine:
		var f fusion
		end = f.follow(n, 0)
		x = &affineLayer{name: n.name, x: l.float(l.value(n.in[0])), y: l.value(end), scale: op.scale, shift: op.shift, act: f.act}
	case *graph.Concat:
		if l.grow(n) {
			return nil
		}
		x = l.concat(n)
	case *graph.Slice:
		l.slice(n, op.From, op.To)
		return nil
	case *graph.Shuffle:
		l.shuffle(n, op.Groups)
		return nil
	case *graph.Shift:
		x = &shiftLayer{name: n.name, op: op, x: l.float(l.value(n.in[0])), y: l.value(n)}
	default:
		return unknownOperator(n)
	}
	l.emitAt(n, end, x)
	return nil
}

// emitAt emits the layer of n once its last node is visited.
func (l *lowering) emitAt(n, end *node, x layer) {
	switch {
	case x == nil: // nothing to compute
	case end == n:
		l.emit(x)
	default:
		l.held[end] = x
	}
}

// unknownOperator is the error of an operator that the engine does not compute.
func unknownOperator(n *node) error {
	kind := fmt.Sprintf("%T", n.op)
	if op, ok := n.op.(graph.Op); ok {
		kind = op.Kind()
	}
	return fmt.Errorf("%s: operator %s cannot be run", n.name, kind)
}

// reuse lets layers write over an input that nothing reads afterwards.
func (l *lowering) reuse() {
	last := map[*value]int{}
	for _, r := range l.ready {
		root, _ := r.value.storage()
		last[root] = max(last[root], r.after)
	}
	for i, x := range l.layers {
		reads, writes := x.args()
		for _, v := range append(reads, writes...) {
			root, _ := v.storage()
			last[root] = max(last[root], i)
		}
	}
	for i, x := range l.layers {
		o, ok := x.(interface {
			overwrites() (y *value, inputs []*value)
		})
		if !ok {
			continue
		}
		y, inputs := o.overwrites()
		if y == nil || y.in != nil {
			continue
		}
		for _, v := range inputs {
			root, _ := v.storage()
			if root != l.input && root.c == v.c && v.c == y.c && last[root] <= i && (root.code == nil) == (y.code == nil) && root.half == y.half {
				y.in = root
				last[root] = last[y]
				break
			}
		}
	}
}
