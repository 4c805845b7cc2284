package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sort"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/vision"
)

// bytesPerPixel is what decoding takes at most: progressive JPEG and lossless
// WebP do.
const bytesPerPixel = 15

// prepare decodes, scales and crops a picture file into dst, whose length is
// that of an input. It waits for memory.
func (h *Handler) prepare(ctx context.Context, on *instance, dst, file []byte) (prepared, error) {
	p := on.processors.Get().(*vision.Processor)
	defer on.processors.Put(p)
	p.Decoder.MaxPixels = h.options.MaxPixels
	info, err := p.Decoder.Inspect(file)
	if err != nil {
		return prepared{}, err
	}
	// No more than half of all, since the request itself and others hold some.
	need := min(max(int64(info.W)*int64(info.H)*bytesPerPixel, 1<<20), h.options.MaxMemory/2)
	if err := h.reserve(ctx, need); err != nil {
		return prepared{}, err
	}
	defer h.memory.Release(need)
	start := time.Now()
	p.Decoder.MaxMemory, p.Decoder.Context = need, ctx
	defer func() { p.Decoder.Context = nil }()
	img := vision.Image{Pix: dst[:0:len(dst)]}
	t, err := p.Fit(&img, vision.Picture{File: file})
	if err != nil {
		return prepared{}, err
	}
	copy(dst, img.Pix) // where they are already, unless the decoder had memory of its own
	learn(&on.prepared, time.Since(start))
	return prepared{info, t}, nil
}

// prepared is what is known of a picture that was made an input.
type prepared struct {
	vision.Info
	from vision.Transform
}

// reserve takes memory for pictures, and waits for it as long as requests may
// wait.
func (h *Handler) reserve(ctx context.Context, bytes int64) error {
	if most := h.options.MaxMemory; bytes > most {
		return failf(http.StatusRequestEntityTooLarge, "the pictures take %d bytes together, the limit is %d: send fewer at once", bytes, most)
	}
	if h.memory.TryAcquire(bytes) {
		return nil
	}
	patience, cancel := context.WithTimeout(ctx, h.options.MaxWait)
	defer cancel()
	if h.memory.Acquire(patience, bytes) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &busyError{why: "the pictures in progress take all memory there is for them", retry: h.options.MaxWait}
}

// work is what a request asks of a model: pictures or values.
type work struct {
	on     *instance
	files  [][]byte
	values []float32 // of inputs, height × width × channels, normalised
	n      int       // inputs
	infos  []prepared
	pixels []byte

	// What is wanted of a detector, and what it found in each picture.
	objects mixnet.DetectOptions
	found   []*mixnet.Found
	// What a classifier says. If maps are wanted, of one picture, so does result.
	logits []float32
	maps   bool
	result *explain.Result
}

// bytes is what the inputs and results take.
func (k *work) bytes() int64 {
	each := k.on.pixels()
	if k.files == nil {
		each *= 4
	}
	return int64(k.n) * int64(each+4*k.on.classes)
}

// do computes the logits of a request that is let in. It ends the request's use
// of the model.
func (h *Handler) do(r *http.Request, k *work) error {
	ctx, v := r.Context(), visitOf(r)
	handed := false
	defer func() {
		if !handed {
			k.on.release()
		}
	}()
	cost := time.Duration(k.n) * time.Duration(k.on.computed.Load())
	cost += time.Duration(len(k.files)) * time.Duration(k.on.prepared.Load())
	if err := h.admission.enter(cost); err != nil {
		return err
	}
	defer h.admission.leave(cost)
	if err := h.reserve(ctx, k.bytes()); err != nil {
		return err
	}
	defer h.memory.Release(k.bytes())
	j := &job{ctx: ctx, work: k}
	switch {
	case k.on.detector != nil:
		j.alone = k.detect
	case k.maps:
		j.alone = k.explain
	}
	handed = true
	h.scheduler.submit(j)
	if err := h.scheduler.wait(j); err != nil {
		return err
	}
	v.times[stageQueue], v.times[stagePrepare], v.times[stageNetwork] = j.started.Sub(j.queued), j.prepared.Sub(j.started), j.ended.Sub(j.prepared)
	if k.result != nil {
		k.logits = k.result.Logits
	}
	for _, x := range k.logits {
		if x-x != 0 {
			return mixnet.ErrNotFinite
		}
	}
	return nil
}

// detect finds the objects in every picture.
func (k *work) detect(ctx context.Context) error {
	found := make([]*mixnet.Found, k.n)
	size := k.on.pixels()
	for i := range found {
		var err error
		if k.files != nil {
			found[i], err = k.on.detector.DetectPixels(ctx, k.pixels[i*size:(i+1)*size], k.infos[i].from, k.infos[i].Orientation, k.objects)
		} else {
			found[i], err = k.on.detector.DetectValues(ctx, k.values[i*size:(i+1)*size], k.objects)
		}
		if err != nil {
			return err
		}
	}
	k.found = found
	return nil
}

// explain computes the logits of a picture with what maps are made of.
func (k *work) explain(ctx context.Context) error {
	r, err := k.on.classifier.ExplainPixels(ctx, k.pixels)
	k.result = r
	return err
}

// ended counts a request for a model.
func (k *work) ended(r *http.Request, start time.Time, err error) {
	v := visitOf(r)
	v.model, v.pictures, v.times[stageTotal] = k.on.name, k.n, time.Since(start)
	k.on.stats.request(k.n, v.times, err)
}

// softmax returns probabilities.
func softmax(logits []float32) []float64 {
	largest, sum := float64(slices.Max(logits)), 0.0
	p := make([]float64, len(logits))
	for i, v := range logits {
		p[i] = math.Exp(float64(v) - largest)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// largest returns the indices of the k largest values, the largest first.
func largest[T cmp.Ordered](values []T, k int) []int {
	best := make([]int, 0, min(k, len(values)))
	for i, v := range values {
		if len(best) == cap(best) {
			if len(best) == 0 || v <= values[best[len(best)-1]] {
				continue
			}
			best = best[:len(best)-1]
		}
		at := sort.Search(len(best), func(j int) bool { return values[best[j]] < v })
		best = slices.Insert(best, at, i)
	}
	return best
}

// limited gives a request the time that its client has.
func limited(r *http.Request, d time.Duration) (*http.Request, context.CancelFunc, error) {
	if d <= 0 {
		return r, nil, errors.New("want a time above zero")
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), d, fmt.Errorf("not done within the %v that the request has: %w", d, context.DeadlineExceeded))
	return r.WithContext(ctx), cancel, nil
}
