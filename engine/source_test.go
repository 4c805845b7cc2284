package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// sourceFunc is a Source that reads into the buffer.
type sourceFunc func(id graph.ParamID, buf []float32) ([]float32, error)

func (f sourceFunc) Values(id graph.ParamID, buf []float32) ([]float32, error) { return f(id, buf) }

func TestCompileFromSource(t *testing.T) {
	spec, err := zoo.Lookup("mixnet_s")
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	read := sourceFunc(func(id graph.ParamID, buf []float32) ([]float32, error) {
		p := g.Params[id]
		if len(buf) != p.Len() {
			t.Errorf("%s: buffer of %d values, want %d", p.Name, len(buf), p.Len())
		}
		testkit.Param(buf, p.Name, p.Shape)
		return buf, nil
	})
	opts := Options{Threads: 2, Mean: []float32{0, 0, 0}, Std: []float32{1, 1, 1}}
	p, err := CompileFrom(g, read, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	in := tensor.Shape{N: 1, H: 40, W: 33, C: 3}
	x, got, want := testkit.Input[float32](in), logitsFor(p, 1), logitsFor(p, 1)
	ctx := context.Background()
	if err := errors.Join(p.Run(ctx, got, x), program(t, "mixnet_s", opts).Run(ctx, want, x)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Data, want.Data) {
		t.Error("logits differ from those of values in memory")
	}

	broken := errors.New("broken file")
	for i, param := range g.Params {
		if i%7 != 0 {
			continue
		}
		_, err := CompileFrom(g, sourceFunc(func(id graph.ParamID, buf []float32) ([]float32, error) {
			if id == graph.ParamID(i) {
				return nil, broken
			}
			return read(id, buf)
		}), opts)
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), param.Name) {
			t.Errorf("%s cannot be read: error %v", param.Name, err)
		}
	}
	short := sourceFunc(func(_ graph.ParamID, buf []float32) ([]float32, error) { return buf[1:], nil })
	if _, err := CompileFrom(g, short, opts); err == nil {
		t.Error("short parameters: no error")
	}
}
