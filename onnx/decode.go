package onnx

import (
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrFormat is wrapped by every error about a file that is damaged or no ONNX
// file.
var ErrFormat = errors.New("bad ONNX file")

// The limits of what is read. Everything else is bounded by the file's size.
const (
	maxNodes = 100_000
	maxDims  = 16
)

// file is a decoded ModelProto.
type file struct {
	ir        int64
	producer  string
	opset     int64
	functions int
	metadata  map[string]string
	graph     graphProto
}

type graphProto struct {
	name         string
	nodes        []nodeProto
	initializers map[string]*tensorProto
	inputs       []valueInfo
	outputs      []valueInfo
	sparse       bool
}

type nodeProto struct {
	op, name, domain string
	inputs, outputs  []string
	attributes       map[string]attributeProto
}

type attributeProto struct {
	kind   int64
	float  float32
	int    int64
	text   string
	tensor *tensorProto
	floats []float32
	ints   []int64
}

// valueInfo is the name and shape of an input or output; a free dimension is -1.
type valueInfo struct {
	name   string
	kind   int64
	dims   []int64
	shaped bool
}

// decodeModel reads a file's structure. Tensors stay where they are in b.
func decodeModel(b []byte) (*file, error) {
	f := &file{metadata: map[string]string{}}
	graphs := 0
	err := fields(b, func(x field) (err error) {
		switch x.number {
		case 1:
			f.ir = x.int()
		case 2:
			f.producer = x.text()
		case 7:
			graphs++
			f.graph, err = decodeGraph(x.bytes)
		case 8:
			err = f.decodeOpset(x.bytes)
		case 14:
			var key, value string
			err = fields(x.bytes, func(y field) error {
				switch y.number {
				case 1:
					key = y.text()
				case 2:
					value = y.text()
				}
				return nil
			})
			f.metadata[key] = value
		case 25:
			f.functions++
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case f.ir < 1 || f.ir > 1000 || graphs != 1 || f.opset < 1:
		return nil, formatError("IR version %d, %d graphs, operators of version %d", f.ir, graphs, f.opset)
	}
	return f, nil
}

func (f *file) decodeOpset(b []byte) error {
	var domain string
	var version int64
	err := fields(b, func(x field) error {
		switch x.number {
		case 1:
			domain = x.text()
		case 2:
			version = x.int()
		}
		return nil
	})
	if domain == "" || domain == "ai.onnx" {
		f.opset = version
	}
	return err
}

func decodeGraph(b []byte) (graphProto, error) {
	g := graphProto{initializers: map[string]*tensorProto{}}
	err := fields(b, func(x field) error {
		switch x.number {
		case 1:
			n, err := decodeNode(x.bytes)
			if g.nodes = append(g.nodes, n); len(g.nodes) > maxNodes {
				return formatError("more than %d nodes", maxNodes)
			}
			return err
		case 2:
			g.name = x.text()
		case 5:
			t, err := decodeTensor(x.bytes)
			if err == nil {
				g.initializers[t.name] = t
			}
			return err
		case 11, 12:
			v, err := decodeValue(x.bytes)
			if x.number == 11 {
				g.inputs = append(g.inputs, v)
			} else {
				g.outputs = append(g.outputs, v)
			}
			return err
		case 15:
			g.sparse = true
		}
		return nil
	})
	return g, err
}

func decodeNode(b []byte) (nodeProto, error) {
	n := nodeProto{attributes: map[string]attributeProto{}}
	err := fields(b, func(x field) error {
		switch x.number {
		case 1:
			n.inputs = append(n.inputs, x.text())
		case 2:
			n.outputs = append(n.outputs, x.text())
		case 3:
			n.name = x.text()
		case 4:
			n.op = x.text()
		case 5:
			return n.decodeAttribute(x.bytes)
		case 7:
			n.domain = x.text()
		}
		return nil
	})
	return n, err
}

func (n *nodeProto) decodeAttribute(b []byte) error {
	var a attributeProto
	var name string
	err := fields(b, func(x field) (err error) {
		switch x.number {
		case 1:
			name = x.text()
		case 2:
			a.float = x.float()
		case 3:
			a.int = x.int()
		case 4:
			a.text = x.text()
		case 5:
			a.tensor, err = decodeTensor(x.bytes)
		case 7:
			err = x.each(protowire.Fixed32Type, func(v uint64) { a.floats = append(a.floats, math.Float32frombits(uint32(v))) })
		case 8:
			a.ints, err = x.ints(a.ints)
		case 20:
			a.kind = x.int()
		}
		return err
	})
	n.attributes[name] = a
	return err
}

// decodeValue reads a ValueInfoProto: name, and type → tensor type → shape.
func decodeValue(b []byte) (valueInfo, error) {
	var v valueInfo
	err := fields(b, func(x field) error {
		switch x.number {
		case 1:
			v.name = x.text()
		case 2:
			return fields(x.bytes, func(y field) error {
				if y.number != 1 {
					return nil
				}
				return v.decodeType(y.bytes)
			})
		}
		return nil
	})
	return v, err
}

func (v *valueInfo) decodeType(b []byte) error {
	return fields(b, func(x field) error {
		switch x.number {
		case 1:
			v.kind = x.int()
		case 2:
			v.shaped = true
			return fields(x.bytes, func(y field) error {
				if y.number != 1 {
					return nil
				}
				if len(v.dims) == maxDims {
					return formatError("%s: more than %d dimensions", v.name, maxDims)
				}
				d := int64(-1)
				err := fields(y.bytes, func(z field) error {
					if z.number == 1 && z.int() > 0 {
						d = z.int()
					}
					return nil
				})
				v.dims = append(v.dims, d)
				return err
			})
		}
		return nil
	})
}
