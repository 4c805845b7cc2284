package command

import (
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/tensor"
)

// job is what is timed.
type job struct {
	name    string
	x       *tensor.Tensor
	threads int
	images  int   // a run
	macs    int64 // a run
	run     func() error
	close   func()

	precision string // that it computes in

	// Of inference.
	program *engine.Program
	caller  func() (*call, error) // for a goroutine of its own
	out     func() []float32      // of the last run
	post    func()                // the part of run that makes boxes; nil if there is none
	found   func() int            // boxes of the last run
}

// benchResult is the outcome in JSON.
type benchResult struct {
	Network   string  `json:"network"`
	Batch     int     `json:"batch"`
	Size      [2]int  `json:"size"`
	Threads   int     `json:"threads"`
	Runs      int     `json:"runs"`
	MedianMS  float64 `json:"median_ms"`
	MinMS     float64 `json:"min_ms"`
	ImagesS   float64 `json:"images_per_s"`
	GFLOPS    float64 `json:"gflop_per_s"`
	BoxesMS   float64 `json:"boxes_ms,omitempty"` // the part that makes boxes of a detector's outputs
	Found     *int    `json:"found,omitempty"`    // boxes of a run
	PeakRSSMB float64 `json:"peak_rss_mb"`
	StartMS   float64 `json:"start_ms"` // from the start of the process to the first result
	Kernels   string  `json:"kernels"`
	Precision string  `json:"precision,omitempty"`
}

// time runs a job once, then measures it, or answers a worker's questions, and
// prints the outcome.
func (c *benchTime) time(e *env, j *job, batch int) error {
	defer j.close()
	if err := j.run(); err != nil {
		return err
	}
	start := time.Since(processStart)
	if c.Worker {
		return j.answer(e, 1)
	}
	times, err := j.measure(e, c.Time)
	if err != nil {
		return err
	}
	slices.Sort(times)
	median := times[len(times)/2]
	r := benchResult{
		Network: j.name, Batch: batch, Size: [2]int{j.x.Shape.H, j.x.Shape.W}, Threads: j.threads,
		Runs: len(times), MedianMS: ms(median), MinMS: ms(times[0]), ImagesS: float64(j.images) / median.Seconds(),
		GFLOPS: 2 * float64(j.macs) / median.Seconds() / 1e9, PeakRSSMB: peakRSS(), StartMS: ms(start), Kernels: cpu.Current().String(),
		Precision: j.precision,
	}
	if j.post != nil {
		found := j.found()
		r.Found, r.BoxesMS = &found, ms(medianTime(boxRuns, j.post))
	}
	if c.JSON {
		return e.json(r)
	}
	e.printf("%s  %d×%d  batch %d  %d threads  %s kernels%s\n", r.Network, r.Size[0], r.Size[1], r.Batch, r.Threads, r.Kernels, inPrecision(r.Precision))
	e.printf("median %.2f ms  min %.2f ms  (%d runs)  %s images/s  %.1f GFLOP/s\n", r.MedianMS, r.MinMS, r.Runs, formatRate(r.ImagesS), r.GFLOPS)
	if r.Found != nil {
		e.printf("of which %.3f ms make %s of the outputs\n", r.BoxesMS, plural(*r.Found, "box"))
	}
	e.printf("peak memory %.1f MB, first result %.0f ms after the start\n", r.PeakRSSMB, r.StartMS)
	return nil
}

// boxRuns is how often the making of boxes is timed by itself.
const boxRuns = 50

// medianTime returns the median time of some calls.
func medianTime(n int, f func()) time.Duration {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		f()
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[n/2]
}

// measure runs the job again and again for a time, at least five times, after
// a tenth of it to warm up.
func (j *job) measure(e *env, long time.Duration) ([]time.Duration, error) {
	bar := e.newProgress("measuring", "runs", 0)
	defer bar.done()
	begin := time.Now()
	var times []time.Duration
	for warm := true; ; {
		start := time.Now()
		if err := j.run(); err != nil {
			return nil, err
		}
		now := time.Now()
		if warm {
			warm = now.Sub(begin) < long/10
			continue
		}
		times = append(times, now.Sub(start))
		if len(times) >= 5 && now.Sub(begin) > long {
			return times, nil
		}
		bar.update(int64(len(times)), "")
	}
}
