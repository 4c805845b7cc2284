// Package autodiff trains a graph: it runs it forward with batch statistics
// and backward for the gradients of its parameters.
//
// # How a network is run
//
// Only the results of convolutions and of the few operators that move data are
// stored. Batch norm, activations, squeeze-excite's scaling, dropout and
// stochastic depth are views: a consumer computes them tile by tile from the
// stored tensor while it loads its input, in the forward pass and again in the
// backward pass, where recomputing them costs less than reading them back
// would. Gradients travel the same way: the tile of a gradient that a
// convolution produces is pulled back through the views above it while it is
// in cache.
//
// Where every tensor lives is settled once, by New, from the moments it is
// first written and last read during a whole step; the steps that follow
// allocate no tensors. PLANNING.md tells the rules by which that is done.
//
// Results depend on the number of threads, because sums are cut into one part
// per thread, but not on timing.
//
// # Many networks
//
// A search trains paths of one large network, each a graph of its own. Their
// nets take turns in one Memory, and New plans one in milliseconds. Parameters
// and gradients are arguments of every pass, so those of a path can be slices of
// the large network's: of whole parameters, or of the first outputs of one. Two
// parameters of one graph must not overlap.
package autodiff

import (
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// Options changes what a Net computes. The zero value trains all parameters on
// all processors.
type Options struct {
	// Threads is how many goroutines run an operator; 0 means GOMAXPROCS.
	Threads int
	// Memory is shared with other nets, and so are its threads; nil gives the
	// net its own.
	Memory *Memory
	// ForwardOnly leaves out the backward pass, the auxiliary heads and the
	// memory they need.
	ForwardOnly bool
	// InputGrad asks for the gradient of the input.
	InputGrad bool
	// BFloat16 makes the convolutions and fully connected layers of Train and
	// Backward multiply what is rounded to bfloat16 and sum the products in
	// float32. Depthwise convolutions, everything that is kept, parameters and
	// gradients, and Eval stay as they are. It is for float32 alone, and quicker
	// with AVX512_BF16 or AMX.
	BFloat16 bool
	// FixedNorms makes batch norm use the running statistics in training too,
	// and leave them as they are.
	FixedNorms bool
	// HoldNorms makes Train leave the running statistics as they are, for
	// MoveNorms.
	HoldNorms bool
	// Frozen reports the parameters that are left as they are and get no
	// gradient; nil means none. A batch norm whose running statistics are
	// frozen uses them in training too.
	Frozen func(graph.ParamID) bool

	redoFrom int // elements of an image from which tensors are computed again; 0 means redoElems
}

// Net is a graph made ready to be trained with batches of one size. It holds
// the activations of one step and must not be used by two goroutines at once.
type Net[T tensor.Float] struct {
	g       *graph.Graph
	in      tensor.Shape
	opts    Options
	nodes   []*node[T] // by graph.ID; nil where no output depends on it
	outputs []*edge[T] // where the loss enters
	norms   []*norm[T]
	ahead   []segment[T] // the forward pass
	back    []segment[T] // the backward pass
	workers []worker[T]

	mem     *Memory
	own     bool         // mem is this net's alone
	arena   int          // elements of all tensors
	buffers []*buffer[T] // in the arena
	private private      // what each worker needs beside it
	packed  []packed[T]  // weights as the kernels take them
	weights int          // elements of these
	data    []T          // memory for all of them; nil while another net uses it

	batch  int  // images of the pass in progress
	train  bool // batch statistics and dropout
	ready  bool // Train has run and Backward has not
	key    uint64
	params graph.Values[T]
	grads  graph.Values[T]
}

// worker is the private memory of one part of an operator.
type worker[T tensor.Float] struct {
	part    int
	scratch []T
	product []T // for products
	view    []T // a tile of a view's value
	known   known[T]
	input   []T // tiles for operators that compute their output again:
	output  []T // its input, all channels of the output,
	raw     []T // and the part of it asked for
	sums    []T // two values per channel
	weights []T // gradients of the weights of a segment
}

// ErrOrder is returned by Backward when no Train precedes it.
var ErrOrder = errors.New("autodiff: Backward without a preceding Train")

// New plans g for batches of up to in.N images of size in.H × in.W.
func New[T tensor.Float](g *graph.Graph, in tensor.Shape, opts Options) (*Net[T], error) {
	shapes, err := g.Shapes(in)
	if err != nil {
		return nil, err
	}
	if _, single := any(T(0)).(float32); opts.BFloat16 && !single {
		return nil, errors.New("autodiff: products of bfloat16 are for float32 alone")
	}
	n := &Net[T]{g: g, in: in, opts: opts, nodes: make([]*node[T], len(g.Nodes)), mem: opts.Memory}
	switch {
	case n.mem == nil:
		n.mem, n.own = NewMemory(opts.Threads), true
	case opts.Threads != 0 && opts.Threads != n.mem.pool.Threads():
		return nil, errThreads
	}
	var heads []graph.ID
	for _, o := range g.Losses() {
		if !o.Training || !opts.ForwardOnly {
			heads = append(heads, o.ID)
		}
	}
	if err := n.compile(shapes, heads); err != nil {
		return nil, fmt.Errorf("%s: %w", g.Name, err)
	}
	if err := n.plan(); err != nil {
		return nil, fmt.Errorf("%s: %w", g.Name, err)
	}
	return n, nil
}

// Resized plans n's graph for images of another size, in the same memory.
func (n *Net[T]) Resized(h, w int) (*Net[T], error) {
	o := n.opts
	o.Memory = n.mem
	return New[T](n.g, tensor.Shape{N: n.in.N, H: h, W: w, C: n.in.C}, o)
}

// Close ends the threads, unless they are those of a shared memory. A net that
// nobody refers to needs no Close.
func (n *Net[T]) Close() {
	if n.own {
		n.mem.Close()
	}
}

// Shape returns the planned input shape.
func (n *Net[T]) Shape() tensor.Shape { return n.in }

// Bytes returns the size of the memory for activations, gradients of activations
// and packed weights.
func (n *Net[T]) Bytes() int64 { return int64(sizeOf[T](n.elems())) }

// Train runs x forward with batch statistics, moving the running ones in
// params unless Options.HoldNorms is set, and with dropout, whose choices are a function of key alone.
func (n *Net[T]) Train(x *tensor.Dense[T], params graph.Values[T], key uint64) error {
	if n.opts.ForwardOnly {
		return errors.New("autodiff: Train on a network planned for ForwardOnly")
	}
	n.train, n.key = true, key
	if err := n.forward(x, params); err != nil {
		return err
	}
	n.ready = true
	return nil
}

// Eval runs x forward with the running statistics and without dropout.
func (n *Net[T]) Eval(x *tensor.Dense[T], params graph.Values[T]) error {
	n.train = false
	return n.forward(x, params)
}

func (n *Net[T]) forward(x *tensor.Dense[T], params graph.Values[T]) error {
	n.ready = false
	if err := n.checkInput(x); err != nil {
		return err
	}
	if err := n.checkValues("parameters", params); err != nil {
		return err
	}
	n.bind()
	n.batch, n.params = x.Shape.N, params
	defer func() { n.params = nil }()
	n.nodes[0].out.data = x.Data
	if err := n.checkNorms(); err != nil {
		return err
	}
	n.each(func(v *node[T]) { v.op.prepare(n, v) })
	for i := range n.ahead {
		n.runAhead(&n.ahead[i])
	}
	return nil
}

// checkNorms reports a batch norm that has no variance.
func (n *Net[T]) checkNorms() error {
	for _, b := range n.norms {
		if b.batched(n) && n.batch*b.node.pixels() < 2 {
			return fmt.Errorf("%s: %s: batch norm needs more than one value per channel to train: use a larger batch or image", n.g.Name, b.node.name)
		}
	}
	return nil
}

func (n *Net[T]) checkInput(x *tensor.Dense[T]) error {
	if err := x.Check(); err != nil {
		return err
	}
	s := x.Shape
	if s.N > n.in.N || s.H != n.in.H || s.W != n.in.W || s.C != n.in.C {
		return fmt.Errorf("%w: %s is planned for %v, got %v", tensor.ErrShape, n.g.Name, n.in, s)
	}
	return nil
}

func (n *Net[T]) checkValues(what string, v graph.Values[T]) error {
	if len(v) != len(n.g.Params) {
		return fmt.Errorf("%s: %d %s, want %d", n.g.Name, len(v), what, len(n.g.Params))
	}
	for i, p := range n.g.Params {
		if len(v[i]) != p.Len() {
			return fmt.Errorf("%s: %s of %s: %d values, want %d", n.g.Name, what, p.Name, len(v[i]), p.Len())
		}
	}
	return nil
}

// Outputs returns the number of outputs: those of the graph that have a loss, in
// its order, without those of training in a net planned for ForwardOnly.
func (n *Net[T]) Outputs() int { return len(n.outputs) }

// OutputShape returns the shape of output i for a full batch.
func (n *Net[T]) OutputShape(i int) tensor.Shape { return n.outputs[i].to.shape }

// Output returns output i of the last Train or Eval, of OutputShape but for the
// batch. It is valid until the next one, of this net or of another that shares
// its memory, after which it is nil.
func (n *Net[T]) Output(i int) []T {
	v := n.outputs[i].to
	if v.out.data == nil {
		return nil
	}
	return v.out.data[:n.batch*v.perImage()]
}

// Backward adds to grads the gradients of the loss, given its gradient with
// respect to every output of the preceding Train. params must be unchanged
// since then. Frozen parameters and running statistics are left alone.
func (n *Net[T]) Backward(dOut [][]T, params, grads graph.Values[T]) error {
	if !n.ready {
		return ErrOrder
	}
	n.ready = false
	if len(dOut) != len(n.outputs) {
		return fmt.Errorf("%w: gradients of %d outputs, want %d", tensor.ErrShape, len(dOut), len(n.outputs))
	}
	for i, d := range dOut {
		if want := len(n.Output(i)); len(d) != want {
			return fmt.Errorf("%w: gradient of output %d has %d values, want %d", tensor.ErrShape, i, len(d), want)
		}
	}
	if err := errors.Join(n.checkValues("parameters", params), n.checkValues("gradients", grads)); err != nil {
		return err
	}
	n.params, n.grads = params, grads
	defer func() { n.params, n.grads = nil, nil }()
	for i, e := range n.outputs {
		if e.to.needsGrad {
			n.parts(func(w *worker[T], from, to int) { n.contributeAll(e, w, dOut[i], from, to) })
		}
	}
	n.each(func(v *node[T]) {
		if v.needsGrad {
			v.op.prepareBack(n, v)
		}
	})
	for i := range n.back {
		n.runBack(&n.back[i])
	}
	return nil
}

// InputGrad returns the gradient of the input after Backward, if Options asked
// for it, until the next Train.
func (n *Net[T]) InputGrad() []T {
	v := n.nodes[0]
	if !n.opts.InputGrad || v.grad == nil || v.grad.data == nil {
		return nil
	}
	return v.grad.data[:n.batch*v.perImage()]
}
