package stats

import (
	"math"
	"testing"
)

// The values are those of R's t.test(a, b, paired = TRUE).
func TestPaired(t *testing.T) {
	got, ok := Paired([]float64{5, 7, 6, 9}, []float64{4, 5, 6, 6})
	want := Interval{1.5, -0.5542602567605742, 3.554260256760574} // sd 1.2909944487358056, t 3.182446305284263
	if !ok || got.Value != want.Value || math.Abs(got.Low-want.Low) > 1e-3 || math.Abs(got.High-want.High) > 1e-3 {
		t.Errorf("%+v, want %+v", got, want)
	}
	// 0.1, 0.2 and 0.3 have the mean 0.2 and the standard error 0.1/√3.
	got, _ = Paired([]float64{0.6, 0.7, 0.8}, []float64{0.5, 0.5, 0.5})
	if half := 4.303 * 0.1 / math.Sqrt(3); math.Abs(got.Value-0.2) > 1e-9 || math.Abs(got.High-0.2-half) > 1e-9 || math.Abs(0.2-got.Low-half) > 1e-9 || got.Resolved() {
		t.Errorf("%+v, want 0.2 ± %.4f", got, half)
	}
	if _, ok := Paired([]float64{1}, []float64{2}); ok {
		t.Error("one pair has an interval")
	}
}

// Of independent differences the interval has the width of the normal one.
func TestBootstrap(t *testing.T) {
	rows := make([][]int8, 4)
	for s := range rows {
		rows[s] = make([]int8, 2500)
		for i := range rows[s] {
			if (i*7+s*13)%10 == 0 {
				rows[s][i] = 1
			}
		}
	}
	got := Bootstrap(rows, 1000, 1)
	half := (got.High - got.Low) / 2
	if math.Abs(got.Value-0.1) > 1e-9 || got.Low >= 0.1 || got.High <= 0.1 || half < 0.004 || half > 0.012 {
		t.Errorf("%+v", got)
	}
	if !got.Resolved() || (Interval{0, -1, 1}).Resolved() {
		t.Error("resolved is not")
	}
}

// The values are those of R's prop.test(x, n, correct = FALSE).
func TestWilson(t *testing.T) {
	for _, tc := range []struct {
		x, n      int
		low, high float64
	}{{8, 10, 0.4901625, 0.9433178}, {0, 20, 0, 0.1611252}, {37880, 50000, 0.7538241, 0.7613363}} {
		got := Wilson(float64(tc.x)/float64(tc.n), tc.n)
		if math.Abs(got.Low-tc.low) > 1e-5 || math.Abs(got.High-tc.high) > 1e-5 {
			t.Errorf("%d of %d: %+v, want %v to %v", tc.x, tc.n, got, tc.low, tc.high)
		}
	}
}
