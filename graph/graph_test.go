package graph

import (
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/tensor"
)

// The splits below are those of the MixConv code and paper.
func TestPartition(t *testing.T) {
	for _, tc := range []struct {
		p    Partition
		c, g int
		want []int
	}{
		{Equal, 32, 3, []int{12, 10, 10}},
		{Equal, 32, 5, []int{8, 6, 6, 6, 6}},
		{Equal, 32, 6, []int{7, 5, 5, 5, 5, 5}},
		{Equal, 64, 3, []int{22, 21, 21}},
		{Exponential, 32, 4, []int{16, 8, 4, 4}},
		{Exponential, 144, 6, []int{72, 36, 18, 9, 4, 5}},
		{Exponential, 24, 6, []int{12, 6, 3, 1, 1, 1}},
		{Exponential, 7, 6, []int{2, 1, 1, 1, 1, 1}},
		{Exponential, 6, 6, []int{1, 1, 1, 1, 1, 1}},
		{Exponential, 9, 1, []int{9}},
	} {
		got, err := tc.p.Split(tc.c, tc.g)
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%v split of %d in %d = %v, %v; want %v", tc.p, tc.c, tc.g, got, err, tc.want)
		}
	}
	for _, p := range []Partition{Equal, Exponential} {
		for c := 1; c < 200; c++ {
			for g := 1; g <= min(c, 6); g++ {
				sizes, err := p.Split(c, g)
				if err != nil {
					t.Fatal(err)
				}
				sum := 0
				for _, n := range sizes {
					sum += n
				}
				if sum != c || slices.Min(sizes) < 1 {
					t.Errorf("%v split of %d in %d = %v", p, c, g, sizes)
				}
			}
		}
	}
	if _, err := Equal.Split(3, 4); err == nil {
		t.Error("3 channels in 4 groups: no error")
	}
}

// TensorFlow's SAME for even inputs at stride 2 pads (K-3)/2 before.
func TestPaddingExtent(t *testing.T) {
	for _, tc := range []struct {
		p                   Padding
		in, k, s, d         int
		wantOut, wantBefore int
	}{
		{Same, 224, 3, 2, 1, 112, 0},
		{Same, 14, 11, 2, 1, 7, 4},
		{Same, 7, 3, 2, 1, 4, 1},
		{Same, 7, 9, 1, 1, 7, 4},
		{Same, 1, 3, 2, 1, 1, 1},
		{Symmetric, 224, 3, 2, 1, 112, 1},
		{Symmetric, 14, 11, 2, 1, 7, 5},
		{Symmetric, 14, 3, 1, 5, 14, 5},
		{Valid, 224, 3, 2, 1, 111, 0},
		{Valid, 2, 3, 1, 1, 0, 0},
	} {
		out, before := tc.p.Extent(tc.in, tc.k, tc.s, tc.d)
		if out != tc.wantOut || before != tc.wantBefore {
			t.Errorf("%v.Extent(%d, %d, %d, %d) = %d, %d; want %d, %d", tc.p, tc.in, tc.k, tc.s, tc.d, out, before, tc.wantOut, tc.wantBefore)
		}
	}
}

func TestBuilderReportsFirstMistake(t *testing.T) {
	b := NewBuilder("bad", 3)
	x := b.Conv("c", b.Input(), ConvSpec{Out: 4, Groups: 2})
	x = b.MixConv("m", x, MixSpec{Kernels: []int{4}})
	b.Output(Logits, x)
	if _, err := b.Build(); err == nil || err.Error() != "network bad: c: 3 to 4 channels do not divide into 2 groups" {
		t.Errorf("error %v", err)
	}
}

func TestShapesAndCounts(t *testing.T) {
	b := NewBuilder("small", 3)
	x := b.Conv("stem", b.Input(), ConvSpec{Out: 8, Kernel: 3, Stride: 2})
	x = b.BatchNorm("bn", x)
	x = b.MixConv("mix", x, MixSpec{Kernels: []int{3, 5}, Stride: 2})
	x = b.GlobalPool("pool", x)
	b.Output(Features, x)
	b.Output(Logits, b.Linear("fc", x, 10, true))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.Shape{N: 2, H: 9, W: 10, C: 3}
	shapes, err := g.Shapes(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shapes[3], (tensor.Shape{N: 2, H: 3, W: 3, C: 8}); got != want {
		t.Errorf("mixconv output %v, want %v", got, want)
	}
	if got, want := g.ParamCount(), int64(8*3*9+16+4*9+4*25+80+10); got != want {
		t.Errorf("%d parameters, want %d", got, want)
	}
	macs, err := g.MACs(in)
	if want := int64(2 * (25*8*27 + 9*4*(9+25) + 80)); err != nil || macs != want {
		t.Errorf("%d MACs, %v; want %d", macs, err, want)
	}
	if _, err := g.Shapes(tensor.Shape{N: 1, H: 9, W: 9, C: 4}); err == nil {
		t.Error("4 channels accepted")
	}
}
