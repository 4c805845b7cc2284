package testkit

import (
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/mixnet-go/mixnet/tensor"
)

// Stat is what a golden file holds of a tensor: moments, and samples at flat
// indices in PyTorch's order.
type Stat struct {
	N    int       `json:"n"`
	Mean float64   `json:"mean"`
	RMS  float64   `json:"rms"`
	At   []int     `json:"at"`
	Val  []float64 `json:"val"`
}

// Forward is a golden file of a network in evaluation mode.
type Forward struct {
	Model  string           `json:"model"`
	Params int64            `json:"params"`
	BNEps  float64          `json:"bn_eps"`
	Shapes map[string][]int `json:"params_shapes"`
	Runs   []ForwardRun     `json:"runs"`
}

// ForwardRun is one input size: the output of every block, and the logits.
type ForwardRun struct {
	Input  [4]int          `json:"input"` // N, C, H, W
	Blocks map[string]Stat `json:"blocks"`
	Logits []float64       `json:"logits"`
}

// Shape returns the input's shape.
func (r ForwardRun) Shape() tensor.Shape {
	return tensor.Shape{N: r.Input[0], C: r.Input[1], H: r.Input[2], W: r.Input[3]}
}

// ReadJSON reads a golden file into v.
func ReadJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Check compares values in PyTorch's order with s. Samples and moments may
// differ by tol times the tensor's root mean square.
func (s Stat) Check(values []float64, tol float64) error {
	if len(values) != s.N {
		return fmt.Errorf("%d values, want %d", len(values), s.N)
	}
	var sum, squares float64
	for _, v := range values {
		sum += v
		squares += v * v
	}
	n := float64(s.N)
	limit := tol * s.RMS
	check := func(what string, got, want float64) error {
		if !(math.Abs(got-want) <= limit) {
			return fmt.Errorf("%s = %g, want %g ± %.2g", what, got, want, limit)
		}
		return nil
	}
	for i, at := range s.At {
		if err := check(fmt.Sprintf("value %d of %d", at, s.N), values[at], s.Val[i]); err != nil {
			return err
		}
	}
	if err := check("mean", sum/n, s.Mean); err != nil {
		return err
	}
	return check("rms", math.Sqrt(squares/n), s.RMS)
}

// CheckTensor compares a feature map with s, as Check does.
func CheckTensor[T tensor.Float](s Stat, x *tensor.Dense[T], tol float64) error {
	return s.Check(Float64s(x.NCHW()), tol)
}

// Close reports the largest difference between got and want when it exceeds
// tol times the root mean square of want.
func Close[A, B tensor.Float](got []A, want []B, tol float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d values, want %d", len(got), len(want))
	}
	var squares float64
	for _, w := range want {
		squares += float64(w) * float64(w)
	}
	limit := tol * math.Sqrt(squares/float64(max(len(want), 1)))
	worst, at := limit, -1
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if !(d <= worst) {
			worst, at = d, i
			if math.IsNaN(d) {
				break
			}
		}
	}
	if at >= 0 {
		return fmt.Errorf("value %d of %d = %g, want %g ± %.2g", at, len(want), got[at], want[at], limit)
	}
	return nil
}

// Float64s converts values to float64.
func Float64s[T tensor.Float](v []T) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}
