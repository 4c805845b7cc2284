package classify

import (
	"math"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train/optim"
	"github.com/mixnet-go/mixnet/zoo"
)

// stepsGolden is a zoo/testdata/golden/train_NAME.json.
type stepsGolden struct {
	Model     string
	Input     [4]int
	Auxiliary float64
	Losses    []float64
	Running   map[string]testkit.Stat `json:"running_after"`
}

// TestStepsEqualPyTorch follows PyTorch through several steps of timm's
// RMSpropTF with label smoothing and weight decay, in float64. Starting from
// the golden weights, some networks multiply a difference by thousands in each
// step, so that even rounding in the last place shows after four.
func TestStepsEqualPyTorch(t *testing.T) {
	files, err := testkit.Golden("train")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var golden stepsGolden
		if err := testkit.ReadJSON(file.Path, &golden); err != nil {
			t.Fatal(err)
		}
		if golden.Auxiliary > 0 && !testkit.All() {
			continue // minutes, for heads whose gradients package autodiff compares
		}
		t.Run(golden.Model, func(t *testing.T) {
			tol := 1e-3
			if strings.HasPrefix(golden.Model, "mixnet_s") || golden.Model == "resnet18" {
				tol = 1e-6
			}
			checkSteps[float64](t, &golden, tol)
		})
	}
}

// Single precision drifts by its rounding, which kinks would magnify.
func TestStepsEqualPyTorchFloat32(t *testing.T) {
	var golden stepsGolden
	if err := testkit.ReadJSON("../../zoo/testdata/golden/train_mixnet_s_swish.json", &golden); err != nil {
		t.Fatal(err)
	}
	checkSteps[float32](t, &golden, 1e-3)
}

func checkSteps[T tensor.Float](t *testing.T, golden *stepsGolden, tol float64) {
	none := 0.0
	g, err := spec(t, golden.Model).Build(zoo.Options{DropRate: &none, DropPath: &none, Aux: golden.Auxiliary > 0})
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.Shape{N: golden.Input[0], C: golden.Input[1], H: golden.Input[2], W: golden.Input[3]}
	memory := autodiff.NewMemory(2)
	n, err := autodiff.New[T](g, in, autodiff.Options{Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	u, err := optim.New[T](recipe.Optimizer{Kind: recipe.RMSProp, WeightDecay: 1e-5}, g, func(graph.ParamID) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	x, params, grads := testkit.Input[T](in), testkit.Values[T](g), graph.NewValues[T](g)
	labels := make([]int, in.N)
	for i := range labels {
		labels[i] = (7*i + 3) % 1000
	}
	for step, want := range golden.Losses {
		if err := n.Train(x, params, 0); err != nil {
			t.Fatal(err)
		}
		loss := 0.0
		dOut := make([][]T, n.Outputs())
		for i := range dOut {
			weight := g.Losses()[i].Loss / float64(in.N)
			dOut[i] = make([]T, len(n.Output(i)))
			sum, _ := CrossEntropy(n.Output(i), Targets{Labels: labels, Smoothing: 0.1}, weight, dOut[i])
			loss += weight * sum
		}
		if math.Abs(loss-want) > max(tol/5, 1e-7)*want {
			t.Errorf("loss before step %d is %.9g, want %.9g", step, loss, want)
		}
		for _, g := range grads {
			clear(g)
		}
		if err := n.Backward(dOut, params, grads); err != nil {
			t.Fatal(err)
		}
		u.Step(memory.Pool(), params, grads, step, 0.001)
	}
	for i, p := range g.Params {
		if p.Trainable() {
			continue
		}
		want, ok := golden.Running[p.Name]
		if !ok {
			t.Fatalf("no golden value of %s", p.Name)
		}
		if err := want.Check(testkit.Float64s(params[i]), tol); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
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
