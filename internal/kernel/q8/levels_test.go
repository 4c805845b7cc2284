package q8

import (
	"bytes"
	"testing"

	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/cpu/cputest"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// sets are the features that some kernels ask for.
var sets = []cpu.Feature{cpu.AVXVNNI, vnniSet, vnniSet | cpu.AMXTile | cpu.AMXInt8}

const vnniSet = cpu.AVX512VNNI | cpu.AVX512VBMI | cpu.AVX512VBMI2

// same fails the test unless a kernel has written what its twin in Go did, and
// nothing between the pixels.
func same(t *testing.T, got, want []uint8, what string, args ...any) {
	t.Helper()
	if !bytes.Equal(got, want) {
		i := 0
		for got[i] == want[i] {
			i++
		}
		t.Fatalf(what+": byte %d of %d is %d, want %d", append(args, i, len(got), got[i], want[i])...)
	}
}

// filled returns n bytes as guarded.slice does.
func filled(n int) []uint8 { return bytes.Repeat([]uint8{sentinel}, n) }

func TestNoAllocations(t *testing.T) {
	r := source(19)
	const n = 40
	src, dst, out := codes(r, 49*n), make([]uint8, 49*n), make([]float32, n)
	w, e := PackMatrix(signed(r, n*n), n, n), epilogue(r, n, n, true)
	g := &kernel.DW{H: 7, W: 7, OutH: 7, OutW: 7, Channels: n, SrcStride: n, DstStride: n, Kernel: 3, Stride: 1, Dilation: 1, PadTop: 1, PadLeft: 1}
	f, scratch := PackDW(signed(r, 9*n), n, 3, 1, 1), make([]uint8, DepthwiseScratch(g))
	d := PackDense(floats(r, n*n), nil, n, n)
	cputest.EachWith(t, sets, func(t *testing.T) {
		allocs := testing.AllocsPerRun(10, func() {
			Pointwise(dst, n, src, n, 49, w, e)
			PointwiseFloat(out, n, src, n, 1, w, e)
			Depthwise(dst, src, f, g, 3, e, 0, 7, scratch)
			d.Apply(out, out, kernel.Swish)
		})
		if allocs != 0 {
			t.Errorf("%g allocations", allocs)
		}
	})
}
