package onnx

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// Every element type in every form that the format allows: raw bytes, packed
// and unpacked fields.
func TestTensorTypes(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   dataType
		write  func(*message)
		floats []float32
		ints   []int64
	}{
		"float raw":      {typeFloat, func(m *message) { m.bytes(9, []byte{0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc1}) }, []float32{1, -10}, nil},
		"float unpacked": {typeFloat, func(m *message) { m.float(4, 1); m.float(4, -10) }, []float32{1, -10}, nil},
		"float packed": {typeFloat, func(m *message) {
			m.bytes(4, protowire.AppendFixed32(protowire.AppendFixed32(nil, math.Float32bits(1)), math.Float32bits(-10)))
		}, []float32{1, -10}, nil},
		"double packed": {typeDouble, func(m *message) {
			m.bytes(10, protowire.AppendFixed64(protowire.AppendFixed64(nil, math.Float64bits(0.5)), math.Float64bits(-3)))
		}, []float32{0.5, -3}, nil},
		"half raw":        {typeFloat16, func(m *message) { m.bytes(9, []byte{0, 0x3c, 0, 0xc9}) }, []float32{1, -10}, nil},
		"half subnormal":  {typeFloat16, func(m *message) { m.bytes(9, []byte{1, 0, 0, 0x7c}) }, []float32{1.0 / (1 << 24), float32(math.Inf(1))}, nil},
		"bfloat16 fields": {typeBFloat16, func(m *message) { m.varint(5, 0x3f80); m.varint(5, 0xc120) }, []float32{1, -10}, nil},
		"int64 raw":       {typeInt64, func(m *message) { m.bytes(9, slices.Concat(le64(7), le64(-1))) }, nil, []int64{7, -1}},
		"int64 unpacked":  {typeInt64, func(m *message) { m.varint(7, 7); m.varint(7, math.MaxUint64) }, nil, []int64{7, -1}},
		"int32 packed": {typeInt32, func(m *message) {
			m.bytes(5, protowire.AppendVarint(protowire.AppendVarint(nil, 7), math.MaxUint64))
		}, nil, []int64{7, -1}},
		"int8 raw":  {typeInt8, func(m *message) { m.bytes(9, []byte{7, 255}) }, nil, []int64{7, -1}},
		"uint8 raw": {typeUint8, func(m *message) { m.bytes(9, []byte{7, 255}) }, nil, []int64{7, 255}},
		"bool":      {typeBool, func(m *message) { m.bytes(9, []byte{0, 1}) }, nil, []int64{0, 1}},
	} {
		var m message
		m.varint(1, 2)
		m.varint(2, uint64(tc.kind))
		tc.write(&m)
		x, err := decodeTensor(m.b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if tc.floats != nil {
			if got, err := x.floats(); err != nil || !slices.Equal(got, tc.floats) {
				t.Errorf("%s: %v, want %v (%v)", name, got, tc.floats, err)
			}
		} else if got, err := x.ints(); err != nil || !slices.Equal(got, tc.ints) {
			t.Errorf("%s: %v, want %v (%v)", name, got, tc.ints, err)
		}
	}
}

func le64(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

// Tensors whose dimensions and data do not agree are refused before anything is
// reserved for them.
func TestTensorSizes(t *testing.T) {
	for name, dims := range map[string][]int64{
		"more than stored": {3}, "less": {1}, "negative": {-2}, "huge": {1 << 40}, "overflow": {1 << 32, 1 << 32}, "none": {0, 1 << 62},
	} {
		x := &tensorProto{dims: dims, kind: typeFloat, raw: make([]byte, 8)}
		if _, err := x.floats(); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Data beside the model is read from its own folder alone, and from where the
// file has any.
func TestExternalData(t *testing.T) {
	top := t.TempDir()
	folder := filepath.Join(top, "model")
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 4096+8)
	binary.LittleEndian.PutUint32(data[4096:], math.Float32bits(2.5))
	for _, path := range []string{filepath.Join(folder, "x.data"), filepath.Join(top, "secret")} {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(top, "secret"), filepath.Join(folder, "link")); err != nil {
		t.Skip(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	read := func(location string, offset, length int64) ([]float32, error) {
		x := &tensorProto{dims: []int64{2}, kind: typeFloat, external: map[string]string{
			"location": location, "offset": strconv.FormatInt(offset, 10), "length": strconv.FormatInt(length, 10),
		}}
		if err := x.resolve(root); err != nil {
			return nil, err
		}
		return x.floats()
	}
	if got, err := read("x.data", 4096, 8); err != nil || !slices.Equal(got, []float32{2.5, 0}) {
		t.Errorf("read %v (%v)", got, err)
	}
	for name, tc := range map[string]struct {
		location       string
		offset, length int64
	}{
		"above": {"../secret", 0, 8}, "absolute": {filepath.Join(top, "secret"), 0, 8}, "link": {"link", 0, 8}, "folder": {".", 0, 8}, "missing": {"y.data", 0, 8},
		"behind the end": {"x.data", 4100, 8}, "negative": {"x.data", -8, 8}, "overflow": {"x.data", math.MaxInt64, 8}, "huge": {"x.data", 0, math.MaxInt64}, "short": {"x.data", 0, 4},
	} {
		if got, err := read(tc.location, tc.offset, tc.length); err == nil {
			t.Errorf("%s: read %v", name, got)
		}
	}
}
