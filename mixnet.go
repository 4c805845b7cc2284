// Package mixnet classifies images with networks built on mixed depthwise
// convolution (MixConv), in pure Go on the CPU.
//
// Open loads a network with its weights, by file or by name. Classify names
// what is in an image:
//
//	m, err := mixnet.Open(ctx, "mixnet_s.ft_in1k", mixnet.Options{})
//	...
//	found, err := m.Classify(ctx, img, 5)
//
// Features returns the pooled features under the classifier, for search or a
// classifier of one's own. FineTune trains a network further on a folder of
// images. The packages below are the parts: graph describes networks, zoo
// lists them, engine runs them, train trains them, vision prepares images,
// data reads sets of them and weights reads and writes weight files.
package mixnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/weights/hub"
	"github.com/mixnet-go/mixnet/zoo"
)

// Options adjusts Open. The zero value is a good choice.
type Options struct {
	// Network says what a weight file without a description holds, such as
	// "mixnet_s". By default it is found out from the file.
	Network string
	// Threads is how many threads work on one image. 0 means all cores.
	Threads int
	// MaxConcurrent is how many calls run at once, each with memory of its
	// own; further ones wait. 0 means as many as cores.
	MaxConcurrent int
	// Hub says where published weights are fetched from and kept.
	Hub hub.Client
}

// Model is a network with weights, ready to use. It is safe for concurrent use.
type Model struct {
	header  model.Header
	program *engine.Program
	workers sync.Pool // of *worker
}

// worker is what one call needs besides the network.
type worker struct {
	processor *vision.Processor
	image     vision.Image
	logits    tensor.Tensor
}

// Prediction is a class with its probability.
type Prediction struct {
	Class       int     `json:"class"` // index of the logit
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
}

// ErrNoWeights is wrapped by the error of Open for a network without published
// weights.
var ErrNoWeights = errors.New("no weights are published")

