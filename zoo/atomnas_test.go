package zoo

import (
	"slices"
	"testing"
)

// Channels a kernel size stay the sum they are when kernels are replaced, and
// scale with the width.
func TestChannelsOfKernels(t *testing.T) {
	for _, tc := range []struct {
		name    string
		kernels []int
		sizes   []int
	}{
		{"atomnas_c", []int{3, 5, 7}, []int{15, 23, 13}},
		{"atomnas_c@kernel=5", []int{5}, []int{51}},
		{"atomnas_c@mix=2", []int{3, 5}, []int{26, 25}},
		{"atomnas_c@mix=3,partition=exponential", []int{3, 5, 7}, []int{25, 12, 14}},
		{"atomnas_c@width=2", []int{3, 5, 7}, []int{30, 46, 26}},
		{"atomnas_c@width=0.05", []int{3, 5, 7}, []int{1, 1, 1}},
	} {
		s, err := Lookup(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		row := s.(Network).Stages[1]
		if !slices.Equal(row.Kernels, tc.kernels) || !slices.Equal(row.Channels, tc.sizes) {
			t.Errorf("%s: kernels %v of %v channels, want %v of %v", tc.name, row.Kernels, row.Channels, tc.kernels, tc.sizes)
		}
		if _, err := s.Build(Options{}); err != nil {
			t.Error(err)
		}
	}
}
