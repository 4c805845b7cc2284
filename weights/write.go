package weights

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// Number is an element type that tensors can be written from.
type Number interface {
	float32 | float64 | int64 | int32 | int16 | int8 | uint64 | uint32 | uint16 | uint8
}

// Tensor is a named tensor to be written. NewTensor makes one.
type Tensor struct {
	Info
	len    int
	encode func(dst []byte, from, to int) []byte // appends elements [from, to)
}

// NewTensor describes values, in row-major order, as a tensor. The values are
// not copied: they are read when the file is written.
func NewTensor[T Number](name string, shape []int, values []T) Tensor {
	var zero T
	t := Tensor{Info: Info{Name: name, Shape: shape}, len: len(values)}
	t.encode = func(dst []byte, from, to int) []byte {
		dst, _ = binary.Append(dst, binary.LittleEndian, values[from:to])
		return dst
	}
	switch any(zero).(type) {
	case float32:
		t.DType = F32
	case float64:
		t.DType = F64
	case int64:
		t.DType = I64
	case int32:
		t.DType = I32
	case int16:
		t.DType = I16
	case int8:
		t.DType = I8
	case uint64:
		t.DType = U64
	case uint32:
		t.DType = U32
	case uint16:
		t.DType = U16
	case uint8:
		t.DType = U8
	}
	return t
}

// NewHalf describes values as a tensor that is stored in half the bytes, as
// F16 or BF16, each value rounded to nearest, ties to even. Values that are not
// finite then are an error.
func NewHalf(name string, shape []int, values []float32, d DType) (Tensor, error) {
	round, exponent := floatToHalf, uint16(0x7c00)
	switch d {
	case F16:
	case BF16:
		round, exponent = floatToBFloat, 0x7f80
	default:
		return Tensor{}, fmt.Errorf("%s: %v is not a 16-bit floating-point type", name, d)
	}
	for i, v := range values {
		if round(v)&exponent == exponent {
			return Tensor{}, fmt.Errorf("%s: value %d, %g, does not fit %v", name, i, v, d)
		}
	}
	return Tensor{
		Info: Info{Name: name, Shape: shape, DType: d},
		len:  len(values),
		encode: func(dst []byte, from, to int) []byte {
			for _, v := range values[from:to] {
				dst = binary.LittleEndian.AppendUint16(dst, round(v))
			}
			return dst
		},
	}, nil
}

// WriteFile writes a safetensors file. The path keeps its old content until
// the new is complete and on disk, and on any error. The same tensors and
// metadata give the same bytes, whatever their order.
func WriteFile(path string, tensors []Tensor, meta map[string]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return Write(w, tensors, meta) })
}

// Write writes tensors and metadata in the safetensors format, a piece at a
// time. Tensors are ordered by falling element size and then by name, which
// keeps every one aligned.
func Write(w io.Writer, tensors []Tensor, meta map[string]string) error {
	tensors = slices.Clone(tensors)
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(b.DType, a.DType), cmp.Compare(a.Name, b.Name))
	})
	header, err := buildHeader(tensors, meta)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, chunkSize)
	_, _ = out.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header))))
	_, _ = out.Write(header)
	var buf []byte
	for _, t := range tensors {
		step := chunkSize / t.DType.Size()
		for from := 0; from < t.len; from += step {
			buf = t.encode(buf[:0], from, min(from+step, t.len))
			if _, err := out.Write(buf); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// buildHeader returns the JSON header, padded with spaces so that the data
// after it begins at a multiple of 8.
func buildHeader(tensors []Tensor, meta map[string]string) ([]byte, error) {
	var b bytes.Buffer
	sep := byte('{')
	key := func(s string) error {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%q is not valid UTF-8", s)
		}
		b.WriteByte(sep)
		sep = ','
		writeJSONString(&b, s)
		b.WriteByte(':')
		return nil
	}
	if len(meta) > 0 {
		if err := key("__metadata__"); err != nil {
			return nil, err
		}
		sep = '{'
		for _, k := range slices.Sorted(maps.Keys(meta)) {
			if err := key(k); err != nil {
				return nil, fmt.Errorf("metadata: %w", err)
			}
			if !utf8.ValidString(meta[k]) {
				return nil, fmt.Errorf("metadata %s is not valid UTF-8", k)
			}
			writeJSONString(&b, meta[k])
		}
		b.WriteByte('}')
	}
	seen := make(map[string]bool, len(tensors))
	offset := int64(0)
	for _, t := range tensors {
		if seen[t.Name] || t.Name == "__metadata__" {
			return nil, fmt.Errorf("the tensor name %q is taken", t.Name)
		}
		seen[t.Name] = true
		if err := key(t.Name); err != nil {
			return nil, err
		}
		n, err := elements(toInt64s(t.Shape))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		if n != int64(t.len) {
			return nil, fmt.Errorf("%s: shape %v does not hold %d values", t.Name, t.Shape, t.len)
		}
		bytes := n * int64(t.DType.Size())
		if bytes > math.MaxInt64-offset {
			return nil, fmt.Errorf("%s: the file would be larger than any can be", t.Name)
		}
		shape, err := json.Marshal(append([]int{}, t.Shape...))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, `{"dtype":"%v","shape":%s,"data_offsets":[%d,%d]}`, t.DType, shape, offset, offset+bytes)
		offset += bytes
	}
	if b.Len() == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > maxHeader {
		return nil, fmt.Errorf("names and metadata take %d bytes, the format allows %d", b.Len(), maxHeader)
	}
	return b.Bytes(), nil
}

// writeJSONString writes s as JSON without the escapes meant for HTML.
func writeJSONString(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	b.Truncate(b.Len() - 1) // Encode ends with a newline
}

func toInt64s(s []int) []int64 {
	out := make([]int64, len(s))
	for i, v := range s {
		out[i] = int64(v)
	}
	return out
}
