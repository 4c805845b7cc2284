package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Packing with scales equals packing and scaling, in place too.
func TestPackScaled(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, size := range [][2]int{{1, 1}, {3, 7}, {16, 5}, {21, 4}, {32, 3}, {47, 9}, {64, 1}} {
		out, in := size[0], size[1]
		w, scale := randoms(r, out*in), randoms(r, out)
		scratch := randoms(r, ScratchLen(in))
		for _, scale := range [][]float32{nil, scale} {
			want := PackMatrix(w, out, in)
			if scale != nil {
				want.ScaleOutputs(scale)
			}
			mem := randoms(r, MatrixLen(out, in))
			got := MatrixIn(mem, out, in)
			got.PackScaled(w, scale, scratch)
			if !slices.Equal(got.panels, want.panels) {
				t.Errorf("%d×%d: other values than packed and scaled", out, in)
			}
			copy(mem, w)
			got.PackScaled(mem[:len(w)], scale, scratch)
			if !slices.Equal(got.panels, want.panels) {
				t.Errorf("%d×%d in place: other values than packed and scaled", out, in)
			}
		}
	}
}
