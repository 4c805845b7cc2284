package autodiff_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// TestMixConvGolden compares MixConv alone, output and gradients, with timm's
// MixedConv2d.
func TestMixConvGolden(t *testing.T) {
	var cases []struct {
		C        int
		Kernels  []int
		Stride   int
		Padding  string
		HW       [2]int
		Names    []string
		Splits   [][]int
		OutShape []int `json:"out_shape"`
		Out, DX  testkit.Stat
		DW       map[string]testkit.Stat
	}
	readGzip(t, "../internal/kernel/testdata/mixconv.json.gz", &cases)
	for _, c := range cases {
		t.Run(fmt.Sprintf("C%d/%v/s%d%s/%v", c.C, c.Kernels, c.Stride, c.Padding, c.HW), func(t *testing.T) {
			spec := graph.MixSpec{Kernels: c.Kernels, Stride: c.Stride}
			if c.Padding == "same" {
				spec.Padding = graph.Same
			}
			b := graph.NewBuilder("mixconv", c.C)
			b.Output(graph.Logits, b.MixConv("m", b.Input(), spec))
			g, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			in := tensor.Shape{N: 1, H: c.HW[0], W: c.HW[1], C: c.C}
			n, err := autodiff.New[float32](g, in, autodiff.Options{Threads: 2, InputGrad: true})
			if err != nil {
				t.Fatal(err)
			}
			params, grads := graph.NewValues[float32](g), graph.NewValues[float32](g)
			for i := range params {
				testkit.Param(params[i], c.Names[i], c.Splits[i])
			}
			x := tensor.FromNCHW(in, scaled(testkit.Uniform("x", in.Len()), 4, -2))
			if err := n.Train(x, params, 0); err != nil {
				t.Fatal(err)
			}
			out := tensor.Shape{N: 1, C: c.OutShape[1], H: c.OutShape[2], W: c.OutShape[3]}
			if err := testkit.CheckTensor(c.Out, &tensor.Tensor{Shape: out, Data: n.Output(0)}, 1e-4); err != nil {
				t.Errorf("output: %v", err)
			}
			w := tensor.FromNCHW(out, scaled(testkit.Uniform("w", out.Len()), 2, -1))
			if err := n.Backward([][]float32{w.Data}, params, grads); err != nil {
				t.Fatal(err)
			}
			if err := testkit.CheckTensor(c.DX, &tensor.Tensor{Shape: in, Data: n.InputGrad()}, 1e-3); err != nil {
				t.Errorf("input gradient: %v", err)
			}
			for i, name := range c.Names {
				if err := c.DW[name].Check(testkit.Float64s(grads[i]), 1e-3); err != nil {
					t.Errorf("gradient of %s: %v", name, err)
				}
			}
		})
	}
}

func readGzip(t *testing.T, path string, v any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(z).Decode(v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func scaled(u []float64, scale, offset float64) []float32 {
	v := make([]float32, len(u))
	for i := range u {
		v[i] = float32(u[i]*scale + offset)
	}
	return v
}

// trainGolden is a zoo/testdata/golden/train_NAME.json.
type trainGolden struct {
	Model     string
	Input     [4]int
	Auxiliary float64
	Losses    []float64
	Grads     map[string]testkit.Stat `json:"first_step_gradients"`
}

// TestTrainGolden compares the loss and all gradients of a first training step
// with those of PyTorch in float64.
func TestTrainGolden(t *testing.T) {
	files, err := testkit.Golden("train")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var golden trainGolden
		if err := testkit.ReadJSON(file.Path, &golden); err != nil {
			t.Fatal(err)
		}
		t.Run(golden.Model, func(t *testing.T) { checkTrainGolden[float64](t, &golden, 1e-6, 1e-9) })
	}
}

// TestTrainGoldenFloat32 checks the single-precision kernels at every level. A
// value that rounding carries across the kink of a ReLU changes gradients by
// far more than rounding itself: hence the network without kinks, and the
// tolerance for the one with them.
func TestTrainGoldenFloat32(t *testing.T) {
	for name, tol := range map[string]float64{"mixnet_s_swish": 1e-3, "mixnet_s": 2e-2} {
		var golden trainGolden
		if err := testkit.ReadJSON("../zoo/testdata/golden/train_"+name+".json", &golden); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			cputest.Each(t, func(t *testing.T) { checkTrainGolden[float32](t, &golden, tol, 1e-6) })
		})
	}
}

// checkTrainGolden allows for differences of tol times the root mean square of
// each gradient. Some gradients are zero but for rounding, such as those of a
// shift before a batch norm: they may differ by floor.
func checkTrainGolden[T tensor.Float](t *testing.T, golden *trainGolden, tol, floor float64) {
	none := 0.0
	g, err := spec(t, golden.Model).Build(zoo.Options{DropRate: &none, DropPath: &none, Aux: golden.Auxiliary > 0})
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.Shape{N: golden.Input[0], C: golden.Input[1], H: golden.Input[2], W: golden.Input[3]}
	n, err := autodiff.New[T](g, in, autodiff.Options{Threads: 2}.RedoAll())
	if err != nil {
		t.Fatal(err)
	}
	params, grads := testkit.Values[T](g), graph.NewValues[T](g)
	if err := n.Train(testkit.Input[T](in), params, 0); err != nil {
		t.Fatal(err)
	}
	loss := 0.0
	var dOut [][]T
	for i := range n.Outputs() {
		weight := 1.0
		if i > 0 {
			weight = golden.Auxiliary
		}
		l, d := smoothed(n.Output(i), in.N, weight)
		loss += l
		dOut = append(dOut, d)
	}
	if math.Abs(loss-golden.Losses[0]) > max(tol*1e-1, 1e-7)*golden.Losses[0] {
		t.Errorf("loss %.9g, want %.9g", loss, golden.Losses[0])
	}
	if err := n.Backward(dOut, params, grads); err != nil {
		t.Fatal(err)
	}
	for i, p := range g.Params {
		if !p.Trainable() {
			continue
		}
		want, ok := golden.Grads[p.Name]
		if !ok {
			t.Fatalf("no golden gradient of %s", p.Name)
		}
		if err := want.Check(testkit.Float64s(grads[i]), max(tol, floor/want.RMS)); err != nil {
			t.Errorf("gradient of %s: %v", p.Name, err)
		}
	}
}

// smoothed is weight times the cross-entropy of the golden files, label
// smoothing 0.1 and labels (7i+3) mod 1000, and its gradient.
func smoothed[T tensor.Float](logits []T, batch int, weight float64) (loss float64, grad []T) {
	classes := len(logits) / batch
	grad = make([]T, len(logits))
	weight /= float64(batch)
	for i := range batch {
		row := logits[i*classes:][:classes]
		top, sum := math.Inf(-1), 0.0
		for _, x := range row {
			top = max(top, float64(x))
		}
		for _, x := range row {
			sum += math.Exp(float64(x) - top)
		}
		for j, x := range row {
			target := 0.1 / float64(classes)
			if j == (7*i+3)%1000 {
				target += 0.9
			}
			logp := float64(x) - top - math.Log(sum)
			loss -= weight * target * logp
			grad[i*classes+j] = T(weight * (math.Exp(logp) - target))
		}
	}
	return loss, grad
}

// spec returns a network of the zoo, with swish for ReLU if its name says so.
func spec(t *testing.T, name string) zoo.Spec {
	name, swish := strings.CutSuffix(name, "_swish")
	s, err := zoo.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	if swish {
		n := s.(zoo.Network)
		n.Act = graph.Swish
		return n
	}
	return s
}
