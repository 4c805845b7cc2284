// Package found says what a detector finds in the pictures of a set, as COCO's
// evaluator takes it.
package found

import (
	"context"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/evaluate/coco"
	"github.com/mixnet-go/mixnet/train/objects"
)

// Finder looks at pictures, one after the other.
type Finder struct {
	Detector *mixnet.Detector
	Set      boxes.Labelled

	sample data.Sample
	found  mixnet.Found
}

// In adds the objects of picture i to all. Whatever the network proposes counts,
// up to a hundred; boxes are in pixels of the upright picture.
func (f *Finder) In(ctx context.Context, i int, all []coco.Detection) ([]coco.Detection, error) {
	if err := f.Set.Read(i, &f.sample); err != nil {
		return all, err
	}
	picture := mixnet.Bytes(f.sample.File)
	if f.sample.Pixels != nil {
		picture = mixnet.Image(f.sample.Pixels)
	}
	if err := f.Detector.DetectInto(ctx, &f.found, picture, mixnet.DetectOptions{Score: -1}); err != nil {
		return all, err
	}
	for _, o := range f.found.Objects {
		b := f.found.Orientation.UprightBox(o.Box(), f.found.Width, f.found.Height)
		all = append(all, coco.Detection{Image: int64(i + 1), Category: int64(o.Class + 1), Box: objects.COCOBox(b), Score: o.Score})
	}
	return all, nil
}
