package quantize

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// watched is a network of which all results that matter are outputs.
type watched struct {
	program *engine.Program
	nodes   []graph.ID
	results []engine.Result
}

// watch compiles a network so that the results of some nodes can be had.
func watch(g *graph.Graph, v graph.Values[float32], q *graph.Quantization, nodes []graph.ID, threads int) (*watched, error) {
	all := *g
	all.Outputs, all.Blocks = nil, nil
	w := &watched{nodes: nodes}
	var names []string
	for _, id := range nodes {
		name := strconv.Itoa(int(id))
		all.Outputs = append(all.Outputs, graph.Output{Name: name, ID: id})
		names = append(names, name)
		w.results = append(w.results, engine.Result{Name: name, To: &tensor.Tensor{}})
	}
	var err error
	w.program, err = engine.Compile(&all, v, engine.Options{Threads: threads, MaxConcurrent: 1, Outputs: names, Quantization: q})
	return w, err
}

// run computes the results of a batch, which are valid until the next.
func (w *watched) run(ctx context.Context, x *tensor.Tensor) error {
	for _, r := range w.results {
		shape, err := w.program.OutputShape(r.Name, x.Shape)
		if err != nil {
			return err
		}
		if r.To.Shape = shape; cap(r.To.Data) < shape.Len() {
			r.To.Data = make([]float32, shape.Len())
		}
		r.To.Data = r.To.Data[:shape.Len()]
	}
	return w.program.RunTo(ctx, x, w.results...)
}

// observed is what calibration sees of a node.
type observed struct {
	h     *histogram
	means []float64 // of each channel over images and positions
	n     int64
}

// observe runs the network on all images of a loader and counts the values of
// nodes; the means are over the first images.
func observe(ctx context.Context, g *graph.Graph, v graph.Values[float32], loader *data.Loader, nodes []graph.ID, first, threads int, progress func(int)) (map[graph.ID]*observed, error) {
	w, err := watch(g, v, nil, nodes, threads)
	if err != nil {
		return nil, err
	}
	defer w.program.Close()
	seen := make([]*observed, len(nodes))
	for i := range seen {
		seen[i] = &observed{h: newHistogram()}
	}
	done := 0
	for batch, err := range loader.Epoch(ctx, 0, 0) {
		if err != nil {
			return nil, err
		}
		if err := w.run(ctx, &batch.Images); err != nil {
			return nil, err
		}
		n := batch.Images.Shape.N
		each(len(nodes), threads, func(i int) { seen[i].add(w.results[i].To, min(max(first-done, 0), n)) })
		done += n
		progress(done)
	}
	of := make(map[graph.ID]*observed, len(nodes))
	for i, id := range nodes {
		if !seen[i].h.finite {
			return nil, fmt.Errorf("the result of %s is not a finite number: are the weights damaged?", g.Nodes[id].Name)
		}
		of[id] = seen[i]
	}
	return of, nil
}

// add counts the values of a batch, and the channels of some of its images.
func (o *observed) add(x *tensor.Tensor, images int) {
	o.h.add(x.Data)
	c := x.Shape.C
	if o.means == nil {
		o.means = make([]float64, c)
	}
	part := x.Data[:images*x.Shape.H*x.Shape.W*c]
	for len(part) > 0 {
		for i, v := range part[:c] {
			o.means[i] += float64(v)
		}
		part = part[c:]
		o.n++
	}
}

// mean returns the mean of each channel.
func (o *observed) mean() []float64 {
	out := make([]float64, len(o.means))
	for i, s := range o.means {
		out[i] = s / float64(max(o.n, 1))
	}
	return out
}

// each calls f with 0 to n-1, on some goroutines.
func each(n, threads int, f func(i int)) {
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	next := make(chan int)
	var all sync.WaitGroup
	for range min(threads, n) {
		all.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}
