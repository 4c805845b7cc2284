package data

import (
	"sync/atomic"

	"github.com/mixnet-go/mixnet/vision"
)

// cache is a set that keeps decoded pictures.
type cache struct {
	Dataset
	pictures []atomic.Pointer[kept]
	left     atomic.Int64 // bytes
}

// kept is a decoded picture with its target.
type kept struct {
	image  vision.Image
	target Target
}

// Cache returns d with every picture decoded only once, as long as the decoded
// pictures fit into maxBytes; the others are decoded each time. It serves sets
// of small files that are read again every epoch. A set in memory is returned
// as it is.
func Cache(d Dataset, maxBytes int64) Dataset {
	if _, ok := d.(Sized); ok {
		return d
	}
	c := &cache{Dataset: d, pictures: make([]atomic.Pointer[kept], d.Len())}
	c.left.Store(maxBytes)
	return c
}

// Read implements [Dataset].
func (c *cache) Read(i int, s *Sample) error {
	if k := c.pictures[i].Load(); k != nil {
		s.Picture, s.Target = vision.Picture{Pixels: &k.image}, k.target
		return nil
	}
	if err := c.Dataset.Read(i, s); err != nil || s.Pixels != nil || c.left.Load() <= 0 {
		return err
	}
	info, err := s.decoder.Inspect(s.File)
	if err != nil {
		return err
	}
	const channels = 3
	size := int64(info.W) * int64(info.H) * channels
	if c.left.Add(-size) < 0 {
		c.left.Add(size)
		return nil
	}
	k := &kept{target: s.Target}
	if err := s.decoder.Decode(&k.image, s.File, channels); err != nil {
		c.left.Add(size)
		return err
	}
	c.pictures[i].Store(k)
	s.Picture = vision.Picture{Pixels: &k.image}
	return nil
}
