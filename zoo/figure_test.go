package zoo

import (
	"fmt"
	"math"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
)

// TestFigure6 compares the multiply-adds of partitions and dilation with the
// FLOPS read off figure 6 of the MixConv paper, to about 0.5 M. The paper
// counts a constant more than convolutions and the classifier, and for dilation
// the padding of TensorFlow's space-to-batch.
func TestFigure6(t *testing.T) {
	for _, tc := range []struct {
		name, setting string
		constant      float64
		flops         []float64 // for g = 2 … 6
		within        float64
	}{
		{"mobilenetv1_100", "", 10.56, []float64{594.6, 614.6, 641.3, 669.7, 704.8}, 0.3},
		{"mobilenetv1_100", ",partition=exponential", 10.56, []float64{594.7, 606.4, 614.1, 618.8, 621.8}, 0.3},
		{"mobilenetv1_100", ",dilated", 10.56, []float64{582.3, 586.8, 592.2, 597.7, 605.0}, 2.5},
		{"mobilenetv2_100", "", 8.83, []float64{328.0, 352.1, 383.3, 417.9, 461.8}, 0.5},
		{"mobilenetv2_100", ",partition=exponential", 8.83, []float64{328.0, 341.8, 351.1, 356.8, 360.5}, 0.3},
		{"mobilenetv2_100", ",dilated", 8.83, []float64{313.5, 319.3, 326.1, 333.7, 343.8}, 2.5},
	} {
		for i, flops := range tc.flops {
			name := fmt.Sprintf("%s@mix=%d%s", tc.name, i+2, tc.setting)
			_, macs := count(t, name, Options{})
			if got := float64(macs)/1e6 + tc.constant; math.Abs(got-flops) > tc.within {
				t.Errorf("%s: %.2f M FLOPS, the figure has %.1f", name, got, flops)
			}
		}
	}
}

// TestFigure5 replaces one layer at a time: layers=3 changes only the fourth
// depthwise convolution, and leaves parameter names of the others alone.
func TestFigure5(t *testing.T) {
	whole, err := Lookup("mobilenetv2_100")
	if err != nil {
		t.Fatal(err)
	}
	g, err := whole.Build(Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := depthwise(g)
	for layer := range want {
		s, err := Lookup(fmt.Sprintf("mobilenetv2_100@mix=4,layers=%d", layer))
		if err != nil {
			t.Fatal(err)
		}
		g, err := s.Build(Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, op := range depthwise(g) {
			kernels := fmt.Sprint(kernelsOf(op))
			switch {
			case i == layer && kernels != "[3 5 7 9]":
				t.Errorf("layer %d has kernels %s, want 3, 5, 7, 9", i, kernels)
			case i != layer && kernels != "[3]":
				t.Errorf("layer %d replaced: layer %d has kernels %s", layer, i, kernels)
			case op.Stride != want[i].Stride || op.Channels() != want[i].Channels():
				t.Errorf("layer %d changed stride or width", i)
			}
		}
	}
}

// The remainder of an uneven split goes to the group of the smallest kernel;
// dilation spares strided layers.
func TestMixGroups(t *testing.T) {
	for _, tc := range []struct {
		name   string
		layer  int
		groups string
	}{
		{"mobilenetv1_100@mix=3", 0, "[{12 3 1} {10 5 1} {10 7 1}]"},
		{"mobilenetv1_100@mix=5", 0, "[{8 3 1} {6 5 1} {6 7 1} {6 9 1} {6 11 1}]"},
		{"mobilenetv1_100@mix=3", 1, "[{22 3 1} {21 5 1} {21 7 1}]"},
		{"mobilenetv1_100@mix=4,partition=exponential", 0, "[{16 3 1} {8 5 1} {4 7 1} {4 9 1}]"},
		{"mobilenetv1_100@mix=3,dilated", 0, "[{12 3 1} {10 3 2} {10 3 3}]"},
		{"mobilenetv1_100@mix=3,dilated", 1, "[{22 3 1} {21 5 1} {21 7 1}]"},
		{"mobilenetv1_100@kernels=3.13", 2, "[{64 3 1} {64 13 1}]"},
	} {
		s, err := Lookup(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		g, err := s.Build(Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(depthwise(g)[tc.layer].Groups); got != tc.groups {
			t.Errorf("%s: layer %d has groups %s, want %s", tc.name, tc.layer, got, tc.groups)
		}
	}
}

func depthwise(g *graph.Graph) []*graph.MixConv {
	var ops []*graph.MixConv
	for _, n := range g.Nodes {
		if op, ok := n.Op.(*graph.MixConv); ok {
			ops = append(ops, op)
		}
	}
	return ops
}

func kernelsOf(op *graph.MixConv) []int {
	var k []int
	for _, g := range op.Groups {
		k = append(k, g.Kernel)
	}
	return k
}
