//go:build !purego

package kernel

import "github.com/mixnet-go/mixnet/internal/cpu"

// fillRGB lays out the columns of a band inside an image of three contiguous
// channels, for a 3×3 window whose rows are all inside, from src on. It does
// all of them but the last, and returns how many.
func fillRGB[T Float, S Float | ~uint8](band []T, src []S, rowLen, cols int) int {
	d, ok := any(band).([]float32)
	if !ok || cols < 2 || cpu.Current() < cpu.AVX2 {
		return 0
	}
	switch s := any(src).(type) {
	case []float32:
		bandFloats(&d[0], &s[0], &s[rowLen], &s[2*rowLen], cols-1)
	case []uint8:
		bandBytes(&d[0], &s[0], &s[rowLen], &s[2*rowLen], cols-1)
	default:
		return 0
	}
	return cols - 1
}
