package tensor

import (
	"errors"
	"testing"
)

func TestNCHWRoundTrip(t *testing.T) {
	s := Shape{N: 2, H: 3, W: 4, C: 5}
	in := make([]float32, s.Len())
	for i := range in {
		in[i] = float32(i)
	}
	x := FromNCHW(s, in)
	// NCHW (1, 3, 2, 1) is NHWC (1, 2, 1, 3).
	if got, want := x.Data[((1*3+2)*4+1)*5+3], in[((1*5+3)*3+2)*4+1]; got != want {
		t.Errorf("element (1,2,1,3) = %v, want %v", got, want)
	}
	for i, v := range x.NCHW() {
		if v != in[i] {
			t.Fatalf("round trip: element %d = %v, want %v", i, v, in[i])
		}
	}
}

func TestShapeValid(t *testing.T) {
	for _, s := range []Shape{{}, {1, 1, 1, 0}, {-1, 2, 3, 4}, {1 << 30, 1 << 30, 1 << 30, 1 << 30}} {
		if err := s.Valid(); !errors.Is(err, ErrShape) {
			t.Errorf("%v: error %v, want ErrShape", s, err)
		}
	}
	if err := (Shape{1, 224, 224, 3}).Valid(); err != nil {
		t.Error(err)
	}
}

func TestCheckLength(t *testing.T) {
	x := &Tensor{Shape: Shape{1, 2, 2, 1}, Data: make([]float32, 3)}
	if err := x.Check(); !errors.Is(err, ErrShape) {
		t.Errorf("error %v, want ErrShape", err)
	}
}
