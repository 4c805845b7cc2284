package objects

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train/task"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/zoo"
)

const side = 96

func newTask(kind detect.LossKind) *Task {
	return &Task{Anchors: detect.Anchors{Style: detect.TensorFlow, ReduceLowest: true}, Config: detect.LossConfig{Kind: kind}, Classes: 2}
}

// batch is of three images, one of them without objects.
func batch() *data.Batch {
	x := tensor.New[float32](tensor.Shape{N: 3, H: side, W: side, C: 3})
	return &data.Batch{Images: *x, Targets: []data.Target{
		boxes.Objects{{Box: vision.Box{X0: 10, Y0: 20, X1: 50, Y1: 70}, Class: 1}, {Box: vision.Box{X0: 60, Y0: 5, X1: 90, Y1: 40}}},
		nil,
		boxes.Objects{{Box: vision.Box{X0: 0, Y0: 0, X1: 96, Y1: 90}}},
	}}
}

// outputs are those of a detector for the batch, filled by value.
func outputs(t *testing.T, k *Task, value func() float32) []task.Output {
	t.Helper()
	spec, err := zoo.Lookup("mobilenetv2_035_ssdlite96")
	if err != nil {
		t.Fatal(err)
	}
	g, err := spec.Build(zoo.Options{Classes: k.Classes})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Check(g, &data.Memory{Names: []string{"cat", "dog"}}); err != nil {
		t.Fatal(err)
	}
	shapes, err := g.Shapes(tensor.Shape{N: 3, H: side, W: side, C: 3})
	if err != nil {
		t.Fatal(err)
	}
	var all []task.Output
	for _, o := range g.Losses() {
		s := shapes[o.ID]
		out := task.Output{Output: o, Shape: s, Value: make([]float32, s.Len()), Grad: make([]float32, s.Len())}
		for i := range out.Value {
			out.Value[i] = value()
		}
		all = append(all, out)
	}
	return all
}

// The gradients of every map's outputs are the slopes of the loss along a
// random direction.
func TestGradient(t *testing.T) {
	for _, kind := range []detect.LossKind{detect.Focal, detect.Multibox} {
		k := newTask(kind)
		rng := rand.New(rand.NewPCG(1, 2))
		all := outputs(t, k, func() float32 { return float32(rng.NormFloat64() * 0.5) })
		b := batch()
		const scale = 0.25
		sums := make([]float64, 3)
		if err := k.Loss(b, all, scale, sums); err != nil {
			t.Fatal(err)
		}
		if math.Abs(sums[0]-sums[1]-sums[2]) > 1e-9*sums[0] || sums[1] <= 0 || sums[2] <= 0 {
			t.Errorf("%s: sums %v", kind, sums)
		}
		const step = 1e-3
		for i := range all {
			o := &all[i]
			grad := append([]float32(nil), o.Grad...)
			value := append([]float32(nil), o.Value...)
			slope := 0.0
			direction := make([]float32, len(value))
			for j := range direction {
				direction[j] = grad[j] * 4 // along the gradient, where the slope is steepest
				slope += float64(direction[j]) * float64(grad[j])
			}
			var at [2]float64
			for side, sign := range []float32{-1, 1} {
				for j := range value {
					o.Value[j] = value[j] + sign*step*direction[j]
				}
				s := make([]float64, 3)
				if err := k.Loss(b, all, scale, s); err != nil {
					t.Fatal(err)
				}
				at[side] = s[0]
			}
			copy(o.Value, value)
			if got := scale * (at[1] - at[0]) / (2 * step); math.Abs(got-slope) > 0.02*slope+1e-6 {
				t.Errorf("%s: %s: slope %g, gradient says %g", kind, o.Name, got, slope)
			}
		}
	}
}

// Outputs that say what the images show have an average precision of 1, others
// next to none.
func TestEvaluate(t *testing.T) {
	k := newTask(detect.Focal)
	all := outputs(t, k, func() float32 { return -12 })
	b := batch()
	if err := k.join(b, all); err != nil {
		t.Fatal(err)
	}
	set := &data.Memory{Names: []string{"cat", "dog"}}
	e := k.Evaluate(set)
	if err := e.Add(b, all); err != nil {
		t.Fatal(err)
	}
	if v := e.Values(); v[0] != 0 || v[1] != 0 {
		t.Errorf("nothing is found, and the precisions are %v", v)
	}
	for i, objects := range k.joined.objects {
		for a, m := range detect.Match(k.anchors, objects, detect.TensorFlow, nil) {
			if m < 0 {
				continue
			}
			code := detect.Code{Style: detect.TensorFlow}.Encode(objects[m].Box, k.anchors[a])
			at := 0
			for level, size := range k.maps {
				n := size[0] * size[1] * k.Anchors.PerPlace(level)
				if a < at+n {
					boxes, _ := task.Find(all, graph.Boxes(level))
					scores, _ := task.Find(all, graph.Scores(level))
					copy(boxes.Of(boxes.Value, i)[4*(a-at):], code[:])
					scores.Of(scores.Value, i)[3*(a-at)+objects[m].Slot] = 8
					break
				}
				at += n
			}
		}
	}
	e = k.Evaluate(set)
	if err := e.Add(b, all); err != nil {
		t.Fatal(err)
	}
	if v := e.Values(); v[0] < 0.999 || v[1] < 0.999 {
		t.Errorf("all is found, and the precisions are %v", v)
	}
}

// The biases that scores begin with are where the loss of anchors of no picture
// in particular has no slope: a quarter of them are of objects, of any class.
func TestPrior(t *testing.T) {
	spec, err := zoo.Lookup("mobilenetv2_035_ssdlite96")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []detect.LossKind{detect.Multibox, detect.Softmax, detect.Focal} {
		k, err := New(spec, 4, detect.LossConfig{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		g, err := spec.Build(zoo.Options{Classes: 4})
		if err != nil {
			t.Fatal(err)
		}
		values := graph.NewValues[float32](g)
		k.Prior(g, values, func(name string) bool { return name != "head.classification_head.module_list.0.1.bias" })
		seen := 0
		for i, p := range g.Params {
			switch {
			case len(p.Shape) == 1 && strings.HasPrefix(p.Name, "head.classification_head") && strings.HasSuffix(p.Name, ".1.1.bias"):
				seen++
				total := 0.0
				for s, z := range values[i][:5] {
					prob := 1 / (1 + math.Exp(-float64(z)))
					want := 0.0625
					if kind == detect.Softmax {
						prob = math.Exp(float64(z))
					}
					if kind == detect.Focal {
						want = focalPrior
					} else if s == 0 {
						want = 0.75
					}
					if total += prob; math.Abs(prob-want) > 1e-6 || values[i][s] != values[i][s+5] {
						t.Errorf("%s: slot %d begins with %g, want %g", kind, s, prob, want)
					}
				}
			case !strings.HasPrefix(p.Name, "head.classification_head") || strings.Contains(p.Name, "module_list.0."):
				for _, v := range values[i] {
					if v != 0 {
						t.Fatalf("%s: %s is changed", kind, p.Name)
					}
				}
			}
		}
		if seen != 1 {
			t.Errorf("%s: %d biases", kind, seen)
		}
	}
}
