package model

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/zoo"
)

// NoteAssumed is the note about what a file does not say and was assumed of it.
const NoteAssumed = "assumed"

// isONNX reports whether a file may be an ONNX file.
func isONNX(r io.ReaderAt) bool {
	head := make([]byte, 16)
	n, err := r.ReadAt(head, 0)
	return (err == nil || err == io.EOF) && onnx.Looks(head[:n])
}

// isONNXFile reports whether a path is of an ONNX file. Files that cannot be
// read are left to the error of opening them.
func isONNXFile(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return isONNX(f)
}

// openONNX reads a model from an ONNX file and those beside it that it names.
func openONNX(path string, o Options) (*Stored, error) {
	n, err := onnx.OpenFile(path, sizeOf(o.Network))
	if err != nil {
		return nil, err
	}
	s, err := fromONNX(n, path, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// sizeOf says which images a network takes, for files that leave it open.
func sizeOf(spec zoo.Spec) onnx.ReadOptions {
	if spec == nil {
		return onnx.ReadOptions{}
	}
	size := spec.About().Input.WithDefaults().Size
	return onnx.ReadOptions{Height: size[0], Width: size[1]}
}

// fromONNX makes a model of an imported network from a file of some name: the network of the zoo that it
// is, with batch norms where they were, or if it is none the graph itself.
func fromONNX(n *onnx.Network, path string, o Options) (*Stored, error) {
	h, own, err := parseHeader(n.Metadata)
	if err != nil {
		return nil, fmt.Errorf("model header: %w", err)
	}
	given := o.Network != nil
	if n.Quantization != nil {
		if given || o.NewHead {
			return nil, errors.New("a quantized ONNX file is run as it is: it is no network of the zoo, and not trained")
		}
		return asItIs(h, n, own), nil
	}
	switch {
	case given:
		named := of(o.Network)
		if own = own && h.Network == named.Network; !own {
			h = named
		}
		h.spec, h.Table = named.spec, named.Table
	case own:
		h.spec, err = h.Spec()
	default:
		h.spec, err = recognize(n, path)
		if err == nil {
			h = of(h.spec)
		}
	}
	if err == nil {
		var s *Stored
		if s, err = onSpec(h, n, own, o.Seed); err == nil {
			return s, nil
		}
	}
	var several *NetworkError
	switch {
	case given || own && !errors.Is(err, zoo.ErrUnknown):
		return nil, fmt.Errorf("the graph is not that of %s: %w", h.Network, err)
	case errors.As(err, &several) && len(several.Candidates) > 1:
		return nil, err
	}
	if o.NewHead {
		return nil, fmt.Errorf("the graph is none of the zoo's, so it is run as it is but not trained: %w", err)
	}
	return asItIs(h, n, own), nil
}

// onSpec puts an imported network onto that of a header.
func onSpec(h Header, n *onnx.Network, own bool, seed uint64) (*Stored, error) {
	if !own {
		h.Options.Classes = n.Graph.Classes()
		if c := n.Graph.Channels(); c != h.spec.About().Input.WithDefaults().Channels {
			h.Options.Channels = c
		}
	}
	m, err := build(h)
	if err != nil {
		return nil, err
	}
	if m.Values, err = unfold(m.Graph, n, seed); err != nil {
		return nil, err
	}
	if !own {
		m.Input.Size = [2]int{n.Height, n.Width}
		m.Notes = assumed(n, "preprocessing of "+m.Network)
	}
	return &Stored{Header: m.Header, Graph: m.Graph, source: inMemory(m.Values)}, nil
}

// asItIs is a model of a graph that no table describes.
func asItIs(h Header, n *onnx.Network, own bool) *Stored {
	if !own {
		h = Header{Network: n.Graph.Name, Options: zoo.Options{Classes: n.Graph.Classes()}}
		h.Input = input.Preprocess{Size: [2]int{n.Height, n.Width}, Channels: n.Graph.Channels()}.WithDefaults()
		h.Notes = assumed(n, "ImageNet's mean and standard deviation, bicubic scaling and a central crop of 0.875")
	}
	h.spec = importedGraph{zoo.Info{Name: h.Network, Title: h.Network, Family: "onnx", Classes: n.Graph.Classes(), Input: h.Input}, n.Graph}
	return &Stored{Header: h, Graph: n.Graph, Quantization: n.Quantization, source: inMemory(n.Values)}
}

func assumed(n *onnx.Network, preprocessing string) map[string]string {
	text := "the ONNX file does not say how pictures are prepared: " + preprocessing
	for _, note := range n.Notes {
		text += "; " + note
	}
	return map[string]string{NoteAssumed: text}
}

// recognize finds the network of the zoo that an imported graph is: the only
// one, or of several that compute the same that which the file is named after.
func recognize(n *onnx.Network, path string) (zoo.Spec, error) {
	var found []zoo.Spec
	for _, spec := range zoo.List() {
		if n.Graph.Channels() != spec.About().Input.WithDefaults().Channels || n.Graph.Classes() == 0 {
			continue
		}
		g, err := spec.Build(zoo.Options{Classes: n.Graph.Classes()})
		if err != nil {
			return nil, err
		}
		if _, err := unfold(g, n, 0); err == nil {
			found = append(found, spec)
		}
	}
	if found = distinct(found); len(found) == 1 {
		return found[0], nil
	}
	var names []string
	for _, spec := range found {
		name := spec.About().Name
		if strings.HasPrefix(filepath.Base(path), name+".") {
			return spec, nil
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, &NetworkError{nil, "no network of the zoo computes what the ONNX file does"}
	}
	return nil, &NetworkError{names, "it may be any of " + strings.Join(names, ", ")}
}

// importedGraph is a network that was imported and that no table describes. It
// cannot be built otherwise than it is.
type importedGraph struct {
	zoo.Info
	g *graph.Graph
}

// Build returns the graph.
func (s importedGraph) Build(o zoo.Options) (*graph.Graph, error) {
	if o.Classes != 0 && o.Classes != s.g.Classes() || o.Channels != 0 && o.Channels != s.g.Channels() {
		return nil, fmt.Errorf("network %s: a graph from an ONNX file has its %d classes and %d channels", s.Name, s.g.Classes(), s.g.Channels())
	}
	return s.g, nil
}
