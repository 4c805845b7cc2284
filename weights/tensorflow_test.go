package weights

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// node returns a field of a GraphDef with a node that holds a tensor.
func node(name, op string, kind uint64, shape []int, content []byte) []byte {
	bytes := func(b []byte, field protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
	}
	number := func(b []byte, field protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
	}
	var dims []byte
	for _, d := range shape {
		dims = bytes(dims, shapeDim, number(nil, dimSize, uint64(d)))
	}
	tensor := number(nil, tensorType, kind)
	tensor = bytes(bytes(tensor, tensorShape, dims), tensorContent, content)
	attr := func(key string, value []byte) []byte {
		return bytes(bytes(nil, entryKey, []byte(key)), entryValue, value)
	}
	n := bytes(bytes(nil, nodeName, []byte(name)), nodeOp, []byte(op))
	n = bytes(n, nodeAttr, attr("dtype", number(nil, 6, kind)))
	n = bytes(n, nodeAttr, attr("value", bytes(nil, attrTensor, tensor)))
	return bytes(nil, graphNode, n)
}

// floats returns 0, 1, 2, … as float32.
func floats(n int) []byte {
	var b []byte
	for i := range n {
		b = protowire.AppendFixed32(b, math.Float32bits(float32(i)))
	}
	return b
}

// frozen is a graph of a convolution of 1×2 pixels from 2 channels to 3, a
// depthwise one of 3 channels and what the reader leaves out.
func frozen() []byte {
	return slices.Concat(
		node("net/conv/weights", "Const", 1, []int{1, 2, 2, 3}, floats(12)),
		node("net/conv/depthwise_weights", "Const", 1, []int{1, 2, 3, 1}, floats(6)),
		node("net/BatchNorm/gamma", "Const", 1, []int{3}, floats(3)),
		node("net/size", "Const", 3, []int{3}, floats(3)), // whole numbers
		node("Const", "Const", 1, []int{3}, floats(3)),
		node("net/empty", "Const", 1, []int{0}, nil),
		node("net/mul", "Mul", 1, []int{3}, floats(3)),
		[]byte{4<<3 | 2, 0, 3 << 3, 1}, // versions
	)
}

// Constants of a graph get PyTorch's order of dimensions.
func TestFrozenGraph(t *testing.T) {
	f, err := openBytes(frozen())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"net/conv/weights", "net/conv/depthwise_weights", "net/BatchNorm/gamma"}; f.Format() != TensorFlow || !slices.Equal(f.Names(), want) {
		t.Errorf("%v with tensors %q", f.Format(), f.Names())
	}
	for name, want := range map[string]struct {
		shape  []int
		values []float32
	}{
		"net/conv/weights":           {[]int{3, 2, 1, 2}, []float32{0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11}},
		"net/conv/depthwise_weights": {[]int{3, 1, 1, 2}, []float32{0, 3, 1, 4, 2, 5}},
		"net/BatchNorm/gamma":        {[]int{3}, []float32{0, 1, 2}},
	} {
		values, err := f.ReadFloats(name)
		info, _ := f.Info(name)
		if err != nil || !slices.Equal(info.Shape, want.shape) || !slices.Equal(values, want.values) {
			t.Errorf("%s: %v %v, %v", name, info.Shape, values, err)
		}
	}
}

// A graph that is cut or says what cannot be is an error that says so.
func TestBadGraph(t *testing.T) {
	whole := frozen()
	for n := 1; n < len(whole); n++ {
		if _, err := openBytes(whole[:n]); err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	bad := map[string][]byte{
		"past the end":     whole[:100],
		"has 12 bytes":     node("a/b", "Const", 1, []int{1 << 30, 1 << 30}, floats(3)),
		"appears twice":    slices.Concat(node("a/b", "Const", 1, []int{3}, floats(3)), node("a/b", "Const", 1, []int{3}, floats(3))),
		"frozen?":          node("a/b", "VariableV2", 1, nil, nil),
		"a dimension of 1": node("a/b", "Const", 1, []int{1, 1, 1, 1, 1, 1, 1, 1, 1}, floats(1)),
	}
	if wide := uint64(1) << 32; math.MaxInt > math.MaxInt32 {
		bad["of 4294967296"] = node("a/b", "Const", 1, []int{int(wide)}, floats(3))
	}
	for says, b := range bad {
		if _, err := openBytes(b); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func FuzzFrozenGraph(f *testing.F) {
	f.Add(frozen())
	f.Add(frozen()[:150])
	f.Add(node("a/b", "Const", 19, []int{2, 3}, floats(3)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if file, err := openBytes(data); err == nil {
			checkFile(t, file, len(data))
		}
	})
}

// The size that a graph of the Object Detection API scales pictures to is told.
func TestResized(t *testing.T) {
	size := protowire.AppendFixed32(protowire.AppendFixed32(nil, 300), 200)
	for name, want := range map[string][2]int{"Preprocessor/map/while/ResizeImage/stack": {300, 200}, "Preprocessor/map/while/stack": {}} {
		content := slices.Concat(node(name, "Const", typeInt32, []int{2}, size), node("net/gamma", "Const", 1, []int{3}, floats(3)))
		f, err := NewFile(strings.NewReader(string(content)), int64(len(content)), "graph.pb")
		if err != nil {
			t.Fatal(err)
		}
		if h, w := f.Resized(); h != want[0] || w != want[1] || len(f.Names()) != 1 {
			t.Errorf("%s: %d×%d, tensors %v", name, h, w, f.Names())
		}
	}
}
