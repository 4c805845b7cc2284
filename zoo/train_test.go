package zoo_test

import (
	"compress/gzip"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

// architectures are networks that together have every kind of block of the
// zoo, narrow ones where there is a choice. The gradients of others, and of
// deeper and wider ones, are compared with PyTorch's in package autodiff.
var architectures = []string{
	"mixnet_tiny", "mixnet_s", "mobilenetv1_025", "mobilenetv2_035@mix=5,partition=exponential", "mobilenetv3_small_050",
	"semnasnet_035", "mnasnet_050", "fbnet_a", "proxylessnas_mobile", "tf_efficientnet_lite0",
	"shufflenet_v1_g3_x0_5", "shufflenet_v2_x0_5", "shufflenet_v2_proj_x1_0", "nasnet_a_mobile", "darts_v1", "darts_v2", "resnet18",
}

// trained returns the networks to train and to check the gradients of:
// architectures, or with MIXNET_ALL_NETWORKS the whole zoo, which takes a
// quarter of an hour.
func trained(t *testing.T) []string {
	if testing.Short() {
		t.Skip("slow")
	}
	if !testkit.All() {
		return architectures
	}
	var names []string
	for _, s := range zoo.List() {
		names = append(names, s.About().Name)
	}
	return names
}

// build returns a network for grey images and ten classes, without anything
// random.
func build(t *testing.T, name string) *graph.Graph {
	t.Helper()
	s, err := zoo.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Build(zoo.Options{Classes: 10, Channels: 1, DropRate: new(0.0), DropPath: new(0.0)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The gradient of every network is the slope of its loss along a random
// direction in the space of its parameters, in float64.
func TestGradients(t *testing.T) {
	for _, name := range trained(t) {
		t.Run(name, func(t *testing.T) {
			g := build(t, name)
			in := tensor.Shape{N: 3, H: 33, W: 33, C: 1}
			net, err := autodiff.New[float64](g, in, autodiff.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(5) {
				slope, far, near, limit := slopes(t, g, net, in, seed)
				if math.Abs(far-near) > limit {
					continue // a kink of ReLU or of a maximum lies between
				}
				if !(math.Abs(near-slope) <= limit) {
					t.Errorf("slope %g, gradient says %g ± %.2g", near, slope, limit)
				}
				return
			}
			t.Error("the loss has a kink wherever it was tried")
		})
	}
}

// slopes returns the slope of a random loss along a random direction as the
// gradient has it, as two points and as two nearer ones have it, and how far
// apart they may be.
func slopes(t *testing.T, g *graph.Graph, net *autodiff.Net[float64], in tensor.Shape, seed uint64) (gradient, far, near, limit float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, seed))
	normal := func(v []float64) {
		for i := range v {
			v[i] = rng.NormFloat64()
		}
	}
	start := graph.NewValues[float32](g)
	g.Initialize(start, 1)
	params, direction, grads := graph.NewValues[float64](g), graph.NewValues[float64](g), graph.NewValues[float64](g)
	for i, p := range g.Params {
		for j, x := range start[i] {
			params[i][j] = float64(x)
		}
		if p.Trainable() {
			normal(direction[i])
		}
		if p.Kind == graph.Beta {
			normal(params[i]) // away from the kink of ReLU
		}
	}
	x := tensor.New[float64](in)
	normal(x.Data)
	weights := make([]float64, in.N*10)
	normal(weights)
	at := 0.0
	loss := func(to float64) float64 {
		for i := range params {
			for j, d := range direction[i] {
				params[i][j] += (to - at) * d
			}
		}
		at = to
		if err := net.Train(x, params, 0); err != nil {
			t.Fatal(err)
		}
		var sum float64
		for i, w := range weights {
			sum += w * net.Output(0)[i]
		}
		return sum
	}
	loss(0)
	if err := net.Backward([][]float64{weights}, params, grads); err != nil {
		t.Fatal(err)
	}
	var norm float64
	for i := range grads {
		for j, d := range direction[i] {
			gradient += grads[i][j] * d
			norm += grads[i][j] * grads[i][j]
		}
	}
	const h = 1e-11 // small: the loss has kinks everywhere
	far = (loss(h) - loss(-h)) / (2 * h)
	near = (loss(h/8) - loss(-h/8)) / (h / 4)
	return gradient, far, near, 1e-4 * math.Sqrt(norm)
}

// Every network lowers its loss on real images within 20 steps.
func TestTraining(t *testing.T) {
	names := trained(t)
	in := tensor.Shape{N: 16, H: 28, W: 28, C: 1}
	pixels, labels := fashionFile(t, "train-images-idx3-ubyte.gz", 16), fashionFile(t, "train-labels-idx1-ubyte.gz", 8)
	x := tensor.New[float32](in)
	for i := range x.Data {
		x.Data[i] = (float32(pixels[i])/255 - 0.286) / 0.353
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			g := build(t, name)
			net, err := autodiff.New[float32](g, in, autodiff.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			params, grads := graph.NewValues[float32](g), graph.NewValues[float32](g)
			moments, squares := graph.NewValues[float32](g), graph.NewValues[float32](g)
			g.Initialize(params, 1)
			slope := make([]float32, in.N*10)
			var first, last float64
			for step := range 20 {
				if err := net.Train(x, params, 0); err != nil {
					t.Fatal(err)
				}
				last = crossEntropy(net.Output(0), labels[:in.N], slope)
				if step == 0 {
					first = last
				}
				for i := range grads {
					clear(grads[i])
				}
				if err := net.Backward([][]float32{slope}, params, grads); err != nil {
					t.Fatal(err)
				}
				adam(params, grads, moments, squares, step+1)
			}
			if !(last < 0.5*first) {
				t.Errorf("loss %.3f after 20 steps, %.3f before", last, first)
			}
		})
	}
}

// adam takes a step of Adam at rate 0.002.
func adam(params, grads, moments, squares graph.Values[float32], step int) {
	rate := float32(0.002 * math.Sqrt(1-math.Pow(0.999, float64(step))) / (1 - math.Pow(0.9, float64(step))))
	for i := range grads {
		for j, d := range grads[i] {
			moments[i][j] = 0.9*moments[i][j] + 0.1*d
			squares[i][j] = 0.999*squares[i][j] + 0.001*d*d
			params[i][j] -= rate * moments[i][j] / (float32(math.Sqrt(float64(squares[i][j]))) + 1e-8)
		}
	}
}

// crossEntropy returns the mean loss of logits, ten an image, and stores its
// gradient.
func crossEntropy(logits []float32, labels []byte, slope []float32) float64 {
	var loss float64
	n := float64(len(labels))
	for i, label := range labels {
		l := logits[10*i:][:10]
		var sum float64
		top := slices.Max(l)
		for _, v := range l {
			sum += math.Exp(float64(v - top))
		}
		loss -= (float64(l[label]-top) - math.Log(sum)) / n
		for c, v := range l {
			slope[10*i+c] = float32(math.Exp(float64(v-top)) / sum / n)
		}
		slope[10*i+int(label)] -= float32(1 / n)
	}
	return loss
}

// fashionFile returns an embedded file of Fashion-MNIST without its header.
func fashionFile(t *testing.T, name string, header int) []byte {
	t.Helper()
	f, err := fashion.FS().Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil || len(b) < header {
		t.Fatalf("%d bytes: %v", len(b), err)
	}
	return b[header:]
}
