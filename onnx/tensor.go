package onnx

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// dataType is an element type of a tensor (TensorProto.DataType).
type dataType int64

const (
	typeUint8    dataType = 2
	typeInt8     dataType = 3
	typeUint16   dataType = 4
	typeInt16    dataType = 5
	typeInt32    dataType = 6
	typeBool     dataType = 9
	typeFloat16  dataType = 10
	typeDouble   dataType = 11
	typeUint32   dataType = 12
	typeUint64   dataType = 13
	typeBFloat16 dataType = 16
)

// elementSize is in bytes.
var elementSize = map[dataType]int{
	typeFloat: 4, typeUint8: 1, typeInt8: 1, typeUint16: 2, typeInt16: 2, typeInt32: 4, typeInt64: 8, typeBool: 1,
	typeFloat16: 2, typeDouble: 8, typeUint32: 4, typeUint64: 8, typeBFloat16: 2,
}

// isFloat reports whether elements are floating-point numbers.
func (t dataType) isFloat() bool {
	return t == typeFloat || t == typeFloat16 || t == typeDouble || t == typeBFloat16
}

// tensorProto is a constant tensor whose values are still those of the file.
type tensorProto struct {
	name     string
	dims     []int64
	kind     dataType
	raw      []byte   // little endian
	numbers  []uint64 // bits of single numbers, where raw is nil
	external map[string]string
}

func decodeTensor(b []byte) (*tensorProto, error) {
	t := &tensorProto{}
	add := func(v uint64) { t.numbers = append(t.numbers, v) }
	err := fields(b, func(x field) (err error) {
		switch x.number {
		case 1:
			t.dims, err = x.ints(t.dims)
			if len(t.dims) > maxDims {
				return formatError("a tensor of more than %d dimensions", maxDims)
			}
		case 2:
			t.kind = dataType(x.int())
		case 4:
			err = x.each(protowire.Fixed32Type, add)
		case 5, 7, 11:
			err = x.each(protowire.VarintType, add)
		case 8:
			t.name = x.text()
		case 9:
			t.raw = x.bytes
		case 10:
			err = x.each(protowire.Fixed64Type, add)
		case 13:
			err = t.decodeExternal(x.bytes)
		}
		return err
	})
	return t, err
}

func (t *tensorProto) decodeExternal(b []byte) error {
	var key, value string
	err := fields(b, func(x field) error {
		switch x.number {
		case 1:
			key = x.text()
		case 2:
			value = x.text()
		}
		return nil
	})
	if t.external == nil {
		t.external = map[string]string{}
	}
	t.external[key] = value
	return err
}

// len returns the number of elements, or an error where the dimensions and the
// values stored do not agree.
func (t *tensorProto) len() (int, error) {
	size, ok := elementSize[t.kind]
	if !ok {
		return 0, formatError("tensor %.200q: elements of type %d", t.name, t.kind)
	}
	n := int64(1)
	for _, d := range t.dims {
		if d < 0 || d > 0 && n > math.MaxInt32/d {
			return 0, formatError("tensor %.200q: dimensions %v", t.name, t.dims)
		}
		n *= d
	}
	stored := int64(len(t.numbers))
	if len(t.numbers) == 0 {
		stored = int64(len(t.raw) / size)
	}
	if stored != n || len(t.numbers) == 0 && len(t.raw)%size != 0 {
		return 0, formatError("tensor %.200q: %v elements, %d are stored", t.name, t.dims, stored)
	}
	return int(n), nil
}

// resolve reads a tensor that lies in another file of the model's folder.
func (t *tensorProto) resolve(folder *os.Root) error {
	if len(t.external) == 0 || t.raw != nil {
		return nil
	}
	fail := func(err error) error {
		return formatError("tensor %.200q: data in %.200q: %w", t.name, t.external["location"], err)
	}
	if folder == nil {
		return fail(formatError("files beside the model cannot be read here"))
	}
	n := int64(1)
	for _, d := range t.dims {
		if d < 0 || d > 0 && n > math.MaxInt32/d {
			return fail(formatError("dimensions %v", t.dims))
		}
		n *= d
	}
	length, offset := n*int64(elementSize[t.kind]), int64(0)
	for key, to := range map[string]*int64{"length": &length, "offset": &offset} {
		if text := t.external[key]; text != "" {
			v, err := strconv.ParseInt(text, 10, 64)
			if err != nil || v < 0 {
				return fail(formatError("%s %.50q", key, text))
			}
			*to = v
		}
	}
	f, err := folder.Open(t.external["location"])
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fail(err)
	}
	if !info.Mode().IsRegular() || offset > info.Size() || length > info.Size()-offset {
		return fail(formatError("bytes %d to %d of a file of %d", offset, offset+length, info.Size()))
	}
	t.raw = make([]byte, length)
	if _, err := f.ReadAt(t.raw, offset); err != nil && err != io.EOF {
		return fail(err)
	}
	return nil
}

// bits returns the bits of element i.
func (t *tensorProto) bits(i int) uint64 {
	if len(t.numbers) > 0 {
		return t.numbers[i]
	}
	switch elementSize[t.kind] {
	case 1:
		return uint64(t.raw[i])
	case 2:
		return uint64(binary.LittleEndian.Uint16(t.raw[2*i:]))
	case 4:
		return uint64(binary.LittleEndian.Uint32(t.raw[4*i:]))
	}
	return binary.LittleEndian.Uint64(t.raw[8*i:])
}

// floats returns the values of a tensor of floating-point numbers.
func (t *tensorProto) floats() ([]float32, error) {
	n, err := t.len()
	if err != nil {
		return nil, err
	}
	out := make([]float32, n)
	for i := range out {
		switch b := t.bits(i); t.kind {
		case typeFloat:
			out[i] = math.Float32frombits(uint32(b))
		case typeDouble:
			out[i] = float32(math.Float64frombits(b))
		case typeBFloat16:
			out[i] = math.Float32frombits(uint32(b) << 16)
		case typeFloat16:
			out[i] = half(uint16(b))
		}
	}
	return out, nil
}

// ints returns the values of a tensor of integers.
func (t *tensorProto) ints() ([]int64, error) {
	n, err := t.len()
	if err != nil {
		return nil, err
	}
	out := make([]int64, n)
	for i := range out {
		switch b := t.bits(i); t.kind {
		case typeInt8:
			out[i] = int64(int8(b))
		case typeInt16:
			out[i] = int64(int16(b))
		case typeInt32:
			out[i] = int64(int32(b))
		default:
			out[i] = int64(b)
		}
	}
	return out, nil
}

// half converts an IEEE 754 binary16.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h&0x8000)<<16, uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0:
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
