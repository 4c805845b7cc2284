package garments

import (
	"bytes"
	"hash/fnv"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
)

func open(t *testing.T, c Config) *data.Splits {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Pictures are functions of the seed and their number, of any machine.
func TestDeterministic(t *testing.T) {
	s := open(t, Config{Train: 40, Test: 20, Seed: 3})
	again := open(t, Config{Train: 50, Test: 20, Seed: 3})
	other := open(t, Config{Train: 40, Test: 20, Seed: 4})
	h := fnv.New64a()
	var a, b, c data.Sample
	differ := 0
	for i := range 40 {
		for set, to := range map[data.Dataset]*data.Sample{s.Train: &a, again.Train: &b, other.Train: &c} {
			if err := set.Read(i, to); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(a.Pixels.Pix, b.Pixels.Pix) || !slices.Equal(a.Target.(boxes.Objects), b.Target.(boxes.Objects)) {
			t.Errorf("picture %d is not the same again", i)
		}
		if !bytes.Equal(a.Pixels.Pix, c.Pixels.Pix) {
			differ++
		}
		h.Write(a.Pixels.Pix)
	}
	if differ != 40 {
		t.Errorf("%d of 40 pictures differ by their seed", differ)
	}
	if got := h.Sum64(); got != uint64(golden) {
		t.Errorf("hash %#x, want %#x", got, uint64(golden))
	}
	sub, err := data.Subset(s.Train, []int{7, 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := errorsOf(sub.Read(1, &a), s.Train.Read(3, &b)); err != nil || !bytes.Equal(a.Pixels.Pix, b.Pixels.Pix) || sub.Label(1) != s.Train.Label(3) {
		t.Errorf("a subset's pictures are others: %v", err)
	}
}

// golden is the hash of the first pictures, as they are on every machine.
const golden = 0xb93cd900a0cbca22

func errorsOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// A box holds what is painted of its garment and no more: without the garment
// the picture differs within the box alone, and at each of its edges.
func TestExactBoxes(t *testing.T) {
	s := open(t, Config{Train: 60, Test: 1, Seed: 1}).Train.(*Set)
	classes := map[int]bool{}
	for i := range s.Len() {
		p := s.draw(i)
		all := s.Objects(i)
		if len(all) != len(p.garments) || len(all) == 0 || len(all) > most {
			t.Fatalf("picture %d: %d objects, %d garments", i, len(all), len(p.garments))
		}
		last := len(all) - 1
		classes[all[last].Class] = true
		with := s.paint(p)
		p.garments = p.garments[:last]
		without := s.paint(p)
		x0, y0, x1, y1 := s.side, s.side, 0, 0
		for y := range s.side {
			for x := range s.side {
				at := (y*s.side + x) * 3
				if !bytes.Equal(with.Pix[at:at+3], without.Pix[at:at+3]) {
					x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
				}
			}
		}
		b := all[last].Box
		slack := 2 // a faint pixel may have the colour of the ground
		if float64(x0) < b.X0 || float64(y0) < b.Y0 || float64(x1) > b.X1 || float64(y1) > b.Y1 ||
			x0 > int(b.X0)+slack || y0 > int(b.Y0)+slack || x1 < int(b.X1)-slack || y1 < int(b.Y1)-slack {
			t.Errorf("picture %d: painted %d,%d to %d,%d, box %+v", i, x0, y0, x1, y1, b)
		}
	}
	if len(classes) != 10 {
		t.Errorf("%d classes in 60 pictures", len(classes))
	}
}

// Training and test pictures share no garment, and what cannot be made is
// refused.
func TestParts(t *testing.T) {
	s := open(t, Config{Train: 30, Test: 30})
	if &s.Train.(*Set).garments.Pixels[0] == &s.Test.(*Set).garments.Pixels[0] {
		t.Error("training and test are of the same garments")
	}
	for _, c := range []Config{{Train: -1}, {Side: 5}, {Side: 5000}, {Test: 1 << 30}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}
