// Package model joins a network's description, its parameters, its class names
// and its preprocessing: all that a weight file must hold to be of use.
package model

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/imagenet"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// Model is a network with its parameters.
type Model struct {
	Header
	Graph  *graph.Graph
	Values graph.Values[float32]
}

// ErrNetwork is wrapped by errors about a weight file whose network is not
// known.
var ErrNetwork = errors.New("which network the weights belong to is not known")

// New builds a network of the zoo and initialises its parameters from a seed.
func New(spec zoo.Spec, o zoo.Options, classes []string, seed uint64) (*Model, error) {
	if len(classes) > 0 {
		o.Classes = len(classes)
	}
	m, err := build(spec, Header{Options: o, Classes: classes})
	if err != nil {
		return nil, err
	}
	m.Values = graph.NewValues[float32](m.Graph)
	m.Graph.Initialize(m.Values, seed)
	return m, nil
}

// build makes the graph of a network and completes its header.
func build(spec zoo.Spec, h Header) (*Model, error) {
	info, err := zoo.Adapt(spec, h.Options)
	if err != nil {
		return nil, err
	}
	h.Network = info.Name
	h.Options.Classes = info.Classes
	if table, ok := spec.(zoo.Network); ok {
		if known, err := zoo.Lookup(info.Name); err != nil || !reflect.DeepEqual(known, spec) {
			h.Table = &table
		}
	}
	if h.Input.Size == [2]int{} {
		h.Input = info.Input
	}
	h.Input = h.Input.WithDefaults()
	if len(h.Classes) == 0 && info.Classes == len(imagenet.Names()) {
		h.Classes = imagenet.Names()
	}
	g, err := spec.Build(h.Options)
	if err != nil {
		return nil, err
	}
	if err := fits(g, h); err != nil {
		return nil, err
	}
	return &Model{Header: h, Graph: g}, nil
}

func fits(g *graph.Graph, h Header) error {
	if g.Channels() != h.Input.Channels {
		return fmt.Errorf("network %s takes %d channels, its preprocessing makes %d", h.Network, g.Channels(), h.Input.Channels)
	}
	if n := g.Classes(); len(h.Classes) > 0 && len(h.Classes) != n {
		return fmt.Errorf("network %s has %d classes, %d names are given", h.Network, n, len(h.Classes))
	}
	return nil
}

// Open reads a model from a weight file: one with a Header, or one of another
// program. For the latter, network says what it is, or "" to find out from the
// file's name and the names and shapes of its tensors.
func Open(path, network string) (*Model, error) {
	s, err := OpenStored(path, network)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Load()
}

// FromFile is Open for a file that is already open.
func FromFile(f *weights.File, network string) (*Model, error) {
	s, err := NewStored(f, network)
	if err != nil {
		return nil, err
	}
	return s.Load()
}

// classes returns the number of classes that the weights in a file are for; 0,
// the network's own number, if that cannot be told.
func classes(f *weights.File, spec zoo.Spec) int {
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		return 0
	}
	r, _ := weights.Check(g, f, weights.Options{ReplaceHead: true})
	return r.Classes
}

// infer finds the network of a file without a header: the one that the file is
// named after, or the only one with the same tensors.
func infer(f *weights.File) (zoo.Spec, error) {
	base := filepath.Base(f.Path())
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	for _, name := range []string{stem, strings.SplitN(base, ".", 2)[0], strings.SplitN(stem, "-", 2)[0]} { // torchvision's end in -HASH
		if spec, err := zoo.Lookup(name); err == nil {
			if _, ok := holds(f, spec); ok {
				return spec, nil
			}
		}
	}
	var found, renamed []zoo.Spec
	for _, spec := range zoo.List() {
		switch own, ok := holds(f, spec); {
		case ok && own:
			found = append(found, spec)
		case ok:
			renamed = append(renamed, spec)
		}
	}
	if len(found) == 0 {
		found = renamed
	}
	found = distinct(found)
	// TensorFlow's flavour of a network has the same tensors: take it only if
	// the file's name says so.
	if len(found) > 1 {
		tf := strings.HasPrefix(base, "tf_")
		found = slices.DeleteFunc(found, func(s zoo.Spec) bool {
			return strings.HasPrefix(s.About().Name, "tf_") != tf
		})
	}
	var names []string
	for _, spec := range found {
		names = append(names, spec.About().Name)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("%w: no network of the zoo has its %d tensors; name one with --network", ErrNetwork, len(f.Names()))
	default:
		return nil, fmt.Errorf("%w: it may be any of %s; name one with --network", ErrNetwork, strings.Join(names, ", "))
	}
}

// distinct drops the networks that are an earlier one under another name, as
// the narrowest ShuffleNetV2 of torchvision and of its authors are.
func distinct(specs []zoo.Spec) []zoo.Spec {
	var kept []zoo.Spec
	var graphs []*graph.Graph
	for _, spec := range specs {
		g, err := spec.Build(zoo.Options{})
		if err != nil {
			continue
		}
		g.Name = ""
		if !slices.ContainsFunc(graphs, func(o *graph.Graph) bool { return reflect.DeepEqual(o, g) }) {
			kept, graphs = append(kept, spec), append(graphs, g)
		}
	}
	return kept
}

// holds reports whether a file has every tensor of a network, the classifier
// with any number of classes, and whether under the network's own names.
func holds(f *weights.File, spec zoo.Spec) (own, ok bool) {
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		return false, false
	}
	r, err := weights.Check(g, f, weights.Options{ReplaceHead: true})
	return r.Names == weights.OwnNames, err == nil
}

// Save writes the model to a safetensors file that describes itself, without
// the auxiliary classifiers that only training uses.
func (m *Model) Save(path string) error {
	m, err := m.withoutAux()
	if err != nil {
		return err
	}
	meta, err := m.Meta()
	if err != nil {
		return err
	}
	return weights.Save(path, m.Graph, m.Values, meta)
}

// withoutAux returns the model without auxiliary classifiers. It shares the
// values of the other parameters.
func (m *Model) withoutAux() (*Model, error) {
	if !m.Options.Aux {
		return m, nil
	}
	spec, err := m.Spec()
	if err != nil {
		return nil, err
	}
	h := m.Header
	h.Options.Aux = false
	out, err := build(spec, h)
	if err != nil {
		return nil, err
	}
	index := m.Graph.ParamIndex()
	out.Values = make(graph.Values[float32], len(out.Graph.Params))
	for i, p := range out.Graph.Params {
		out.Values[i] = m.Values[index[p.Name]]
	}
	return out, nil
}

// Label returns the name of a class, or its number where it has no name.
func (h Header) Label(class int) string {
	if class < len(h.Classes) {
		return h.Classes[class]
	}
	return fmt.Sprintf("class %d", class)
}

// Preprocess returns how an image becomes the network's input.
func (h Header) Preprocess() input.Preprocess { return h.Input.WithDefaults() }
