// Package engine runs a network forward, for inference, on the CPU.
//
// Compile turns a graph and its parameters into a Program: batch norm is
// folded into the weights, weights are packed for the kernels once, and
// activations, residual additions, squeeze-excite and pooling become part of
// the convolutions next to them. For each input size the program then makes a
// plan: the steps, how each is shared out among threads, and where every
// intermediate result lies in one stretch of memory.
package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/par"
	"github.com/mixnet-go/mixnet/tensor"
)

// Options adjusts a Program. The zero value is a good choice.
type Options struct {
	// Threads is how many threads work on one call. 0 means GOMAXPROCS.
	Threads int
	// MaxConcurrent is how many calls run at the same time, each with memory
	// of its own; further ones wait. 0 means GOMAXPROCS.
	MaxConcurrent int
	// Outputs names what the Program can compute: outputs of the graph and
	// blocks, whose results keep layers of neighbouring ones from being fused.
	// None means the graph's outputs, without those of training.
	Outputs []string
	// Mean and Std, one value per channel, are what RunBytes applies to
	// pixels: (pixel/255 - Mean) / Std.
	Mean, Std []float32
	// Quantization says what is computed with whole numbers of 8 bits; nil is
	// nothing.
	Quantization *graph.Quantization
	// Precision is that of everything else. With Quantization it is Auto.
	Precision Precision
}

// Program is a network ready to run. It is safe for concurrent use.
type Program struct {
	g         *graph.Graph
	net       *network
	pool      *par.Pool
	names     map[string]graph.ID
	mean, std []float32
	plans     planCache
	quantized bool
	precision Precision
	calls     callPool
}

// Compile makes a Program of g with the given parameters. It keeps no
// reference to values.
func Compile(g *graph.Graph, values graph.Values[float32], opts Options) (*Program, error) {
	if len(values) != len(g.Params) {
		return nil, fmt.Errorf("compile %s: %d parameter tensors, the network has %d", g.Name, len(values), len(g.Params))
	}
	return CompileFrom(g, InMemory(values), opts)
}

// CompileFrom makes a Program of g with parameters read from a source.
func CompileFrom(g *graph.Graph, source Source, opts Options) (*Program, error) {
	p := &Program{g: g, pool: par.New(opts.Threads), mean: slices.Clone(opts.Mean), std: slices.Clone(opts.Std), precision: max(opts.Precision, Float32)}
	err := errors.Join(checkNormalization(g, opts), opts.Precision.check(opts.Quantization != nil))
	if err == nil {
		err = p.compile(&reader{g, source, opts.Quantization, opts.Precision == BFloat16}, opts)
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("compile %s: %w", g.Name, err)
	}
	p.calls.init(opts.MaxConcurrent)
	return p, nil
}

func (p *Program) compile(r *reader, opts Options) (err error) {
	g := p.g
	var want []graph.ID
	if p.names, want, err = wanted(g, opts.Outputs); err != nil {
		return err
	}
	if q := opts.Quantization; q != nil {
		if err = q.Check(g); err != nil {
			return err
		}
		p.quantized = true
	}
	if p.net, err = lower(r, want); err != nil {
		return err
	}
	if p.mean != nil {
		p.net.takeBytes()
	}
	return p.net.pack(p.pool, &packing{reader: *r, mean: p.mean, std: p.std})
}

