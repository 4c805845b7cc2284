package serve

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protobuf message that is being written.
type message []byte

func (m *message) text(field protowire.Number, s string) {
	if s != "" {
		*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), s)
	}
}

func (m *message) bytes(field protowire.Number, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

func (m *message) number(field protowire.Number, n uint64) {
	if n != 0 {
		*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), n)
	}
}

func (m *message) yes(field protowire.Number, v bool) { m.number(field, protowire.EncodeBool(v)) }

// shape writes packed numbers.
func (m *message) shape(field protowire.Number, dims []int) {
	var packed []byte
	for _, d := range dims {
		packed = protowire.AppendVarint(packed, uint64(int64(d)))
	}
	m.bytes(field, packed)
}

// part writes a message within the message.
func (m *message) part(field protowire.Number, write func(*message)) {
	var inner message
	write(&inner)
	m.bytes(field, inner)
}

var errMessage = errors.New("the message is not well formed")

// field is one of a message that is read: a number, or bytes.
type field struct {
	id     protowire.Number
	kind   protowire.Type
	number uint64
	bytes  []byte
}

// fields calls f with each field of a message.
func fields(b []byte, f func(field) error) error {
	for len(b) > 0 {
		id, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badMessage()
		}
		b = b[n:]
		v := field{id: id, kind: kind}
		switch kind {
		case protowire.VarintType:
			v.number, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(b)
		default:
			if n = protowire.ConsumeFieldValue(id, kind, b); n >= 0 {
				v.bytes = b[:n]
			}
		}
		if n < 0 {
			return badMessage()
		}
		b = b[n:]
		if err := f(v); err != nil {
			return err
		}
	}
	return nil
}

func badMessage() error { return &statusError{http.StatusBadRequest, errMessage} }

// texts returns the strings with the numbers 1 to n of a message.
func texts(b []byte, n int) ([]string, error) {
	found := make([]string, n+1)
	err := fields(b, func(v field) error {
		if v.kind == protowire.BytesType && int(v.id) <= n {
			found[v.id] = string(v.bytes)
		}
		return nil
	})
	return found, err
}

// numbers reads a repeated number, packed or not.
func numbers(list []int, v field) ([]int, error) {
	if v.kind == protowire.VarintType {
		return append(list, int(int64(v.number))), nil
	}
	for b := v.bytes; len(b) > 0; {
		x, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, badMessage()
		}
		list, b = append(list, int(int64(x))), b[n:]
	}
	return list, nil
}

// parameter is an entry of a map of parameters, with its value as JSON.
type parameter struct {
	name  string
	value json.RawMessage
}

func readParameter(entry []byte) (p parameter, err error) {
	err = fields(entry, func(v field) error {
		switch v.id {
		case 1:
			p.name = string(v.bytes)
		case 2:
			return fields(v.bytes, func(v field) error {
				p.value, err = v.json()
				return err
			})
		}
		return nil
	})
	return p, err
}

// json returns the value of an InferParameter.
func (v field) json() (json.RawMessage, error) {
	switch {
	case v.id == 1:
		return json.Marshal(v.number != 0)
	case v.id == 3:
		return json.Marshal(string(v.bytes))
	case v.id == 4 && len(v.bytes) == 8:
		text, err := json.Marshal(math.Float64frombits(binary.LittleEndian.Uint64(v.bytes)))
		if err != nil {
			return nil, badMessage() // not finite
		}
		return text, nil
	case v.id == 5:
		return json.Marshal(v.number)
	}
	return json.Marshal(int64(v.number))
}
