package search

import (
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/zoo"
)

// Adapt returns a space for the classes and channels of a set, and for inputs of
// a size in pixels; 0 leaves the space's.
func Adapt(t nas.Table, d data.Dataset, size int) (nas.Table, error) {
	o := zoo.Options{Classes: len(d.Classes()), Channels: 3}
	if sized, ok := d.(data.Sized); ok {
		_, _, o.Channels = sized.Size()
	}
	info, err := zoo.Adapt(t.Base, o)
	if err != nil {
		return t, err
	}
	t.Base.Info = info
	if size > 0 {
		t.Base.Input.Size = [2]int{size, size}
	}
	return t, nil
}
