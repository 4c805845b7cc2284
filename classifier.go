package mixnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"sync"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
)

// Classifier is a network with weights, ready to name what is in pictures. It
// is safe for concurrent use.
type Classifier struct {
	header   model.Header
	program  *engine.Program
	limits   limits
	mirror   bool
	features int       // of an image; 0 if the network has none
	workers  sync.Pool // of *worker

	explainer *explain.Explainer
	why       error // there is none
}

// worker is what one call needs besides the network.
type worker struct {
	processor *vision.Processor
	image     vision.Image
	logits    []float32
}

// Prediction is a class with its probability.
type Prediction struct {
	Class       int     `json:"class"` // index of the logit
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
}

// ErrNotFinite is wrapped by the error of a call whose result is no number:
// the weights are damaged, or far from any that were trained.
var ErrNotFinite = errors.New("the network's result is not a number: are its weights damaged?")

// compile makes a classifier of a graph and its parameters.
func compile(h model.Header, g *graph.Graph, source engine.Source, q *graph.Quantization, o Options) (*Classifier, error) {
	in := h.Preprocess()
	if _, err := vision.NewProcessor(in); err != nil {
		return nil, err
	}
	if finds(h) {
		return nil, fmt.Errorf("%s finds objects and cannot classify: open it as a Detector", h.Network)
	}
	c := &Classifier{header: h, limits: newLimits(o), mirror: o.Mirror, why: errNoMaps}
	var head *explain.Head
	if o.Maps {
		var extended *graph.Graph
		if extended, head, c.why = explain.Extend(g, source); c.why == nil {
			g = extended
		} else if !errors.Is(c.why, explain.ErrNotLinear) {
			return nil, c.why
		}
	}
	program, err := engine.CompileFrom(g, source, engine.Options{Threads: o.Threads, MaxConcurrent: o.MaxConcurrent, Mean: in.Mean, Std: in.Std, Quantization: q, Precision: o.Precision})
	if err != nil {
		return nil, err
	}
	c.program = program
	if head != nil {
		c.explainer = explain.On(program, head)
	}
	if f, ok := program.Graph().Find(graph.Features); ok {
		c.features = f.Channels
	}
	c.workers.New = func() any {
		p, _ := vision.NewProcessor(in) // checked above
		p.Decoder.MaxPixels = c.limits.pixels
		return &worker{processor: p, logits: make([]float32, program.Graph().Classes())}
	}
	return c, nil
}

// Header returns what is known of the model besides its parameters.
func (c *Classifier) Header() model.Header { return c.header }

// Precision returns "int8" for a quantized network, else "float32" or "bf16".
func (c *Classifier) Precision() string { return precision(c.program) }

func precision(p *engine.Program) string {
	if p.Quantized() {
		return "int8"
	}
	return p.Precision().String()
}

// Classes returns the names of the classes, in the order of the logits.
func (c *Classifier) Classes() []string { return slices.Clone(c.header.Classes) }

// Program returns the compiled network, for inputs and results of other kinds.
func (c *Classifier) Program() *engine.Program { return c.program }

var errNoMaps = errors.New("the classifier was made without Options.Maps")

// Close ends the classifier's threads. It is optional: what is no longer used
// is cleaned up. No call may be running.
func (c *Classifier) Close() error {
	c.program.Close()
	return nil
}

// Classify returns the k most probable classes of an image, the most probable
// first; all of them if k is 0 or less.
func (c *Classifier) Classify(ctx context.Context, img image.Image, k int) ([]Prediction, error) {
	return c.classify(ctx, Image(img), k)
}

// ClassifyFile is Classify of the picture in a file: JPEG, PNG, WebP, BMP or
// GIF, whatever its name. It is turned upright as the file says.
func (c *Classifier) ClassifyFile(ctx context.Context, path string, k int) ([]Prediction, error) {
	return c.classify(ctx, File(path), k)
}

// ClassifyBytes is ClassifyFile of the content of a file.
func (c *Classifier) ClassifyBytes(ctx context.Context, file []byte, k int) ([]Prediction, error) {
	return c.classify(ctx, Bytes(file), k)
}

func (c *Classifier) classify(ctx context.Context, p Picture, k int) ([]Prediction, error) {
	w := c.workers.Get().(*worker)
	defer c.workers.Put(w)
	if err := c.run(ctx, w, logits, w.logits, p); err != nil {
		return nil, err
	}
	return c.top(w.logits, k), nil
}

