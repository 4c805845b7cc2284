package detect

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// reference is what Detect is to give, computed class by class from scores that
// are all sorted, as TensorFlow and torchvision do.
func reference(p Post, anchors []Anchor, slots int, wanted []bool, codes, logits []float32) []Detection {
	type scored struct {
		anchor, slot int
		score        float32
	}
	better := func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.anchor, b.anchor), cmp.Compare(a.slot, b.slot))
	}
	box := func(anchor int) Box {
		b := Code{p.Style}.Decode(codes[4*anchor:], anchors[anchor])
		if p.Style == Torchvision {
			b = b.Clip()
		}
		return b
	}
	covered := func(b Box, by []scored, of func(Box) Box) bool {
		return slices.ContainsFunc(by, func(k scored) bool { return float64(IoU(of(box(k.anchor)), b)) > p.IoU })
	}
	same := func(b Box) Box { return b }
	var all []scored
	for slot := 1; slot < slots; slot++ {
		var found, kept []scored
		for i := range anchors {
			row := logits[i*slots:][:slots]
			score := sigmoid(row[slot])
			if p.Style == Torchvision {
				peak, sum := slices.Max(row), float32(0)
				for _, v := range row {
					sum += float32(math.Exp(float64(v - peak)))
				}
				score = float32(math.Exp(float64(row[slot]-peak))) / sum
			}
			if float64(score) > p.Score {
				found = append(found, scored{i, slot, score})
			}
		}
		slices.SortFunc(found, better)
		if p.Style == Torchvision {
			found = found[:min(len(found), p.PerClass)]
		}
		for _, c := range found {
			if len(kept) < p.PerClass && !covered(box(c.anchor), kept, same) {
				kept = append(kept, c)
			}
		}
		all = append(all, kept...)
	}
	slices.SortFunc(all, better)
	var out []Detection
	var shown []scored
	for _, c := range all {
		b := box(c.anchor).Clip()
		if b.Area() <= 0 || p.Agnostic && covered(b, shown, Box.Clip) {
			continue
		}
		shown = append(shown, c)
		if (wanted == nil || wanted[c.slot]) && len(out) < p.Max {
			out = append(out, Detection{b, c.slot, c.score})
		}
	}
	return out
}

// What is found is what the plain computation finds, equal scores included, for
// outputs of many kinds.
func TestDetectEqualsReference(t *testing.T) {
	anchors := Anchors{Style: TensorFlow, ReduceLowest: true}.On([][2]int{{6, 6}, {3, 3}})
	const slots = 4
	rng := rand.New(rand.NewPCG(7, 7))
	kinds := map[string]func() float32{
		"spread":    func() float32 { return float32(3 * rng.NormFloat64()) },
		"narrow":    func() float32 { return float32(1e-3 * rng.NormFloat64()) },
		"saturated": func() float32 { return 12 + 20*rng.Float32() },
		"equal":     func() float32 { return 1 },
		"few":       func() float32 { return float32(rng.IntN(5)) - 2 },
		"tiny":      func() float32 { return -30 - 80*rng.Float32() },
		"zeros": func() float32 {
			return []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32}[rng.IntN(3)]
		},
	}
	codes, logits := make([]float32, len(anchors)*4), make([]float32, len(anchors)*slots)
	found := 0
	for name, draw := range kinds {
		for i := range 24 {
			for i := range codes {
				codes[i] = float32(2 * rng.NormFloat64())
			}
			for i := range logits {
				logits[i] = draw()
			}
			p := Post{Style: []Style{TensorFlow, Torchvision}[i%2], Score: []float64{0, 1e-8, 0.3}[i/2%3], IoU: 0.3 + 0.1*float64(i%4), PerClass: 3 + 50*(i/6%2), Max: 4 + 100*(i/12%2), Agnostic: i%5 == 0}
			d := NewDetector(p, anchors, slots)
			var wanted []bool
			if i%3 == 0 {
				wanted = []bool{false, true, false, true}
				d.Only(1, 3)
			}
			got, want := d.Detect(codes, logits), reference(p, anchors, slots, wanted, codes, logits)
			if !slices.Equal(got, want) {
				t.Fatalf("%s, %+v:\n%v\nwant\n%v", name, p, got, want)
			}
			found += len(got)
		}
	}
	if found < 1000 {
		t.Errorf("only %d boxes compared", found)
	}
}

// The steady state allocates nothing, however many candidates there are.
func TestDetectAllocates(t *testing.T) {
	for _, style := range []Style{TensorFlow, Torchvision} {
		d, codes, logits := frame(style, 0)
		run := func() {
			if n := len(d.Detect(codes, logits)); n != d.post.Max {
				t.Fatalf("%d boxes", n)
			}
		}
		run()
		if n := testing.AllocsPerRun(3, run); n != 0 {
			t.Errorf("%s: %v allocations a call", style, n)
		}
	}
}

// frame is a detector for 320 pixels and COCO's classes, and outputs whose
// scores are as those of a trained network: one in a thousand is over 0.5.
func frame(style Style, least float64) (d *Detector, codes, logits []float32) {
	anchors := Anchors{Style: style, ReduceLowest: style == TensorFlow}.On(maps320)
	const slots = 81
	rng := rand.New(rand.NewPCG(5, 5))
	codes, logits = make([]float32, len(anchors)*4), make([]float32, len(anchors)*slots)
	for i := range codes {
		codes[i] = float32(rng.NormFloat64())
	}
	for i := range logits {
		logits[i] = float32(1.5*rng.NormFloat64()) - 4.64
		if i%slots == 0 && style == Torchvision {
			logits[i] += 10
		}
	}
	post := Usual(style)
	post.Score = least
	return NewDetector(post, anchors, slots), codes, logits
}

func BenchmarkDetect(b *testing.B) {
	for _, style := range []Style{TensorFlow, Torchvision} {
		for _, least := range []float64{0.5, 0.05, 0.001, 0} {
			b.Run(fmt.Sprintf("%s/%g", style, least), func(b *testing.B) {
				d, codes, logits := frame(style, least)
				b.ReportAllocs()
				for b.Loop() {
					d.Detect(codes, logits)
				}
			})
		}
	}
	// Every box lies outside of the image, so that no number of them is enough.
	b.Run("outside", func(b *testing.B) {
		d, codes, logits := frame(TensorFlow, 0)
		for i := 0; i < len(codes); i += 4 {
			codes[i] = 1e4 * float32(i+1)
		}
		b.ReportAllocs()
		for b.Loop() {
			d.Detect(codes, logits)
		}
	})
}
