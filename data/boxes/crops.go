package boxes

import (
	"fmt"
	"image"
	"math"
	"sync/atomic"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/vision"
)

// crops are the objects of a set, cut out of its pictures.
type crops struct {
	set    Labelled
	places []place
	cut    []atomic.Pointer[vision.Image]
	left   atomic.Int64 // bytes that may still be kept
}

// place is where an object is.
type place struct {
	picture, object int
}

// Crops returns the objects of a set as pictures to classify, crowds left out:
// each is what its box holds. They are kept once they are cut, up to so many
// bytes in all.
func Crops(d Labelled, maxBytes int64) data.Dataset {
	c := &crops{set: d}
	for i := range d.Len() {
		for j, o := range d.Objects(i) {
			if !o.Crowd {
				c.places = append(c.places, place{i, j})
			}
		}
	}
	c.cut = make([]atomic.Pointer[vision.Image], len(c.places))
	c.left.Store(maxBytes)
	return c
}

// Len implements [data.Dataset].
func (c *crops) Len() int { return len(c.places) }

// Classes implements [data.Dataset].
func (c *crops) Classes() []string { return c.set.Classes() }

func (c *crops) object(i int) *Object {
	p := c.places[i]
	return &c.set.Objects(p.picture)[p.object]
}

// Label implements [data.Dataset].
func (c *crops) Label(i int) int { return c.object(i).Class }

// Name implements [data.Dataset].
func (c *crops) Name(i int) string {
	p := c.places[i]
	return fmt.Sprintf("%s, object %d", c.set.Name(p.picture), p.object+1)
}

// Read implements [data.Dataset].
func (c *crops) Read(i int, s *data.Sample) error {
	if i < 0 || i >= len(c.places) {
		return fmt.Errorf("boxes: object %d of %d", i, len(c.places))
	}
	if kept := c.cut[i].Load(); kept != nil {
		s.Picture, s.Target = vision.Picture{Pixels: kept}, nil
		return nil
	}
	if err := c.set.Read(c.places[i].picture, s); err != nil {
		return err
	}
	m, err := c.window(i, s)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name(i), err)
	}
	if size := int64(len(m.Pix)); c.left.Add(-size) < 0 {
		c.left.Add(size)
	} else {
		c.cut[i].Store(m)
	}
	s.Picture, s.Target = vision.Picture{Pixels: m}, nil
	return nil
}

// window cuts object i out of its picture: the pixels that its box touches.
func (c *crops) window(i int, s *data.Sample) (*vision.Image, error) {
	const channels = 3
	b := c.object(i).Box
	r := image.Rect(int(math.Floor(b.X0)), int(math.Floor(b.Y0)), int(math.Ceil(b.X1)), int(math.Ceil(b.Y1)))
	if s.Pixels == nil {
		var decoder vision.Decoder
		info, err := decoder.Inspect(s.File)
		if err != nil {
			return nil, err
		}
		if r = r.Intersect(image.Rect(0, 0, info.W, info.H)); r.Empty() {
			return nil, fmt.Errorf("the box %v holds no pixel", b)
		}
		m := new(vision.Image)
		return m, decoder.Region(m, s.File, info, r, channels)
	}
	whole := s.Pixels
	if r = r.Intersect(whole.Bounds()); r.Empty() {
		return nil, fmt.Errorf("the box %v holds no pixel", b)
	}
	return whole.Part(r), nil
}
