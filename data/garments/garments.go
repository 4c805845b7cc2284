// Package garments makes pictures whose objects are known exactly: garments of
// Fashion-MNIST, in any size and colour, on a ground with clutter. A detector
// can be trained and compared on them without any data at hand.
//
// Picture i of a set is a function of the set's seed and i alone. The garments
// of test pictures are those of Fashion-MNIST's test images: none of them is in
// a training picture.
package garments

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/internal/rng"
	"github.com/mixnet-go/mixnet/vision"
)

// Config says how many pictures there are, and of what size.
type Config struct {
	// Train and Test are the numbers of pictures; 0 means 8,000 and 500.
	Train, Test int
	// Side is the width and height of a picture in pixels; 0 means 128. Garments
	// are from 16/128 to 80/128 of it large.
	Side int
	// Seed draws everything.
	Seed uint64
}

// The bounds of a side: what a garment can be told in, and what is still made
// in no time.
const (
	minSide = 64
	maxSide = 1024
)

// most is the largest number of garments in a picture.
const most = 6

// Set is pictures of garments. It implements [data.Sized] and
// [boxes.Labelled].
type Set struct {
	garments *data.Memory // grey, 28×28
	part     uint64       // of training or of test
	seed     uint64
	side     int
	index    []int // the numbers of the pictures
	labels   []int
}

// New returns the pictures of a configuration.
func New(c Config) (*data.Splits, error) {
	for _, v := range []struct {
		set   *int
		usual int
	}{{&c.Train, 8000}, {&c.Test, 500}, {&c.Side, 128}} {
		if *v.set == 0 {
			*v.set = v.usual
		}
	}
	switch {
	case c.Train < 0 || c.Test < 0 || int64(c.Train)+int64(c.Test) > 1<<24:
		return nil, fmt.Errorf("garments: %d training and %d test pictures: want 1 to %d", c.Train, c.Test, 1<<24)
	case c.Side < minSide || c.Side > maxSide:
		return nil, fmt.Errorf("garments: pictures of %d pixels a side: want %d to %d", c.Side, minSide, maxSide)
	}
	clothes, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		return nil, fmt.Errorf("garments: %w", err)
	}
	s := &data.Splits{Kind: "made pictures"}
	for part, p := range []struct {
		from data.Dataset
		to   *data.Dataset
		n    int
	}{{clothes.Train, &s.Train, c.Train}, {clothes.Test, &s.Test, c.Test}} {
		set := &Set{garments: p.from.(*data.Memory), part: uint64(part), seed: c.Seed, side: c.Side}
		set.number(p.n)
		*p.to = set
	}
	return s, nil
}

// number makes the set one of n pictures.
func (s *Set) number(n int) {
	s.index, s.labels = make([]int, n), make([]int, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				s.index[i], s.labels[i] = i, s.garments.Label(s.draw(i).garments[0].index)
			}
		})
	}
	wg.Wait()
}

// Len implements [data.Dataset].
func (s *Set) Len() int { return len(s.index) }

// Classes implements [data.Dataset].
func (s *Set) Classes() []string { return s.garments.Classes() }

// Label implements [data.Dataset]: the class of the first garment.
func (s *Set) Label(i int) int { return s.labels[i] }

// Name implements [data.Dataset].
func (s *Set) Name(i int) string {
	return fmt.Sprintf("%s picture %d", [...]string{"training", "test"}[s.part], s.index[i])
}

// Size implements [data.Sized].
func (s *Set) Size() (h, w, c int) { return s.side, s.side, 3 }

// Bounds implements [boxes.Labelled].
func (s *Set) Bounds(int) (w, h int) { return s.side, s.side }

// Subset implements what [data.Subset] asks for.
func (s *Set) Subset(index []int) data.Dataset {
	out := *s
	out.index, out.labels = nil, nil
	for _, i := range index {
		out.index, out.labels = append(out.index, s.index[i]), append(out.labels, s.labels[i])
	}
	return &out
}

// Objects implements [boxes.Labelled].
func (s *Set) Objects(i int) boxes.Objects {
	return s.objects(s.draw(s.index[i]))
}

func (s *Set) objects(p *picture) boxes.Objects {
	all := make(boxes.Objects, 0, len(p.garments))
	for _, g := range p.garments {
		all = append(all, boxes.Object{Box: g.box, Class: s.garments.Label(g.index)})
	}
	return all
}

