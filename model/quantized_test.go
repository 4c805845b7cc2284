package model

import (
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// whole returns a small model whose weights are whole numbers.
func whole(t testing.TB) *Model {
	t.Helper()
	spec, err := zoo.Lookup("mixnet_tiny")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(spec, zoo.Options{}, []string{"a", "b", "c"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	q := &graph.Quantization{Codes: map[graph.ID]graph.Code{}, Scales: map[graph.ParamID][]float32{}}
	for i, p := range m.Graph.Params {
		if p.Kind != graph.Weight {
			continue
		}
		scales := make([]float32, p.Shape[0])
		n := p.Len() / len(scales)
		for c := range scales {
			scales[c] = 0.01 + 0.001*float32(c)
			for j := range n {
				m.Values[i][c*n+j] = float32((c*31+j*7)%255-127) * scales[c]
			}
		}
		q.Scales[graph.ParamID(i)] = scales
	}
	for i := range m.Graph.Nodes {
		q.Codes[graph.ID(i)] = graph.Code{Scale: 0.1 / float32(i+3), Zero: uint8(i)}
	}
	m.Quantization = q
	return m
}

// A quantized model is read as it was saved, its weights as bytes.
func TestQuantizedFile(t *testing.T) {
	m := whole(t)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for id := range m.Quantization.Scales {
		if info, _ := f.Info(m.Graph.Params[id].Name); info.DType != weights.I8 {
			t.Errorf("%s is stored as %v", info.Name, info.DType)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Quantization, m.Quantization) || !reflect.DeepEqual(again.Values, m.Values) {
		t.Error("what is read is not what was saved")
	}
	if err := m.SaveHalf(path); err == nil {
		t.Error("whole numbers saved as halves")
	}
	m.Values[0][1] += 0.003
	if err := m.Save(path); err == nil || !strings.Contains(err.Error(), "whole number") {
		t.Errorf("weights between whole numbers: %v", err)
	}
}

// What cannot be is an error that says which layer is wrong.
func TestQuantizedFileRefused(t *testing.T) {
	m := whole(t)
	meta, err := m.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if err := addQuantization(meta, m.Graph, m.Quantization); err != nil {
		t.Fatal(err)
	}
	tensors, err := weights.Tensors("", m.Graph, m.Values)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range m.Graph.Params {
		if scales := m.Quantization.Scales[graph.ParamID(i)]; scales != nil {
			c, err := codes(p, m.Values[i], scales)
			if err != nil {
				t.Fatal(err)
			}
			tensors[i] = weights.NewTensor(p.Name, p.Shape, c)
		}
	}
	stem := m.Graph.Params[0].Name
	lowest := make([]int8, m.Graph.Params[0].Len())
	lowest[5] = -128
	for name, test := range map[string]struct {
		change func(q map[string]map[string]any, tensors []weights.Tensor)
		want   string
	}{
		"zero scale":     {func(q map[string]map[string]any, _ []weights.Tensor) { q["weights"][stem].([]any)[1] = 0 }, "channel 1: a scale of 0"},
		"negative scale": {func(q map[string]map[string]any, _ []weights.Tensor) { q["weights"][stem].([]any)[1] = -1 }, "a scale of -1"},
		"huge scale":     {func(q map[string]map[string]any, _ []weights.Tensor) { q["weights"][stem].([]any)[1] = 1e30 }, "a scale of 1e+30"},
		"no number":      {func(q map[string]map[string]any, _ []weights.Tensor) { q["weights"][stem].([]any)[1] = "NaN" }, "quantization"},
		"missing scales": {func(q map[string]map[string]any, _ []weights.Tensor) { delete(q["weights"], stem) }, "without scales"},
		"few scales":     {func(q map[string]map[string]any, _ []weights.Tensor) { q["weights"][stem] = []any{1} }, "cannot have 1 scales"},
		"unknown layer": {func(q map[string]map[string]any, _ []weights.Tensor) {
			q["results"]["x"] = map[string]any{"scale": 1, "zero": 0}
		}, `no layer "x"`},
		"result scale": {func(q map[string]map[string]any, _ []weights.Tensor) {
			q["results"]["input"] = map[string]any{"scale": 0, "zero": 0}
		}, "result of input"},
		"zero point": {func(q map[string]map[string]any, _ []weights.Tensor) {
			q["results"]["input"] = map[string]any{"scale": 1, "zero": 256}
		}, "256"},
		"floats": {func(_ map[string]map[string]any, s []weights.Tensor) {
			s[0] = weights.NewTensor(stem, s[0].Shape, m.Values[0])
		}, "it is F32"},
		"-128": {func(_ map[string]map[string]any, s []weights.Tensor) {
			s[0] = weights.NewTensor(stem, s[0].Shape, lowest)
		}, "less than -127"},
	} {
		t.Run(name, func(t *testing.T) {
			var q map[string]map[string]any
			if err := json.Unmarshal([]byte(meta[keyQuantization]), &q); err != nil {
				t.Fatal(err)
			}
			changed := append([]weights.Tensor(nil), tensors...)
			test.change(q, changed)
			text, err := json.Marshal(q)
			if err != nil {
				t.Fatal(err)
			}
			all := maps.Clone(meta)
			all[keyQuantization] = string(text)
			path := filepath.Join(t.TempDir(), "m.safetensors")
			if err := weights.WriteFile(path, changed, all); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(path, Options{}); !errors.Is(err, weights.ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one about %s", err, test.want)
			}
		})
	}
}

// Whatever the metadata say of a quantization is an error or one that is written
// as metadata which read the same.
func FuzzQuantization(f *testing.F) {
	m := whole(f)
	meta := map[string]string{}
	if err := addQuantization(meta, m.Graph, m.Quantization); err != nil {
		f.Fatal(err)
	}
	f.Add(meta[keyQuantization])
	f.Add(`{"exact":true,"results":{"input":{"scale":0.1,"zero":3}},"weights":{}}`)
	f.Add(`{"results":{"input":{"scale":1e-40,"zero":3}},"weights":{"conv_stem.weight":[]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseQuantization(map[string]string{keyQuantization: text}, m.Graph)
		if err != nil {
			return
		}
		again := map[string]string{}
		if err := addQuantization(again, m.Graph, q); err != nil {
			t.Fatal(err)
		}
		if r, err := parseQuantization(again, m.Graph); err != nil || !reflect.DeepEqual(r, q) {
			t.Fatalf("%v: %+v, was %+v", err, r, q)
		}
	})
}
