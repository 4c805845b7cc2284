package command

import (
	"cmp"
	"errors"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// measured is a program to measure, what its network is called (nil if that is
// in an ONNX file), and the input it is made for.
type measured struct {
	*engine.Program
	spec  zoo.Spec
	input input.Preprocess
}

// program compiles the network with parameters read or made one at a time, so
// that the memory measured is the program's.
func (c *benchNetwork) program(o engine.Options) (*measured, error) {
	file, as := c.Weights, model.Options{}
	m, err := linked(cmp.Or(c.Weights, c.Name))
	switch {
	case err != nil:
		return nil, err
	case m != nil:
		return compiled(m, o)
	case namesModel(c.Name) && c.Weights == "":
		file = c.Name
	case c.Weights == "":
		return randomProgram(c.Name, o)
	default:
		spec, err := netfile.Lookup(c.Name)
		if err != nil {
			return nil, err
		}
		as.Network = spec
	}
	s, err := model.OpenStored(file, as)
	if err != nil {
		return nil, err
	}
	o.Quantization = s.Quantization
	p, err := engine.CompileFrom(s.Graph, s, o)
	spec, _ := s.Spec()
	return &measured{p, spec, s.Preprocess()}, errors.Join(err, s.Close())
}

// compiled is the program of a model.
func compiled(m *model.Model, o engine.Options) (*measured, error) {
	spec, err := m.Spec()
	if err != nil {
		return nil, err
	}
	p, err := engine.Compile(m.Graph, m.Values, o)
	return &measured{p, spec, m.Preprocess()}, err
}

// randomProgram compiles a network of the zoo with random parameters.
func randomProgram(name string, o engine.Options) (*measured, error) {
	spec, err := netfile.Lookup(name)
	if err != nil {
		return nil, err
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		return nil, err
	}
	p, err := engine.CompileFrom(g, initial{g}, o)
	return &measured{p, spec, spec.About().Input.WithDefaults()}, err
}

// initial gives parameters their initial values.
type initial struct{ g *graph.Graph }

func (s initial) Values(id graph.ParamID, buf []float32) ([]float32, error) {
	s.g.Params[id].Initialize(buf, 1)
	return buf, nil
}

// precisionOf returns what a program computes in.
func precisionOf(p *engine.Program) string {
	if p.Quantized() {
		return "int8"
	}
	return p.Precision().String()
}

// inPrecision says what is computed in, where it is not float32.
func inPrecision(name string) string {
	if name == "" || name == engine.Float32.String() {
		return ""
	}
	return "  " + name
}
