package weights

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of TensorFlow's messages that a frozen graph is made of
// (tensorflow/core/framework: graph.proto, node_def.proto, attr_value.proto,
// tensor.proto, tensor_shape.proto).
const (
	graphNode = 1

	nodeName = 1
	nodeOp   = 2
	nodeAttr = 5

	entryKey   = 1
	entryValue = 2

	attrTensor = 8

	tensorType    = 1
	tensorShape   = 2
	tensorContent = 4

	shapeDim = 2
	dimSize  = 1

	typeFloat = 1
	typeInt32 = 3
	typeHalf  = 19
)

// resizeSize ends the name of the constant, height and width, that graphs of the
// Object Detection API scale pictures to.
const resizeSize = "/ResizeImage/stack"

// looksLikeGraph reports whether a file may begin with a node of a GraphDef,
// which begins with its name.
func looksLikeGraph(head []byte) bool {
	number, kind, n := protowire.ConsumeTag(head)
	if n < 0 || number != graphNode || kind != protowire.BytesType {
		return false
	}
	_, m := protowire.ConsumeVarint(head[n:])
	return m > 0 && n+m < len(head) && head[n+m] == byte(protowire.EncodeTag(nodeName, protowire.BytesType))
}

// parseGraph reads the constants of a frozen TensorFlow graph, node by node.
// Kernels of convolutions, which lie there as height, width, in, out, get the
// order of PyTorch. What else the graph computes is of no interest here.
func (f *File) parseGraph(size int64) error {
	f.format = TensorFlow
	var node []byte
	for at := int64(0); at < size; {
		head := make([]byte, min(size-at, 2*10))
		if err := readFull(f.src, head, at); err != nil {
			return err
		}
		number, kind, n := protowire.ConsumeTag(head)
		if n < 0 {
			return formatError("no field of a TensorFlow graph at byte %d", at)
		}
		if kind != protowire.BytesType {
			m := protowire.ConsumeFieldValue(number, kind, head[n:])
			if m < 0 {
				return formatError("no field of a TensorFlow graph at byte %d", at)
			}
			at += int64(n + m)
			continue
		}
		length, m := protowire.ConsumeVarint(head[n:])
		start := at + int64(n+m)
		if m < 0 || length > uint64(size-start) {
			return formatError("the field of a TensorFlow graph at byte %d reaches past the end: the file is cut", at)
		}
		at = start + int64(length)
		if number != graphNode {
			continue
		}
		node = slices.Grow(node[:0], int(length))[:length]
		if err := readFull(f.src, node, start); err != nil {
			return err
		}
		if err := f.addConstant(node, start); err != nil {
			return fmt.Errorf("node at byte %d: %w", start, err)
		}
	}
	if len(f.names) == 0 {
		return formatError("a TensorFlow graph without constants: is it frozen?")
	}
	return nil
}

// fields calls yield with every field of a message and where its value begins.
// Values of other kinds than bytes are passed as their number.
func fields(message []byte, yield func(number protowire.Number, value []byte, v uint64, at int) error) error {
	for at := 0; at < len(message); {
		number, kind, n := protowire.ConsumeTag(message[at:])
		if n < 0 {
			return formatError("a damaged field")
		}
		at += n
		var value []byte
		var v uint64
		start := at
		switch kind {
		case protowire.BytesType:
			if value, n = protowire.ConsumeBytes(message[at:]); n >= 0 {
				start = at + n - len(value)
			}
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(message[at:])
		default:
			n = protowire.ConsumeFieldValue(number, kind, message[at:])
		}
		if n < 0 {
			return formatError("a damaged field")
		}
		at += n
		if err := yield(number, value, v, start); err != nil {
			return err
		}
	}
	return nil
}