// Read implements [data.Dataset].
func (s *Set) Read(i int, sample *data.Sample) error {
	if i < 0 || i >= len(s.index) {
		return fmt.Errorf("garments: picture %d of %d", i, len(s.index))
	}
	p := s.draw(s.index[i])
	sample.File, sample.Pixels = nil, s.paint(p)
	sample.Target = s.objects(p)
	return nil
}

// placed is a garment, or a piece of one, in a picture.
type placed struct {
	levels []float32  // of its pixels there
	index  int        // among the garments
	from   [4]int     // the part of its 28×28 pixels: x0, y0, x1, y1
	at     [2]int     // its left top corner in the picture
	size   [2]int     // its width and height there
	tint   [3]uint8   // its colour where it is white
	alpha  float32    // how well it covers what is below
	box    vision.Box // of what is to be seen of it
}

// picture is what is drawn for a picture.
type picture struct {
	ground   [2][3]uint8 // colours of two opposite edges
	upright  bool        // the edges are top and bottom
	noise    int         // levels up and down
	grain    uint64      // seed of the noise
	clutter  []placed
	garments []placed
}

// stream keeps these numbers apart from those of other uses of a seed.
const stream = 0x6761726d

// draw draws picture number n.
func (s *Set) draw(n int) *picture {
	r := rng.New(rng.Key(s.seed, stream, s.part, uint64(n)))
	p := &picture{upright: r.IntN(2) == 0, noise: 2 + r.IntN(10), grain: r.Uint64()}
	base := 20 + r.IntN(120)
	for e := range p.ground {
		for c := range 3 {
			p.ground[e][c] = uint8(min(max(base+r.IntN(61)-30, 0), 255))
		}
	}
	for range r.IntN(4) {
		p.clutter = append(p.clutter, s.piece(r))
	}
	for range 1 + r.IntN(most) {
		s.dress(p, r)
	}
	for len(p.garments) == 0 { // one that is all black was drawn
		s.dress(p, r)
	}
	return p
}

// piece draws a cut-out of a garment, too small a part to tell which.
func (s *Set) piece(r *rand.Rand) placed {
	g := s.garment(r)
	w, h := 6+r.IntN(6), 6+r.IntN(6)
	x, y := r.IntN(28-w), r.IntN(28-h)
	g.from = [4]int{x, y, x + w, y + h}
	scale := float64(s.side) / 128 * (1 + 2.5*r.Float64())
	g.size = [2]int{int(float64(w) * scale), int(float64(h) * scale)}
	g.at = [2]int{r.IntN(s.side) - g.size[0]/2, r.IntN(s.side) - g.size[1]/2}
	g.levels = s.scaled(&g)
	return g
}

// garment draws which one, and its colour.
func (s *Set) garment(r *rand.Rand) placed {
	g := placed{index: r.IntN(s.garments.Len()), from: [4]int{0, 0, 28, 28}, alpha: 0.75 + 0.25*r.Float32()}
	for c := range g.tint {
		g.tint[c] = uint8(110 + r.IntN(146))
	}
	return g
}

// tries is how often a place is drawn for a garment before it is left out.
const tries = 20

// dress adds a garment that covers no other by much, if there is a place. The
// first always has one.
func (s *Set) dress(p *picture, r *rand.Rand) {
	g := s.garment(r)
	side := int(float64(s.side) / 128 * (16 + 64*r.Float64()))
	g.size = [2]int{side, side}
	g.levels = s.scaled(&g)
	x0, y0, x1, y1, ok := g.extent()
	if !ok {
		return
	}
	for range tries {
		// What is to be seen of it lies in the picture.
		g.at = [2]int{r.IntN(s.side-(x1-x0)+1) - x0, r.IntN(s.side-(y1-y0)+1) - y0}
		g.box = vision.Box{X0: float64(g.at[0] + x0), Y0: float64(g.at[1] + y0), X1: float64(g.at[0] + x1), Y1: float64(g.at[1] + y1)}
		if p.free(g.box) {
			p.garments = append(p.garments, g)
			return
		}
	}
}

// free reports whether a box covers no more than a quarter of another garment's
// or of itself.
func (p *picture) free(b vision.Box) bool {
	area := func(b vision.Box) float64 { return max(b.X1-b.X0, 0) * max(b.Y1-b.Y0, 0) }
	for _, g := range p.garments {
		o := g.box
		in := vision.Box{X0: max(b.X0, o.X0), Y0: max(b.Y0, o.Y0), X1: min(b.X1, o.X1), Y1: min(b.Y1, o.Y1)}
		if in.X0 < in.X1 && in.Y0 < in.Y1 && area(in) > min(area(b), area(o))/4 {
			return false
		}
	}
	return true
}
