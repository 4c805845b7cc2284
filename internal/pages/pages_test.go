package pages

import (
	"errors"
	"testing"
)

func TestMake(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 3<<20 + 5} {
		m := Make[float64](n)
		if len(m) != n {
			t.Fatalf("%d elements, want %d", len(m), n)
		}
		for i := range m {
			if m[i] != 0 {
				t.Fatalf("element %d of %d is %g, want 0", i, n, m[i])
			}
			m[i] = 1
		}
	}
}

func TestCheck(t *testing.T) {
	if err := Check(1 << 20); err != nil {
		t.Error(err)
	}
	if err := Check(1e18); !errors.Is(err, ErrMemory) {
		t.Errorf("an exabyte: %v", err)
	}
}
