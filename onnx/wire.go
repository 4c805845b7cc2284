package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a protocol buffer: a number or bytes.
type field struct {
	number protowire.Number
	kind   protowire.Type
	n      uint64
	bytes  []byte // a part of the file, not a copy
}

// fields calls f with every field of a message.
func fields(b []byte, f func(field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return formatError("a field's tag: %v", protowire.ParseError(n))
		}
		b = b[n:]
		x := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			x.n, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			x.n = uint64(v)
		case protowire.Fixed64Type:
			x.n, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			x.bytes, n = protowire.ConsumeBytes(b)
		default:
			return formatError("field %d has wire type %d", number, kind)
		}
		if n < 0 {
			return formatError("field %d: %v", number, protowire.ParseError(n))
		}
		b = b[n:]
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

// text returns a string.
func (x field) text() string { return string(x.bytes) }

func (x field) int() int64 { return int64(x.n) }

// float returns a 32-bit floating-point number.
func (x field) float() float32 { return math.Float32frombits(uint32(x.n)) }

// each calls f with every number of a repeated field, packed or not.
func (x field) each(kind protowire.Type, f func(uint64)) error {
	if x.kind == kind {
		f(x.n)
		return nil
	}
	if x.kind != protowire.BytesType {
		return formatError("field %d has wire type %d", x.number, x.kind)
	}
	for b := x.bytes; len(b) > 0; {
		v, n := uint64(0), 0
		switch kind {
		case protowire.Fixed32Type:
			var v32 uint32
			v32, n = protowire.ConsumeFixed32(b)
			v = uint64(v32)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(b)
		default:
			v, n = protowire.ConsumeVarint(b)
		}
		if n < 0 {
			return formatError("field %d: %v", x.number, protowire.ParseError(n))
		}
		b = b[n:]
		f(v)
	}
	return nil
}

// ints appends the integers of a repeated field.
func (x field) ints(to []int64) ([]int64, error) {
	err := x.each(protowire.VarintType, func(v uint64) { to = append(to, int64(v)) })
	return to, err
}

func formatError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrFormat, fmt.Errorf(format, args...))
}
