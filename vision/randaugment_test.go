package vision

import (
	"encoding/json"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/mixnet-go/mixnet/input"
)

// TestOperationsEqualTorchvision compares with checksums that
// bench/golden/randaugment.py made.
func TestOperationsEqualTorchvision(t *testing.T) {
	b, err := os.ReadFile("testdata/randaugment.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			Src, Op string
			M       float64
			CRC     uint32
		}
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	byName := map[string]*operation{}
	for i := range operations {
		byName[operations[i].name] = &operations[i]
	}
	seen := map[string]bool{}
	var scratch Image
	for _, c := range golden.Cases {
		op := byName[c.Op]
		if op == nil {
			t.Fatalf("operation %s is missing", c.Op)
		}
		seen[c.Op] = true
		img := readReference(t, c.Src)
		op.apply(img, &scratch, c.M/input.MaxStrength)
		if crc32.ChecksumIEEE(img.Pix) != c.CRC {
			t.Errorf("%s by %v of %s differs", c.Op, c.M, c.Src)
		}
	}
	if len(seen) != len(operations) {
		t.Errorf("%d of %d operations are compared", len(seen), len(operations))
	}
}

func TestErase(t *testing.T) {
	const h, w, n = 40, 50, 2000
	for _, noise := range []bool{false, true} {
		a := augmentation(t, input.Augment{Erase: input.Erase{Probability: 0.25, Noise: noise}})
		rng := rand.New(rand.NewPCG(1, 2))
		erased, area := 0, 0.0
		dst := make([]float32, h*w)
		for range n {
			for i := range dst {
				dst[i] = 100
			}
			erase(&a.set.Erase, dst, h, w, 1, rng)
			changed := 0
			for _, v := range dst {
				if v != 100 {
					changed++
					if (v == 0) == noise {
						t.Fatalf("noise %v: erased to %v", noise, v)
					}
				}
			}
			if changed > 0 {
				erased++
				area += float64(changed) / (h * w)
			}
		}
		if math.Abs(float64(erased)/n-0.25) > 0.04 {
			t.Errorf("%d of %d erased, probability 0.25", erased, n)
		}
		// Even between 2 % and a third.
		if mean := area / float64(erased); math.Abs(mean-0.175) > 0.02 {
			t.Errorf("mean area %.3f", mean)
		}
	}
}

func TestTensorFlowBox(t *testing.T) {
	a := augmentation(t, input.Augment{})
	rng := rand.New(rand.NewPCG(3, 4))
	const w, h, n = 500, 375, 5000
	heights := 0.0
	for range n {
		b, ok := a.tensorFlowBox(w, h, rng)
		if !ok {
			t.Fatal("ten draws failed")
		}
		area := float64(b.Dx()*b.Dy()) / (w * h)
		aspect := float64(b.Dx()) / float64(b.Dy())
		if b.Min.X < 0 || b.Min.Y < 0 || b.Max.X > w || b.Max.Y > h || area < 0.1 || aspect < 0.74 || aspect > 1.35 {
			t.Fatalf("box %v: area %.3f, aspect %.3f", b, area, aspect)
		}
		heights += float64(b.Dy()) / n
	}
	// Heights are even from that of a tenth of the picture, about 137, to the
	// picture's own 375.
	if math.Abs(heights-256) > 8 {
		t.Errorf("mean height %.1f", heights)
	}
	if _, ok := a.tensorFlowBox(1000, 1, rng); ok {
		t.Error("a box of a 1000×1 picture")
	}
}

func TestAugmentIsAFunctionOfTheGenerator(t *testing.T) {
	v, err := NewProcessor(input.Preprocess{Size: [2]int{24, 24}})
	if err != nil {
		t.Fatal(err)
	}
	src := Picture{Pixels: readReference(t, "src/photo_150x100.png")}
	for _, crop := range []input.AugmentCrop{input.NoCrop, input.PadCrop, input.InceptionCrop, input.TensorFlowCrop} {
		a := augmentation(t, input.Augment{Crop: crop, Pad: 2, Flip: 0.5, RandAugment: input.RandAugment{N: 2, Std: 0.5}, Erase: input.Erase{Probability: 0.5, Noise: true}})
		one, two := make([]float32, v.Len()), make([]float32, v.Len())
		different := 0
		for seed := range uint64(20) {
			if _, err := v.AugmentTo(one, src, a, rand.New(rand.NewPCG(seed, 0))); err != nil {
				t.Fatal(err)
			}
			if _, err := v.AugmentTo(two, src, a, rand.New(rand.NewPCG(seed, 0))); err != nil {
				t.Fatal(err)
			}
			for i := range one {
				if one[i] != two[i] {
					t.Fatalf("%s: two results from one seed", crop)
				}
			}
			if _, err := v.AugmentTo(two, src, a, rand.New(rand.NewPCG(seed, 1))); err != nil {
				t.Fatal(err)
			}
			for i := range one {
				if one[i] != two[i] {
					different++
					break
				}
			}
		}
		if different < 15 {
			t.Errorf("%s: %d of 20 seeds make a difference", crop, different)
		}
	}
}
