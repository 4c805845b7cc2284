// Package tfevents writes the event files that TensorBoard reads: records of
// the TFRecord format, each an Event protocol buffer with scalars.
package tfevents

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"time"
)

// Event is the values of some scalars at a step.
type Event struct {
	Time    time.Time
	Step    int64
	Scalars map[string]float64
}

// Header returns the first record of every file.
func Header(t time.Time) []byte {
	e := double(nil, 1, seconds(t))
	return record(bytesField(e, 3, []byte("brain.Event:2")))
}

// Record returns an event's record, its scalars in the order of their tags.
func (e Event) Record() []byte {
	tags := make([]string, 0, len(e.Scalars))
	for tag := range e.Scalars {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	var summary []byte
	for _, tag := range tags {
		value := bytesField(nil, 1, []byte(tag))
		value = binary.AppendUvarint(value, 2<<3|5)
		value = binary.LittleEndian.AppendUint32(value, math.Float32bits(float32(e.Scalars[tag])))
		summary = bytesField(summary, 1, value)
	}
	event := double(nil, 1, seconds(e.Time))
	event = binary.AppendUvarint(event, 2<<3)
	event = binary.AppendUvarint(event, uint64(e.Step))
	return record(bytesField(event, 5, summary))
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// double appends a field of the wire type for 64 bits.
func double(b []byte, field uint64, v float64) []byte {
	b = binary.AppendUvarint(b, field<<3|1)
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

// bytesField appends a field with its length.
func bytesField(b []byte, field uint64, v []byte) []byte {
	b = binary.AppendUvarint(b, field<<3|2)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// record frames data: its length, a checksum of the length, the data, and a
// checksum of the data.
func record(data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, masked(data))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of TFRecord: a CRC-32C, rotated and offset.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}
