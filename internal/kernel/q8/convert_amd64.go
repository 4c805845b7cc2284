//go:build !purego

package q8

import (
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// windowsAsm lays out the windows of n output pixels from (y, x) on, all of
// which lie inside the image, if it can.
func windowsAsm(dst, src []uint8, s *kernel.ConvShape, y, x, n int) bool {
	const rowBytes = 16 // that are read
	first := ((y*s.Stride-s.Top)*s.W + x*s.Stride - s.Left) * s.C
	last := first + (n-1)*s.Stride*s.C + (s.K-1)*s.W*s.C
	if n == 0 || s.K != 3 || s.K*s.C > rowBytes || s.Pixel != s.C || last+rowBytes > cap(src) || !cpu.Has(vnni) {
		return false
	}
	var order [64]uint8
	for i := range order {
		order[i] = uint8(i/(s.K*s.C)*rowBytes + i%(s.K*s.C))
	}
	windowsVNNI(&dst[0], windowStride(s), &src[first], s.W*s.C, s.Stride*s.C, n, &order[0])
	return true
}