// wanted returns the nodes of the named outputs and blocks, or of all outputs but
// those of training.
func wanted(g *graph.Graph, names []string) (of map[string]graph.ID, ids []graph.ID, err error) {
	if len(names) == 0 {
		for _, o := range g.Outputs {
			if !o.Training {
				names = append(names, o.Name)
			}
		}
	}
	of = make(map[string]graph.ID, len(names))
	for _, name := range names {
		o, isOutput := g.Find(name)
		i := slices.IndexFunc(g.Blocks, func(b graph.Block) bool { return b.Name == name })
		switch {
		case isOutput && i >= 0 && g.Blocks[i].Out != o.ID:
			return nil, nil, fmt.Errorf("%q is both an output and a block", name)
		case isOutput:
			of[name] = o.ID
		case i >= 0:
			of[name] = g.Blocks[i].Out
		default:
			return nil, nil, fmt.Errorf("there is no output and no block %q", name)
		}
		if id := of[name]; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return of, ids, nil
}

func checkNormalization(g *graph.Graph, opts Options) error {
	if opts.Mean == nil && opts.Std == nil {
		return nil
	}
	if c := g.Channels(); len(opts.Mean) != c || len(opts.Std) != c {
		return fmt.Errorf("mean and std have %d and %d values, want one for each of %d channels", len(opts.Mean), len(opts.Std), c)
	}
	if slices.Contains(opts.Std, 0) {
		return errors.New("std contains zero")
	}
	return nil
}

// Graph returns the network that p runs.
func (p *Program) Graph() *graph.Graph { return p.g }

// Quantized reports whether p computes with whole numbers of 8 bits.
func (p *Program) Quantized() bool { return p.quantized }

// Precision returns what p stores intermediate results as: Float32 or BFloat16.
// Of a quantized network it says nothing.
func (p *Program) Precision() Precision { return p.precision }

// Threads returns how many threads work on one call.
func (p *Program) Threads() int { return p.pool.Threads() }

// Close ends the threads of p. It is optional: a Program that is no longer
// referenced is cleaned up by the garbage collector. No call may be running.
func (p *Program) Close() { p.pool.Close() }

// Run computes the logits of a batch of images, N×H×W×C of any height and
// width, into dst, N×1×1×classes. Besides ctx's errors it returns those of
// shapes that do not fit.
func (p *Program) Run(ctx context.Context, dst, x *tensor.Tensor) error {
	return p.one(ctx, graph.Logits, dst, images{floats: x.Data}, x.Shape)
}

// Features computes the pooled features of a batch of images, the input of the
// classifier, into dst, N×1×1×C.
func (p *Program) Features(ctx context.Context, dst, x *tensor.Tensor) error {
	return p.one(ctx, graph.Features, dst, images{floats: x.Data}, x.Shape)
}

// RunBytes is Run on pixels of bytes, N×H×W×C like shape, normalised by the
// Mean and Std of Options.
func (p *Program) RunBytes(ctx context.Context, dst *tensor.Tensor, pixels []uint8, shape tensor.Shape) error {
	if p.mean == nil {
		return p.needsNormalization()
	}
	return p.one(ctx, graph.Logits, dst, images{bytes: pixels}, shape)
}

// FeaturesBytes is Features on pixels of bytes, as RunBytes takes them.
func (p *Program) FeaturesBytes(ctx context.Context, dst *tensor.Tensor, pixels []uint8, shape tensor.Shape) error {
	if p.mean == nil {
		return p.needsNormalization()
	}
	return p.one(ctx, graph.Features, dst, images{bytes: pixels}, shape)
}

// Result is an output that is wanted: its name, one of Options.Outputs, and a
// tensor of its shape for a whole batch, which OutputShape tells.
type Result struct {
	Name string
	To   *tensor.Tensor
}

// RunTo computes any of the outputs of a batch of images in one run. What none
// of them depends on is not computed.
func (p *Program) RunTo(ctx context.Context, x *tensor.Tensor, results ...Result) error {
	return p.several(ctx, images{floats: x.Data}, x.Shape, results)
}

// RunBytesTo is RunTo on pixels of bytes, as RunBytes is Run.
func (p *Program) RunBytesTo(ctx context.Context, pixels []uint8, shape tensor.Shape, results ...Result) error {
	if p.mean == nil {
		return p.needsNormalization()
	}
	return p.several(ctx, images{bytes: pixels}, shape, results)
}

// OutputShape returns the shape of an output for a batch of images.
func (p *Program) OutputShape(name string, in tensor.Shape) (tensor.Shape, error) {
	id, err := p.output(name)
	if err != nil {
		return tensor.Shape{}, err
	}
	shapes, err := p.g.Shapes(in)
	if err != nil {
		return tensor.Shape{}, err
	}
	return shapes[id], nil
}

// Outputs returns the named outputs of a batch of images in new tensors.
func (p *Program) Outputs(ctx context.Context, x *tensor.Tensor, names ...string) ([]*tensor.Tensor, error) {
	if err := x.Check(); err != nil {
		return nil, fmt.Errorf("%s: input: %w", p.g.Name, err)
	}
	shapes, err := p.g.Shapes(x.Shape)
	if err != nil {
		return nil, err
	}
	out := make([]*tensor.Tensor, len(names))
	results := make([]Result, len(names))
	for i, name := range names {
		id, err := p.output(name)
		if err != nil {
			return nil, err
		}
		out[i] = tensor.New[float32](shapes[id])
		results[i] = Result{name, out[i]}
	}
	return out, p.several(ctx, images{floats: x.Data}, x.Shape, results)
}

// one computes one output into dst.
func (p *Program) one(ctx context.Context, name string, dst *tensor.Tensor, x images, in tensor.Shape) error {
	return p.several(ctx, x, in, []Result{{name, dst}})
}

// several computes outputs of a batch.
func (p *Program) several(ctx context.Context, x images, in tensor.Shape, results []Result) error {
	if err := in.Valid(); err != nil {
		return fmt.Errorf("%s: input: %w", p.g.Name, err)
	}
	if n := len(x.floats) + len(x.bytes); n != in.Len() {
		return fmt.Errorf("%s: input: %w: %v needs %d elements, data has %d", p.g.Name, tensor.ErrShape, in, in.Len(), n)
	}
	var few [16]tap
	taps := few[:0]
	for _, r := range results {
		id, err := p.output(r.Name)
		if err != nil {
			return err
		}
		if err := r.To.Check(); err != nil {
			return fmt.Errorf("%s: output %s: %w", p.g.Name, r.Name, err)
		}
		taps = append(taps, tap{id, r.To})
	}
	return p.exec(ctx, x, in, taps...)
}

// output returns the node of an output.
func (p *Program) output(name string) (graph.ID, error) {
	id, ok := p.names[name]
	if !ok {
		return graph.None, fmt.Errorf("%s was compiled without an output %q", p.g.Name, name)
	}
	return id, nil
}

func (p *Program) needsNormalization() error {
	return fmt.Errorf("%s was compiled without mean and std: they are needed for bytes", p.g.Name)
}

// Occupy says that the caller is busy beside the program, as with decoding its
// next input, until it calls vacate: calls on as many threads as there are cores
// leave it one.
func (p *Program) Occupy() (vacate func()) {
	p.pool.Enter()
	return p.pool.Leave
}

// defaultConcurrent is the MaxConcurrent of zero options.
func defaultConcurrent() int { return runtime.GOMAXPROCS(0) }
