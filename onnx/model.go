// Package onnx writes networks as ONNX files and reads them.
//
// What it writes is meant to run fast elsewhere: batch norm is folded into the
// convolutions, activations stand in every branch before its concatenation,
// equal groups of a 1×1 convolution are one grouped convolution, and pads are
// explicit numbers. What it reads may come from PyTorch or others: the forms in
// which they write an operator of package graph are recognized, and all else is
// refused by name.
package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The element types of tensors that are used here (TensorProto.DataType).
const (
	typeFloat = 1
	typeInt64 = 7
)

// message is a protocol buffer that is being written.
type message struct{ b []byte }

func (m *message) varint(field protowire.Number, v uint64) {
	m.b = protowire.AppendVarint(protowire.AppendTag(m.b, field, protowire.VarintType), v)
}

func (m *message) bytes(field protowire.Number, v []byte) {
	m.b = protowire.AppendBytes(protowire.AppendTag(m.b, field, protowire.BytesType), v)
}

func (m *message) text(field protowire.Number, v string) { m.bytes(field, []byte(v)) }

func (m *message) float(field protowire.Number, v float32) {
	m.b = protowire.AppendFixed32(protowire.AppendTag(m.b, field, protowire.Fixed32Type), math.Float32bits(v))
}

// nested writes a message within the message.
func (m *message) nested(field protowire.Number, write func(*message)) {
	var inner message
	write(&inner)
	m.bytes(field, inner.b)
}

// floats writes a constant tensor.
func (m *message) floats(field protowire.Number, name string, dims []int, v []float32) {
	m.nested(field, func(t *message) {
		for _, d := range dims {
			t.varint(1, uint64(d))
		}
		t.varint(2, typeFloat)
		t.text(8, name)
		raw := make([]byte, 0, 4*len(v))
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		t.bytes(9, raw)
	})
}

// ints writes a constant tensor of one dimension.
func (m *message) ints(field protowire.Number, name string, v []int64) {
	m.nested(field, func(t *message) {
		t.varint(1, uint64(len(v)))
		t.varint(2, typeInt64)
		t.text(8, name)
		raw := make([]byte, 0, 8*len(v))
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
		}
		t.bytes(9, raw)
	})
}

// attribute is one of a node: an int, ints or a float32.
type attribute struct {
	name  string
	value any
}

// node writes an operator.
func (m *message) node(op, name string, inputs, outputs []string, attributes ...attribute) {
	m.nested(1, func(n *message) {
		for _, in := range inputs {
			n.text(1, in)
		}
		for _, out := range outputs {
			n.text(2, out)
		}
		n.text(3, name)
		n.text(4, op)
		for _, a := range attributes {
			n.nested(5, func(w *message) { a.write(w) })
		}
	})
}

// The types of attributes (AttributeProto.AttributeType).
const (
	attributeFloat = 1
	attributeInt   = 2
	attributeInts  = 7
)

func (a attribute) write(w *message) {
	w.text(1, a.name)
	switch v := a.value.(type) {
	case float32:
		w.float(2, v)
		w.varint(20, attributeFloat)
	case int:
		w.varint(3, uint64(int64(v)))
		w.varint(20, attributeInt)
	case []int:
		for _, x := range v {
			w.varint(8, uint64(int64(x)))
		}
		w.varint(20, attributeInts)
	}
}

// value writes the name and shape of an input or output. A dimension below 0 is
// free and called N.
func (m *message) value(field protowire.Number, name string, dims ...int) {
	m.valueOf(field, name, typeFloat, "N", dims...)
}

// valueOf is value for other elements than float32, and another name of what is
// free.
func (m *message) valueOf(field protowire.Number, name string, kind uint64, free string, dims ...int) {
	m.nested(field, func(v *message) {
		v.text(1, name)
		v.nested(2, func(t *message) {
			t.nested(1, func(tensor *message) {
				tensor.varint(1, kind)
				tensor.nested(2, func(shape *message) {
					for _, d := range dims {
						shape.nested(1, func(dim *message) {
							if d < 0 {
								dim.text(2, free)
							} else {
								dim.varint(1, uint64(d))
							}
						})
					}
				})
			})
		})
	})
}
