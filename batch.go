package mixnet

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mixnet-go/mixnet/vision"
)

// ClassifyBatch returns what Classify says of each picture, in their order. A
// picture that cannot be read has an error of its own, and so have those that
// are left when ctx ends: there are always as many results as pictures. A picture's values differ from
// those it has alone by rounding.
//
// While the network runs on some pictures the next ones are read and prepared,
// by Options.Threads goroutines, and no further ones before they are asked for:
// the memory taken does not grow with the number of pictures.
func (c *Classifier) ClassifyBatch(ctx context.Context, pictures []Picture, k int) iter.Seq2[[]Prediction, error] {
	return func(yield func([]Prediction, error) bool) {
		for v, err := range c.batch(ctx, logits, pictures) {
			var found []Prediction
			if err == nil {
				found = c.top(v, k)
			}
			if !yield(found, err) {
				return
			}
		}
	}
}

// LogitsBatch returns the Logits of each picture, as ClassifyBatch goes through
// them.
func (c *Classifier) LogitsBatch(ctx context.Context, pictures []Picture) iter.Seq2[[]float32, error] {
	return c.copies(ctx, logits, pictures)
}

// FeaturesBatch returns the Features of each picture, as ClassifyBatch goes
// through them.
func (c *Classifier) FeaturesBatch(ctx context.Context, pictures []Picture) iter.Seq2[[]float32, error] {
	return c.copies(ctx, features, pictures)
}

func (c *Classifier) copies(ctx context.Context, o output, pictures []Picture) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for v, err := range c.batch(ctx, o, pictures) {
			if !yield(slices.Clone(v), err) {
				return
			}
		}
	}
}

// batch computes a result for each picture. The values are overwritten later.
func (c *Classifier) batch(ctx context.Context, o output, pictures []Picture) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		done := 0
		err := c.chunks(ctx, o, pictures, func(v []float32, err error) bool {
			done++
			return yield(v, err)
		})
		for err != nil && done < len(pictures) {
			done++
			if !yield(nil, err) {
				return
			}
		}
	}
}

// chunks calls yield with the results of the pictures until it returns false.
// It returns an error if that is what all further pictures would have.
func (c *Classifier) chunks(ctx context.Context, o output, pictures []Picture, yield func([]float32, error) bool) error {
	width, err := c.width(o)
	if err != nil {
		return err
	}
	inner, cancel := context.WithCancel(ctx)
	var producer sync.WaitGroup
	defer producer.Wait()
	defer cancel()
	// Two chunks go round: one is prepared while the network runs on the other.
	size := min(c.chunkSize(), max(len(pictures), 1))
	free, ready := make(chan *chunk, 2), make(chan *chunk)
	for range cap(free) {
		free <- c.newChunk(size, width)
	}
	producer.Go(func() {
		defer close(ready)
		for rest := pictures; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			select {
			case <-inner.Done():
				return
			case k := <-free:
				c.prepareAll(inner, k, rest[:min(size, len(rest))])
				select {
				case <-inner.Done():
					return
				case ready <- k:
				}
			}
		}
	})
	for k := range ready {
		if !c.finish(ctx, o, k, yield) {
			return nil
		}
		free <- k
	}
	return ctx.Err()
}

// chunk is a part of a batch that the network runs on at once.
type chunk struct {
	width  int       // of a picture's values
	errs   []error   // of every picture
	pixels []byte    // prepared pictures, those with errors left out
	values []float32 // their results
}

// chunkSize is the number of pictures of a chunk: some for every thread.
func (c *Classifier) chunkSize() int { return min(max(4*c.program.Threads(), 8), 64) }

func (c *Classifier) newChunk(pictures, width int) *chunk {
	return &chunk{
		width: width, errs: make([]error, pictures),
		pixels: make([]byte, pictures*c.inputLen()),
		values: make([]float32, pictures*width),
	}
}

func (c *Classifier) inputLen() int {
	in := c.header.Preprocess()
	return in.Size[0] * in.Size[1] * in.Channels
}

// prepareAll fills a chunk, in parallel.
func (c *Classifier) prepareAll(ctx context.Context, k *chunk, pictures []Picture) {
	k.errs = k.errs[:len(pictures)]
	size := c.inputLen()
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(c.program.Threads(), len(pictures)) {
		all.Go(func() {
			w := c.workers.Get().(*worker)
			defer c.workers.Put(w)
			var dst vision.Image
			for {
				i := int(next.Add(1)) - 1
				if i >= len(pictures) {
					return
				}
				if k.errs[i] = ctx.Err(); k.errs[i] != nil {
					continue
				}
				dst.Pix = k.pixels[i*size : i*size : (i+1)*size]
				k.errs[i] = c.prepare(ctx, w, &dst, pictures[i])
				copy(k.pixels[i*size:(i+1)*size], dst.Pix) // where they are already, unless a decoder had memory of its own
			}
		})
	}
	all.Wait()
	good := 0
	for i, err := range k.errs {
		if err == nil {
			copy(k.pixels[good*size:(good+1)*size], k.pixels[i*size:(i+1)*size])
			good++
		}
	}
}

// finish runs the network on a chunk and passes its results on. It reports
// whether more are wanted.
func (c *Classifier) finish(ctx context.Context, o output, k *chunk, yield func([]float32, error) bool) bool {
	good := 0
	for _, err := range k.errs {
		if err == nil {
			good++
		}
	}
	var failed error
	if good > 0 {
		failed = c.compute(ctx, o, k.values[:good*k.width], k.pixels[:good*c.inputLen()], good)
	}
	values := k.values
	for _, err := range k.errs {
		var v []float32
		if err == nil {
			if v, values = values[:k.width], values[k.width:]; failed != nil {
				err = failed
			} else {
				err = checkFinite(v)
			}
		}
		if err != nil {
			v = nil
		}
		if !yield(v, err) {
			return false
		}
	}
	return true
}
