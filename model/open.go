package model

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// Options says what is known of a weight file besides what it says itself, and
// what becomes of it. The zero value reads a whole model.
type Options struct {
	// Network is the file's, or nil to find out: from its header, from timm's
	// config.json beside it, or from its name and the names and shapes of its
	// tensors.
	Network zoo.Spec
	// NewHead reads a model whose classifier is about to be replaced: the file
	// may have none or other layers in its place. It then starts anew from
	// Seed.
	NewHead bool
	Seed    uint64
	// Beside are the files next to the weight file, of which config.json may
	// describe it. Open and OpenStored use the folder that the file is in.
	Beside fs.FS
}

// Stored is a model whose parameters are still in its weight file. They are
// read one at a time, so that a program can be made of it without a second
// copy of them in memory.
type Stored struct {
	Header
	Graph *graph.Graph
	// Quantization says what is computed with whole numbers of 8 bits; nil where
	// nothing is.
	Quantization *graph.Quantization

	source onnx.Source
	file   io.Closer // nil where nothing is open
}

// Open reads a model from a weight file: one with a Header, or one of another
// program, or an ONNX file. A graph of the latter that is a network of the zoo
// becomes that one; any other is run as it is, but cannot be trained or saved as
// a weight file.
func Open(path string, o Options) (*Model, error) {
	s, err := OpenStored(path, o)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Load()
}

// FromFile is Open for a file that is already open.
func FromFile(f *weights.File, o Options) (*Model, error) {
	s, err := NewStored(f, o)
	if err != nil {
		return nil, err
	}
	return s.Load()
}

// OpenStored is Open without reading the parameters. Close it after use.
func OpenStored(path string, o Options) (*Stored, error) {
	if isONNXFile(path) {
		return openONNX(path, o)
	}
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	if o.Beside == nil {
		o.Beside = folderOf(path)
	}
	s, err := NewStored(f, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// OpenReader is OpenStored for a file of so many bytes that is open already and
// stays so. The name is used in error messages. An ONNX file must hold all its
// tensors itself.
func OpenReader(r io.ReaderAt, size int64, name string, o Options) (*Stored, error) {
	if !isONNX(r) {
		f, err := weights.NewFile(r, size, name)
		if err != nil {
			return nil, err
		}
		return NewStored(f, o)
	}
	n, err := onnx.Read(r, size, sizeOf(o.Network))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s, err := fromONNX(n, name, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// NewStored is OpenStored for a file that is already open; Close closes it.
func NewStored(f *weights.File, o Options) (*Stored, error) {
	h, own, err := ReadHeader(f)
	switch {
	case err != nil:
		return nil, err
	case o.Network != nil:
		given := of(o.Network)
		if own = own && h.Network == given.Network; !own {
			h = given
		}
		h.spec, h.Table = given.spec, given.Table
	case own:
		h.spec, err = h.Spec()
	default:
		h, err = describe(f, o.Beside)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path(), err)
	}
	if h.Options.Classes == 0 {
		h.Options.Classes = classes(f, h.spec)
	}
	described := own || h.Input.Size != [2]int{}
	m, err := build(h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path(), err)
	}
	foreign := zoo.ForeignNames(m.Graph)
	w := loading(foreign)
	w.Exact, w.ReplaceHead, w.Seed = own, o.NewHead, o.Seed
	q, err := parseQuantization(f.Metadata(), m.Graph)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path(), err)
	}
	if q != nil {
		w.Scales = q.Scales
	}
	source, report, err := weights.NewSource(m.Graph, f, w)
	if err != nil {
		return nil, hint(err, m.Header, report)
	}
	for _, n := range foreign {
		if n.Source == report.Names && !described {
			m.Input = n.Prepare(m.Input)
		}
	}
	if o.NewHead && report.Classes == 0 {
		m.Classes = nil // the classifier is not the file's
	}
	return &Stored{Header: m.Header, Graph: m.Graph, Quantization: q, source: source, file: f}, nil
}

// loading returns the options of package weights for a network whose parameters
// other programs name otherwise.
func loading(foreign []zoo.Foreign) (o weights.Options) {
	for _, n := range foreign {
		o.Names = append(o.Names, weights.NameMap{Source: n.Source, Names: n.Names, Add: n.Add, Err: n.Err})
	}
	return o
}

// classes returns the number of classes that the weights in a file are for; 0,
// the network's own number, if that cannot be told.
func classes(f *weights.File, spec zoo.Spec) int {
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		return 0
	}
	n := holds(f, g).Classes
	if anchors, finds := zoo.Finds(spec); finds && n > 0 {
		return n/anchors.PerPlace(g.Levels()-1) - 1
	}
	return n
}

// hint adds to the error about a file that does not fit how to write the name of
// the network that it is for.
func hint(err error, h Header, r *weights.Report) error {
	if r.Channels == 0 || r.Channels == h.Input.Channels {
		return err
	}
	return fmt.Errorf("%w, as %s", err, change(h.Network, r.Channels))
}

// Values reads a parameter into buf, whose length must be the parameter's, and
// returns it. It makes s a source of package engine. The error about values
// that are not finite wraps weights.ErrValue.
func (s *Stored) Values(id graph.ParamID, buf []float32) ([]float32, error) {
	return s.source.Values(id, buf)
}

// Load reads all parameters.
func (s *Stored) Load() (*Model, error) {
	m := &Model{Header: s.Header, Graph: s.Graph, Values: graph.NewValues[float32](s.Graph), Quantization: s.Quantization}
	for i, v := range m.Values {
		got, err := s.Values(graph.ParamID(i), v)
		if err != nil {
			return nil, err
		}
		copy(v, got)
	}
	return m, nil
}

// Close closes the weight file.
func (s *Stored) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
