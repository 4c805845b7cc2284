package mixnet

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/zoo"
)

// Detector is a network with weights, ready to find objects in pictures. It is
// safe for concurrent use.
//
//	d, err := mixnet.OpenDetector(ctx, "person.safetensors", mixnet.OpenOptions{})
//	...
//	found, err := d.DetectFile(ctx, "photo.jpg", mixnet.DetectOptions{})
type Detector struct {
	header  model.Header
	program *engine.Program
	limits  limits
	input   input.Preprocess
	names   []string // of the classes
	style   detect.Style
	anchors []detect.Anchor
	workers sync.Pool // of *finder
}

// finder is what one call needs besides the network.
type finder struct {
	processor *vision.Processor
	pixels    vision.Image // a picture that is no file
	image     vision.Image // the network's input
	heads     *zoo.Heads
	results   []engine.Result
	post      detect.Post
	classes   []string // that are wanted
	detector  *detect.Detector
}

// DetectOptions say which of the boxes that a network proposes are objects.
type DetectOptions struct {
	// Score is the least score of an object; 0 means 0.5. A negative one asks
	// for all that the framework of the weights evaluates.
	Score float64
	// IoU suppresses an object that overlaps a better one of its class by more
	// than this part of what both cover; 0 means what the framework of the
	// weights does, 0.6 for TensorFlow's.
	IoU float64
	// Max is the largest number of objects in a picture; 0 means MaxObjects.
	Max int
	// Classes are the only labels that are wanted; none means all.
	Classes []string
	// Agnostic lets a better box suppress one of another class.
	Agnostic bool
}

// DefaultScore is the least score of an object where nothing is said.
const DefaultScore = 0.5

// MaxObjects is the largest number of objects in a picture where nothing is
// said.
const MaxObjects = 100

// Found is what a picture shows.
type Found struct {
	// Width and Height are the size of the stored picture, and Orientation how
	// it must be turned to be upright, as EXIF counts. The boxes are places in
	// the stored one.
	Width       int                `json:"width"`
	Height      int                `json:"height"`
	Orientation vision.Orientation `json:"orientation"`
	Objects     []Object           `json:"boxes"` // the surest first
}

// Object is something that a picture shows.
type Object struct {
	Label string  `json:"label"`
	Class int     `json:"id"` // counted from 0
	Score float64 `json:"score"`
	// The box reaches from (X1, Y1) to (X2, Y2), in pixels of the stored
	// picture from its left top corner.
	X1 float64 `json:"x1"`
	Y1 float64 `json:"y1"`
	X2 float64 `json:"x2"`
	Y2 float64 `json:"y2"`
}

// Box returns the object's place.
func (o Object) Box() vision.Box { return vision.Box{X0: o.X1, Y0: o.Y1, X1: o.X2, Y1: o.Y2} }

// OpenDetector makes a detector of the model with a name, as Open finds it.
func OpenDetector(ctx context.Context, name string, o OpenOptions) (*Detector, error) {
	return opened(ctx, name, o, NewDetector, detectorOfStored)
}

// detectorOfStored makes a detector of a model whose parameters are in a file.
func detectorOfStored(s *model.Stored, o Options) (*Detector, error) {
	return newDetector(s.Header, s.Graph, o, func(eo engine.Options) (*engine.Program, error) {
		eo.Quantization = s.Quantization
		return engine.CompileFrom(s.Graph, s, eo)
	})
}

// NewDetector makes a detector of a model. It keeps no reference to the model's
// parameters.
func NewDetector(m *model.Model, o Options) (*Detector, error) {
	return newDetector(m.Header, m.Graph, o, func(eo engine.Options) (*engine.Program, error) {
		eo.Quantization = m.Quantization
		return engine.Compile(m.Graph, m.Values, eo)
	})
}

func newDetector(h model.Header, g *graph.Graph, o Options, build func(engine.Options) (*engine.Program, error)) (*Detector, error) {
	spec, err := h.Spec()
	if err != nil {
		return nil, err
	}
	anchors, ok := zoo.Finds(spec)
	if !ok {
		return nil, fmt.Errorf("%s classifies and finds no objects: open it as a Classifier", h.Network)
	}
	in := h.Preprocess()
	if _, err := vision.NewProcessor(in); err != nil {
		return nil, err
	}
	heads, err := zoo.NewHeads(g, inputs(in, 1))
	if err != nil {
		return nil, err
	}
	d := &Detector{header: h, limits: newLimits(o), input: in, style: anchors.Style, anchors: anchors.On(heads.Maps)}
	for i := range h.Options.Classes {
		d.names = append(d.names, h.Label(i))
	}
	if d.program, err = build(engine.Options{Threads: o.Threads, MaxConcurrent: o.MaxConcurrent, Mean: in.Mean, Std: in.Std, Precision: o.Precision}); err != nil {
		return nil, err
	}
	d.workers.New = func() any { return d.newFinder() }
	return d, nil
}

// newFinder makes the memory of a call, of what newDetector has made once.
func (d *Detector) newFinder() *finder {
	p, _ := vision.NewProcessor(d.input)
	p.Decoder.MaxPixels = d.limits.pixels
	f := &finder{processor: p}
	f.heads, _ = zoo.NewHeads(d.program.Graph(), inputs(d.input, 1))
	for i, name := range f.heads.Names {
		f.results = append(f.results, engine.Result{Name: name, To: f.heads.Tensors[i]})
	}
	return f
}

// Header returns what is known of the model besides its parameters.
func (d *Detector) Header() model.Header { return d.header }

// Precision returns "int8" for a quantized network, else "float32" or "bf16".
func (d *Detector) Precision() string { return precision(d.program) }

// Classes returns the names of the classes; they have numbers from 0.
func (d *Detector) Classes() []string { return slices.Clone(d.names) }

// Program returns the compiled network, for inputs and results of other kinds.
func (d *Detector) Program() *engine.Program { return d.program }

// Close ends the detector's threads. It is optional. No call may be running.
func (d *Detector) Close() error {
	d.program.Close()
	return nil
}
