package quantize

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/onnx"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// ONNX Runtime, computing the file of a quantized network in floats, comes to
// the same codes, at most one apart, as every layer does on ONNX Runtime's input
// of it; optimized, it computes all convolutions in whole numbers, and so does
// OpenVINO. MIXNET_ONNX_PYTHON names a Python that has them.
func TestSameCodesInRuntime(t *testing.T) {
	python := os.Getenv("MIXNET_ONNX_PYTHON")
	if python == "" {
		t.Skip("MIXNET_ONNX_PYTHON is not set: files are not run by others")
	}
	m, loader, judge := clothes(t, 32, 64)
	r, err := Run(context.Background(), m, loader, judge, true, Options{Exact: true})
	if err != nil {
		t.Fatal(err)
	}
	x := images(t, judge)
	s := testSameCodes(t, python, r, x)
	testOptimized(t, python, s, r, x)
}

// The same of larger networks, without training.
func TestSameCodesOfNetworks(t *testing.T) {
	python := os.Getenv("MIXNET_ONNX_PYTHON")
	if python == "" {
		t.Skip("MIXNET_ONNX_PYTHON is not set: files are not run by others")
	}
	for _, name := range []string{"mixnet_s", "mobilenetv1_100", "mobilenetv2_100", "mobilenetv3_large_100"} {
		t.Run(name, func(t *testing.T) {
			spec, err := zoo.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			m, err := model.New(spec, zoo.Options{}, []string{"a", "b", "c"}, 1)
			if err != nil {
				t.Fatal(err)
			}
			loader := shades(t, m, 64, 8)
			r, err := Run(context.Background(), m, loader, loader, false, Options{Exact: true, Agreement: -1})
			if err != nil {
				t.Fatal(err)
			}
			testSameCodes(t, python, r, images(t, shades(t, m, 64, 2)))
		})
	}
}

// shades returns a loader of n pictures of colors that run into each other, a
// batch of all, of a size that a network is given.
func shades(t *testing.T, m *model.Model, size, n int) *data.Loader {
	t.Helper()
	var files data.Pictures
	for i := range n {
		img := image.NewRGBA(image.Rect(0, 0, size, size))
		for y := range size {
			for x := range size {
				wave := func(c int) uint8 {
					return uint8(127.5 + 127.5*math.Sin(float64((x*(i+1)+y*(c+2))*(c+1))/(3*float64(i+4))))
				}
				img.SetRGBA(x, y, color.RGBA{wave(0), wave(1), wave(2), 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "shades.png")
		if err := os.WriteFile(name, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	p := m.Preprocess()
	p.Size = [2]int{size, size}
	l, err := data.NewLoader(files, data.Config{Preprocess: p, Batch: n})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// testSameCodes compares the layers of a model with ONNX Runtime's.
func testSameCodes(t *testing.T, python string, r *Result, x *tensor.Tensor) *scheme {
	t.Helper()
	all := *r.Model
	g := *all.Graph
	all.Graph = &g
	var ids []graph.ID
	var names []string
	for i := range g.Nodes {
		if _, ok := r.Model.Quantization.Codes[graph.ID(i)]; ok {
			ids = append(ids, graph.ID(i))
			names = append(names, fmt.Sprintf("node %d", i))
			g.Outputs = append(slices.Clip(g.Outputs), graph.Output{Name: names[len(names)-1], ID: graph.ID(i)})
		}
	}
	theirs, _ := inRuntime(t, python, &all, onnx.ForRuntime, names, x)
	shapes, err := g.Shapes(x.Shape)
	if err != nil {
		t.Fatal(err)
	}
	of := map[graph.ID]*tensor.Tensor{}
	for _, id := range ids {
		n := shapes[id].Len()
		code := all.Quantization.Codes[id]
		for i, v := range theirs[:n] { // perhaps before it is rounded
			theirs[i] = code.Value(code.Round(v))
		}
		of[id] = &tensor.Tensor{Shape: shapes[id], Data: theirs[:n]}
		theirs = theirs[n:]
	}
	s, err := newScheme(r.Model.Graph)
	if err != nil {
		t.Fatal(err)
	}
	differ, values := 0, 0
	for _, u := range s.units {
		for _, nodes := range u.steps(r.Model.Quantization) {
			end := nodes[len(nodes)-1]
			y := layer(t, r.Model, nodes, of[g.Nodes[nodes[0]].Inputs[0]])
			code := all.Quantization.Codes[end]
			for j, v := range y.Data {
				w := of[end].Data[j]
				d := math.Abs(float64(code.Round(v)) - float64(code.Round(w)))
				if d > 1 {
					t.Fatalf("%s: value %d is %g, in ONNX Runtime %g: %g codes apart", g.Nodes[end].Name, j, v, w, d)
				}
				if d > 0 {
					differ++
				}
			}
			values += len(y.Data)
		}
	}
	if differ > values/5000 {
		t.Errorf("%d of %d codes differ", differ, values)
	}
	return s
}

// steps returns the nodes of a unit, apart where a code lies between them.
func (u *unit) steps(q *graph.Quantization) [][]graph.ID {
	if _, ok := q.Codes[u.pre]; ok && u.pre != u.end {
		return [][]graph.ID{slices.Compact([]graph.ID{u.conv, u.pre}), {u.end}}
	}
	return [][]graph.ID{slices.Compact([]graph.ID{u.conv, u.pre, u.end})}
}

// layer computes nodes of a model, one after the other, on what the input of the
// first is.
func layer(t *testing.T, m *model.Model, nodes []graph.ID, x *tensor.Tensor) *tensor.Tensor {
	t.Helper()
	q := m.Quantization
	g := &graph.Graph{Name: "layer", Nodes: []graph.Node{{Name: "input", Op: &graph.Input{C: x.Shape.C}}}, Params: m.Graph.Params}
	in := m.Graph.Nodes[nodes[0]].Inputs[0]
	part := &graph.Quantization{Exact: q.Exact, Scales: q.Scales, Codes: map[graph.ID]graph.Code{0: q.Codes[in]}}
	last := graph.ID(0)
	for i, id := range nodes {
		n := m.Graph.Nodes[id]
		n.Inputs = []graph.ID{last}
		g.Nodes = append(g.Nodes, n)
		last++
		if c, ok := q.Codes[id]; ok && (i > 0 || len(nodes) == 1) {
			part.Codes[last] = c
		}
	}
	g.Outputs = []graph.Output{{Name: "y", ID: last}}
	p, err := engine.Compile(g, m.Values, engine.Options{Quantization: part})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	y, err := p.Outputs(t.Context(), x, "y")
	if err != nil {
		t.Fatal(err)
	}
	return y[0]
}