// Logits returns the network's output for an image, one value a class.
func (c *Classifier) Logits(ctx context.Context, img image.Image) ([]float32, error) {
	return c.values(ctx, logits, Image(img))
}

// LogitsFile is Logits of the picture in a file, as ClassifyFile reads it.
func (c *Classifier) LogitsFile(ctx context.Context, path string) ([]float32, error) {
	return c.values(ctx, logits, File(path))
}

// LogitsBytes is LogitsFile of the content of a file.
func (c *Classifier) LogitsBytes(ctx context.Context, file []byte) ([]float32, error) {
	return c.values(ctx, logits, Bytes(file))
}

// Features returns the pooled features of an image, the input of the
// classifying layer: 1536 values for the MixNets.
func (c *Classifier) Features(ctx context.Context, img image.Image) ([]float32, error) {
	return c.values(ctx, features, Image(img))
}

// FeaturesFile is Features of the picture in a file, as ClassifyFile reads it.
func (c *Classifier) FeaturesFile(ctx context.Context, path string) ([]float32, error) {
	return c.values(ctx, features, File(path))
}

// FeaturesBytes is FeaturesFile of the content of a file.
func (c *Classifier) FeaturesBytes(ctx context.Context, file []byte) ([]float32, error) {
	return c.values(ctx, features, Bytes(file))
}

// output is one of the network's results.
type output int

const (
	logits output = iota
	features
)

// width returns the number of values of a result for one image.
func (c *Classifier) width(o output) (int, error) {
	if o == logits {
		return c.program.Graph().Classes(), nil
	}
	if c.features == 0 {
		return 0, fmt.Errorf("%s has no features", c.header.Network)
	}
	return c.features, nil
}

// values returns a result of the network for a picture.
func (c *Classifier) values(ctx context.Context, o output, p Picture) ([]float32, error) {
	n, err := c.width(o)
	if err != nil {
		return nil, err
	}
	w := c.workers.Get().(*worker)
	defer c.workers.Put(w)
	dst := make([]float32, n)
	if err := c.run(ctx, w, o, dst, p); err != nil {
		return nil, err
	}
	return dst, nil
}

// run computes a result for a picture.
func (c *Classifier) run(ctx context.Context, w *worker, o output, dst []float32, p Picture) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.prepare(ctx, w, &w.image, p); err != nil {
		return err
	}
	if err := c.compute(ctx, o, dst, w.image.Pix, 1); err != nil {
		return err
	}
	return checkFinite(dst)
}

// compute runs the network on n prepared pictures, one after the other in
// pixels.
func (c *Classifier) compute(ctx context.Context, o output, dst []float32, pixels []byte, n int) error {
	x := inputs(c.header.Preprocess(), n)
	if o == features {
		y := tensor.Tensor{Shape: tensor.Shape{N: n, H: 1, W: 1, C: len(dst) / n}, Data: dst}
		return c.program.FeaturesBytes(ctx, &y, pixels, x)
	}
	return both(c.mirror, dst, pixels, x, func(y *tensor.Tensor, pixels []byte) error {
		return c.program.RunBytes(ctx, y, pixels, x)
	})
}

// checkFinite returns an error for a result that is no number.
func checkFinite(values []float32) error {
	var a, b, c, d float32 // four, so that no addition waits for the one before
	for ; len(values) >= 4; values = values[4:] {
		a, b, c, d = a+values[0]*0, b+values[1]*0, c+values[2]*0, d+values[3]*0
	}
	for _, v := range values {
		a += v * 0
	}
	if a+b+c+d != 0 { // NaN: of infinity too
		return ErrNotFinite
	}
	return nil
}

// top returns the k largest of the softmax of the logits.
func (c *Classifier) top(logits []float32, k int) []Prediction {
	if k <= 0 || k > len(logits) {
		k = len(logits)
	}
	largest := float64(slices.Max(logits))
	all := make([]Prediction, len(logits))
	sum := 0.0
	for i, v := range logits {
		p := math.Exp(float64(v) - largest)
		all[i] = Prediction{Class: i, Probability: p}
		sum += p
	}
	slices.SortStableFunc(all, func(a, b Prediction) int { return cmp.Compare(b.Probability, a.Probability) })
	all = all[:k:k]
	for i := range all {
		all[i].Probability /= sum
		all[i].Label = c.header.Label(all[i].Class)
	}
	return all
}
