package autodiff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/testkit"
	"github.com/mixnet-go/mixnet/tensor"
)

// Every operator of package graph can be trained.
func TestEveryOperator(t *testing.T) {
	all, err := testkit.Operators()
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.Shape{N: 2, H: 6, W: 5, C: testkit.OperatorChannels}
	for name, g := range all {
		t.Run(name, func(t *testing.T) {
			net, err := autodiff.New[float32](g, in, autodiff.Options{Threads: 2, InputGrad: true})
			if err != nil {
				t.Fatal(err)
			}
			defer net.Close()
			v, grads := testkit.Values[float32](g), graph.NewValues[float32](g)
			if err := net.Train(testkit.Input[float32](in), v, 0); err != nil {
				t.Fatal(err)
			}
			if want := net.OutputShape(0); len(net.Output(0)) != want.Len() || want.C != g.Outputs[0].Channels {
				t.Errorf("%d outputs of shape %v", len(net.Output(0)), want)
			}
			if err := net.Backward([][]float32{slices.Clone(net.Output(0))}, v, grads); err != nil {
				t.Fatal(err)
			}
			if len(net.InputGrad()) != in.Len() {
				t.Errorf("%d gradients of the input, want %d", len(net.InputGrad()), in.Len())
			}
		})
	}
}

// An operator that cannot be trained is an error that names it.
func TestUnknownOperator(t *testing.T) {
	g, err := testkit.Unknown()
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.Shape{N: 2, H: 6, W: 5, C: testkit.OperatorChannels}
	if _, err := autodiff.New[float32](g, in, autodiff.Options{}); err == nil || !strings.Contains(err.Error(), "op: operator unknown") {
		t.Errorf("error %v", err)
	}
}
