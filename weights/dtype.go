package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// DType is the type of a tensor's elements in a file.
type DType uint8

// The element types that can be read and written, in the order in which the
// reference implementation of safetensors lays tensors out, last ones first.
const (
	Bool DType = iota
	U8
	I8
	I16
	U16
	F16
	BF16
	I32
	U32
	F32
	F64
	I64
	U64
	Other // a type that cannot be read, such as 8-bit floating point
)

// dtypes holds the names of the safetensors format and the sizes in bytes.
var dtypes = [...]struct {
	name string
	size int
}{
	Bool: {"BOOL", 1}, U8: {"U8", 1}, I8: {"I8", 1},
	I16: {"I16", 2}, U16: {"U16", 2}, F16: {"F16", 2}, BF16: {"BF16", 2},
	I32: {"I32", 4}, U32: {"U32", 4}, F32: {"F32", 4},
	F64: {"F64", 8}, I64: {"I64", 8}, U64: {"U64", 8},
	Other: {"other", 0},
}

// String returns the name that the safetensors format uses, such as "BF16".
func (d DType) String() string {
	if int(d) >= len(dtypes) {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// Size returns the bytes of one element.
func (d DType) Size() int { return dtypes[d].size }

// isFloat reports whether the elements are numbers with a fraction, or of a type
// that cannot be read.
func (d DType) isFloat() bool {
	switch d {
	case F16, BF16, F32, F64, Other:
		return true
	}
	return false
}

// parseDType returns Other for names that are not known.
func parseDType(name string) DType {
	for d, t := range dtypes[:Other] {
		if t.name == name {
			return DType(d)
		}
	}
	return Other
}

// decode converts little-endian elements to float32. len(src) is
// len(dst)·d.Size(). Values out of range become infinite, and integers of more
// than 24 bits are rounded to nearest.
func (d DType) decode(dst []float32, src []byte) {
	le := binary.LittleEndian
	switch d {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	case F16:
		for i := range dst {
			dst[i] = halfToFloat(le.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(src[2*i:])) << 16)
		}
	case I64:
		for i := range dst {
			dst[i] = float32(int64(le.Uint64(src[8*i:])))
		}
	case I32:
		for i := range dst {
			dst[i] = float32(int32(le.Uint32(src[4*i:])))
		}
	case I16:
		for i := range dst {
			dst[i] = float32(int16(le.Uint16(src[2*i:])))
		}
	case I8:
		for i := range dst {
			dst[i] = float32(int8(src[i]))
		}
	case U64:
		for i := range dst {
			dst[i] = float32(le.Uint64(src[8*i:]))
		}
	case U32:
		for i := range dst {
			dst[i] = float32(le.Uint32(src[4*i:]))
		}
	case U16:
		for i := range dst {
			dst[i] = float32(le.Uint16(src[2*i:]))
		}
	case U8, Bool:
		for i := range dst {
			dst[i] = float32(src[i])
		}
	}
}

// bytesOf returns the memory of v where it has the form of F32 in files, and
// nil on machines that store numbers in the other byte order.
func bytesOf(v []float32) []byte {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// reverseElements turns elements of the given size from one byte order into
// the other.
func reverseElements(b []byte, size int) {
	for ; len(b) >= size; b = b[size:] {
		for i, j := 0, size-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}