// addConstant enters the tensor of a node into the table if it is a constant.
func (f *File) addConstant(node []byte, offset int64) error {
	var name, op string
	var tensor []byte
	var at int
	err := fields(node, func(number protowire.Number, value []byte, _ uint64, start int) error {
		switch number {
		case nodeName:
			name = string(value)
		case nodeOp:
			op = string(value)
		case nodeAttr:
			t, inside, err := valueOf(value)
			if t != nil {
				tensor, at = t, start+inside
			}
			return err
		}
		return nil
	})
	if err != nil || op != "Const" || tensor == nil || !strings.Contains(name, "/") {
		return err // variables have a scope
	}
	return f.addTensorProto(name, tensor, offset+int64(at))
}

// valueOf returns the tensor of the attribute "value" and where it begins; nil
// for other attributes.
func valueOf(entry []byte) (tensor []byte, at int, err error) {
	key := ""
	err = fields(entry, func(number protowire.Number, value []byte, _ uint64, start int) error {
		switch number {
		case entryKey:
			key = string(value)
		case entryValue:
			return fields(value, func(number protowire.Number, t []byte, _ uint64, inside int) error {
				if number == attrTensor {
					tensor, at = t, start+inside
				}
				return nil
			})
		}
		return nil
	})
	if key != "value" {
		tensor = nil
	}
	return tensor, at, err
}

// addTensorProto enters a tensor that has dimensions and its elements in one
// piece; scalars and constants that repeat one value are no weights.
func (f *File) addTensorProto(name string, tensor []byte, offset int64) error {
	t := &stored{Info: Info{Name: name}}
	kind, length := uint64(0), 0
	err := fields(tensor, func(number protowire.Number, value []byte, v uint64, start int) error {
		switch number {
		case tensorType:
			kind = v
		case tensorShape:
			var err error
			t.Shape, err = shapeOf(value)
			return err
		case tensorContent:
			t.offset, length = offset+int64(start), len(value)
		}
		return nil
	})
	if err != nil || len(t.Shape) == 0 || length == 0 {
		return err
	}
	switch kind {
	case typeFloat:
		t.DType = F32
	case typeHalf:
		t.DType = F16
	case typeInt32:
		if strings.HasSuffix(name, resizeSize) && length == 8 {
			content := make([]byte, 8)
			err = readFull(f.src, content, t.offset)
			f.resized = [2]int{int(int32(binary.LittleEndian.Uint32(content))), int(int32(binary.LittleEndian.Uint32(content[4:])))}
		}
		return err
	default:
		return nil
	}
	n := int64(t.DType.Size())
	for _, d := range t.Shape {
		if n *= int64(d); n > int64(length) {
			break
		}
	}
	if n != int64(length) {
		return formatError("tensor %.100q of shape %v has %d bytes", name, t.Shape, length)
	}
	t.toPyTorch()
	return f.add(t)
}

// toPyTorch turns the kernel of a convolution from height, width, in, out to
// out, in, height, width. That of a depthwise one has channels and a multiplier
// of 1 last, and becomes channels, 1, height, width.
func (t *stored) toPyTorch() {
	if len(t.Shape) != 4 {
		return
	}
	h, w, in, out := t.Shape[0], t.Shape[1], t.Shape[2], t.Shape[3]
	t.Shape, t.strides = []int{out, in, h, w}, []int{1, out, w * in * out, in * out}
	if out == 1 && strings.Contains(t.Name, "depthwise_") {
		t.Shape, t.strides = []int{in, 1, h, w}, []int{1, 1, w * in, in}
	}
}

const maxDimensions = 8

// shapeOf reads a TensorShapeProto.
func shapeOf(message []byte) (shape []int, err error) {
	err = fields(message, func(number protowire.Number, dim []byte, _ uint64, _ int) error {
		if number != shapeDim {
			return nil
		}
		size := uint64(0)
		err := fields(dim, func(number protowire.Number, _ []byte, v uint64, _ int) error {
			if number == dimSize {
				size = v
			}
			return nil
		})
		if err == nil && (size > 1<<31-1 || len(shape) == maxDimensions) {
			err = formatError("a dimension of %d", int64(size))
		}
		shape = append(shape, int(size))
		return err
	})
	return shape, err
}
