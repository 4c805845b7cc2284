package data

import (
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/vision"
)

// pixelAt is the pixelAt of the one bright pixel of a picture.
type pixelAt struct{ x, y int }

// Under follows the pixel's middle.
func (s pixelAt) Under(t vision.Transform) Target {
	x, y := t.Point(float64(s.x)+0.5, float64(s.y)+0.5)
	return pixelAt{int(x), int(y)}
}

// dotted is a set of pictures of 8×8 with a pixelAt each, some unreadable.
type dotted struct {
	*Memory
	at  []pixelAt
	bad []int
}

func newDotted(n int, bad ...int) dotted {
	s := dotted{Memory: &Memory{Source: "dotted", H: 8, W: 8, C: 1, Pixels: make([]uint8, n*64), Labels: make([]int, n), Names: []string{"pixelAt"}}, bad: bad}
	for i := range n {
		p := pixelAt{2 + i%4, 2 + i/4%4}
		s.at = append(s.at, p)
		s.Pixels[i*64+p.y*8+p.x] = 255
	}
	return s
}

func (s dotted) Read(i int, sample *Sample) error {
	if slices.Contains(s.bad, i) {
		return ErrCorrupt
	}
	sample.Target = s.at[i]
	return s.Memory.Read(i, sample)
}

// Targets move as their pictures do, and stay beside them when others are left
// out.
func TestTargetsFollowPictures(t *testing.T) {
	for name, cfg := range map[string]Config{
		"evaluation": {Batch: 5},
		"training":   {Batch: 5, Shuffle: true, Remainder: DropRemainder, Augment: &input.Augment{Crop: input.PadCrop, Pad: 2, Flip: 0.5}},
	} {
		cfg.Preprocess, cfg.MaxBad = eight, 3
		l := newLoader(t, newDotted(20, 3, 11), cfg)
		seen := 0
		for b, err := range l.Batches(t.Context(), 0, 3*l.Steps()) {
			if err != nil {
				t.Fatal(err)
			}
			for i, target := range b.Targets {
				at := target.(pixelAt)
				pixels := b.picture(i)
				if brightest := slices.Index(pixels, slices.Max(pixels)); brightest != at.y*8+at.x {
					t.Fatalf("%s: the pixelAt is at pixel %d, its target says %+v", name, brightest, at)
				}
				seen++
			}
		}
		if seen < 50 {
			t.Errorf("%s: %d targets", name, seen)
		}
	}
}

// What targets cannot follow is refused, and sets without targets have none.
func TestTargetsThatCannotFollow(t *testing.T) {
	for _, cfg := range []Config{{Mix: input.Mix{Mixup: 1}}, {Augment: &input.Augment{RandAugment: input.RandAugment{N: 1}}}} {
		cfg.Preprocess, cfg.Batch = eight, 4
		for _, err := range newLoader(t, newDotted(8), cfg).Epoch(t.Context(), 0, 0) {
			if err == nil || !strings.Contains(err.Error(), "targets") {
				t.Errorf("%+v: %v", cfg, err)
			}
		}
		for b, err := range newLoader(t, small(8, 2), cfg).Epoch(t.Context(), 0, 0) {
			if err != nil || b.Targets[0] != nil {
				t.Errorf("%+v: without targets: %v", cfg, err)
			}
		}
	}
}

// A cache keeps targets.
func TestCacheKeepsTargets(t *testing.T) {
	d, err := Open(folders(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	c := Cache(withTarget{d.Train}, 1<<20)
	for range 2 {
		var s Sample
		if err := c.Read(1, &s); err != nil || s.Target != (pixelAt{1, 1}) {
			t.Errorf("target %v, %v", s.Target, err)
		}
	}
}

type withTarget struct{ Dataset }

func (d withTarget) Read(i int, s *Sample) error {
	s.Target = pixelAt{i, i}
	return d.Dataset.Read(i, s)
}

// Balanced epochs hold as many of every class, all of a small class, and each
// example about as often as the others of its class.
func TestBalanced(t *testing.T) {
	m := small(120, 4)
	for i := range m.Labels { // 100, 15 and 5 of three classes, none of the last
		m.Labels[i] = min(i/100+i/115, 2)
	}
	cfg := Config{Preprocess: eight, Batch: 8, Shuffle: true, Balanced: true, Remainder: DropRemainder, Seed: 3}
	l := newLoader(t, m, cfg)
	var first []int32
	for epoch := range 3 {
		order := l.order(epoch)
		if len(order) != 120 || slices.Equal(order, first) {
			t.Fatalf("epoch %d: %d examples", epoch, len(order))
		}
		if first == nil {
			first = order
		}
		counts, times := make([]int, 4), map[int32]int{}
		for _, i := range order {
			counts[m.Labels[i]]++
			times[i]++
		}
		if !slices.Equal(counts, []int{40, 40, 40, 0}) {
			t.Errorf("epoch %d: %v of the classes", epoch, counts)
		}
		for i := range int32(120) {
			least, most := [3]int{0, 2, 8}[m.Labels[i]], [3]int{1, 3, 8}[m.Labels[i]]
			if n := times[i]; n < least || n > most {
				t.Errorf("epoch %d: example %d of class %d comes %d times, want %d to %d", epoch, i, m.Labels[i], n, least, most)
			}
		}
	}
	if again := newLoader(t, m, cfg); !slices.Equal(again.order(0), first) {
		t.Error("an epoch is not a function of the seed")
	}
	// Of a number that the classes do not divide, they take turns in the rest.
	uneven := 0
	for epoch := range 3 {
		for _, i := range balancedOrder([][]int32{{0}, {1}, {2}}, 10, 1, epoch) {
			if i == 0 {
				uneven++
			}
		}
	}
	if uneven != 10 {
		t.Errorf("a class of three comes %d times in 30", uneven)
	}
	cfg.Shuffle = false
	if _, err := NewLoader(m, cfg); err == nil {
		t.Error("balanced in the set's order")
	}
}