// Open loads a model. The name is that of a weight file (of this package, or
// timm's and torchvision's .safetensors and .pth), or of published weights
// such as "mixnet_s.ft_in1k", which are fetched once and kept; a network's
// plain name means the first of its published weights.
func Open(ctx context.Context, name string, o Options) (*Model, error) {
	path, network, err := locate(ctx, name, o)
	if err != nil {
		return nil, err
	}
	s, err := model.OpenStored(path, network)
	if err != nil {
		return nil, err
	}
	m, err := compile(s.Header, o, func(eo engine.Options) (*engine.Program, error) {
		return engine.CompileFrom(s.Graph, s, eo)
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return m, s.Close()
}

// Load reads the model that Open would, without making it ready to run: to
// change it, save it or train it further.
func Load(ctx context.Context, name string, o Options) (*model.Model, error) {
	path, network, err := locate(ctx, name, o)
	if err != nil {
		return nil, err
	}
	return model.Open(path, network)
}

// locate returns the weight file of a name, fetched if need be, and the
// network in it, or "" to find that out.
func locate(ctx context.Context, name string, o Options) (path, network string, err error) {
	if _, err := os.Stat(name); err == nil {
		return name, o.Network, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	spec, err := zoo.Lookup(name)
	if err != nil {
		return "", "", fmt.Errorf("%s is no file, and: %w", name, err)
	}
	published, err := publishedName(spec, name)
	if err != nil {
		return "", "", err
	}
	path, err = o.Hub.Get(ctx, published)
	return path, published, err
}

// publishedName returns the name with the tag of published weights.
func publishedName(spec zoo.Spec, name string) (string, error) {
	info := spec.About()
	for _, w := range info.Weights {
		if full := info.Name + "." + w.Tag; full == name || info.Name == name {
			return full, nil
		}
	}
	return "", fmt.Errorf("%s: %w: give a weight file, or train one with \"mixnet train --model %s\"", name, ErrNoWeights, name)
}

// New makes a model ready to run. It keeps no reference to its parameters.
func New(m *model.Model, o Options) (*Model, error) {
	return compile(m.Header, o, func(eo engine.Options) (*engine.Program, error) {
		return engine.Compile(m.Graph, m.Values, eo)
	})
}

// compile makes a model of the program that build returns.
func compile(h model.Header, o Options, build func(engine.Options) (*engine.Program, error)) (*Model, error) {
	in := h.Preprocess()
	if _, err := vision.NewProcessor(in); err != nil {
		return nil, err
	}
	program, err := build(engine.Options{Threads: o.Threads, MaxConcurrent: o.MaxConcurrent, Mean: in.Mean, Std: in.Std})
	if err != nil {
		return nil, err
	}
	out := &Model{header: h, program: program}
	out.workers.New = func() any {
		p, _ := vision.NewProcessor(in) // checked above
		return &worker{
			processor: p,
			logits:    *tensor.New[float32](tensor.Shape{N: 1, H: 1, W: 1, C: program.Graph().Classes()}),
		}
	}
	return out, nil
}

// Header returns what is known of the model besides its parameters.
func (m *Model) Header() model.Header { return m.header }

// Classes returns the names of the classes, in the order of the logits.
func (m *Model) Classes() []string { return slices.Clone(m.header.Classes) }

// Program returns the compiled network, for batches and for results in between.
func (m *Model) Program() *engine.Program { return m.program }

// Close frees the model's threads. It is optional; no call may be running.
func (m *Model) Close() { m.program.Close() }

// Classify returns the k most probable classes of an image, the most probable
// first. All of them if k is 0 or less.
func (m *Model) Classify(ctx context.Context, img image.Image, k int) ([]Prediction, error) {
	pic, err := m.picture(img)
	if err != nil {
		return nil, err
	}
	return m.classify(ctx, pic, k)
}

// ClassifyFile is Classify for the content of an image file: JPEG, PNG, WebP,
// BMP or GIF. The orientation stored in the file is honoured.
func (m *Model) ClassifyFile(ctx context.Context, file []byte, k int) ([]Prediction, error) {
	return m.classify(ctx, vision.Picture{File: file}, k)
}

func (m *Model) classify(ctx context.Context, pic vision.Picture, k int) ([]Prediction, error) {
	w := m.workers.Get().(*worker)
	defer m.workers.Put(w)
	if err := m.run(ctx, w, pic); err != nil {
		return nil, err
	}
	return m.top(w.logits.Data, k), nil
}

// Logits returns the network's output for an image, one value a class.
func (m *Model) Logits(ctx context.Context, img image.Image) ([]float32, error) {
	pic, err := m.picture(img)
	if err != nil {
		return nil, err
	}
	w := m.workers.Get().(*worker)
	defer m.workers.Put(w)
	if err := m.run(ctx, w, pic); err != nil {
		return nil, err
	}
	return slices.Clone(w.logits.Data), nil
}

// run computes the logits of a picture into w.
func (m *Model) run(ctx context.Context, w *worker, pic vision.Picture) error {
	if _, err := w.processor.Fit(&w.image, pic); err != nil {
		return err
	}
	shape := tensor.Shape{N: 1, H: w.image.H, W: w.image.W, C: w.image.C}
	return m.program.RunBytes(ctx, &w.logits, w.image.Pix, shape)
}

// Features returns the pooled features of an image, the input of the
// classifier: 1536 values for the MixNets.
func (m *Model) Features(ctx context.Context, img image.Image) ([]float32, error) {
	pic, err := m.picture(img)
	if err != nil {
		return nil, err
	}
	w := m.workers.Get().(*worker)
	defer m.workers.Put(w)
	p := w.processor.Preprocess()
	x := tensor.New[float32](tensor.Shape{N: 1, H: p.Size[0], W: p.Size[1], C: p.Channels})
	if _, err := w.processor.FitTo(x.Data, pic); err != nil {
		return nil, err
	}
	out, err := m.program.Outputs(ctx, x, graph.Features)
	if err != nil {
		return nil, err
	}
	return out[0].Data, nil
}

func (m *Model) picture(img image.Image) (vision.Picture, error) {
	pixels, err := vision.FromImage(img, m.header.Preprocess().Channels)
	return vision.Picture{Pixels: pixels}, err
}

// top returns the k largest of the softmax of the logits.
func (m *Model) top(logits []float32, k int) []Prediction {
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
		all[i].Label = m.header.Label(all[i].Class)
	}
	return all
}
