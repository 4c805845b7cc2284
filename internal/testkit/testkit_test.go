package testkit

import "testing"

// The values were computed by the Python rule.
func TestUniformEqualsPythonRule(t *testing.T) {
	got := Uniform("conv_stem.weight", 3)
	for i, want := range [...]float64{7877060, 7234365, 4273038} {
		if got[i]*(1<<24) != want {
			t.Errorf("value %d = %v/2^24, want %v/2^24", i, got[i]*(1<<24), want)
		}
	}
}

func TestCheckFindsDifferences(t *testing.T) {
	s := Stat{N: 3, Mean: 2, RMS: 2.1602469, At: []int{0, 2}, Val: []float64{1, 3}}
	if err := s.Check([]float64{1, 2, 3}, 1e-6); err != nil {
		t.Error(err)
	}
	for _, bad := range [][]float64{{1, 2}, {1, 2, 3.1}, {1, 2.1, 3}} {
		if s.Check(bad, 1e-3) == nil {
			t.Errorf("%v accepted", bad)
		}
	}
	if Close([]float32{1, 2}, []float64{1, 2.01}, 1e-3) == nil {
		t.Error("Close accepted a difference of 0.5 %")
	}
}
