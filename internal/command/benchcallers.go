package command

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// callersResult is the outcome of bench callers in JSON.
type callersResult struct {
	Network   string  `json:"network"`
	Callers   int     `json:"callers"`
	Batch     int     `json:"batch"`
	Size      [2]int  `json:"size"`
	Threads   int     `json:"threads"`
	Calls     int     `json:"calls"`
	MedianMS  float64 `json:"median_ms"` // of a call, waiting included
	P99MS     float64 `json:"p99_ms"`
	ImagesS   float64 `json:"images_per_s"` // of all callers together
	PeakRSSMB float64 `json:"peak_rss_mb"`
	Kernels   string  `json:"kernels"`
	Precision string  `json:"precision"`
}

// maxCallers bounds --callers.
const maxCallers = 1 << 12

type benchCallersCmd struct {
	benchNetwork
	precisionFlag
	Callers int `default:"8" placeholder:"N" help:"How many goroutines call."`
	benchScore
	benchTime
}

// Run measures concurrent calls of one program.
func (c *benchCallersCmd) Run(e *env) error {
	if c.Callers < 1 || c.Callers > maxCallers {
		return usagef("--callers %d: between 1 and %d", c.Callers, maxCallers)
	}
	if err := c.check(); err != nil {
		return err
	}
	j, err := c.inferJob(e, c.Callers, c.Score, c.Precision)
	if err != nil {
		return err
	}
	defer j.close()
	if err := j.run(); err != nil {
		return err
	}
	if c.Worker {
		return j.answer(e, c.Callers)
	}
	if _, err := j.crowd(e, c.Callers, c.Time/10); err != nil { // to warm up
		return err
	}
	bar := e.newProgress("measuring", "calls", 0)
	bar.update(0, "")
	start := time.Now()
	times, err := j.crowd(e, c.Callers, c.Time)
	bar.done()
	if err != nil {
		return err
	}
	took := time.Since(start)
	r := callersResult{
		Network: j.name, Callers: c.Callers, Batch: c.Batch, Size: [2]int{j.x.Shape.H, j.x.Shape.W}, Threads: j.threads, Calls: len(times),
		MedianMS: ms(times[len(times)/2]), P99MS: ms(times[(len(times)-1)*99/100]), ImagesS: float64(len(times)*j.images) / took.Seconds(),
		PeakRSSMB: peakRSS(), Kernels: cpu.Current().String(), Precision: j.precision,
	}
	if c.JSON {
		return e.json(r)
	}
	e.printf("%s  %d×%d  batch %d  %d callers  %d threads  %s kernels%s\n", r.Network, r.Size[0], r.Size[1], r.Batch, r.Callers, r.Threads, r.Kernels, inPrecision(r.Precision))
	e.printf("%s images/s  a call: median %.2f ms, 99 %% within %.2f ms  (%d calls)\n", formatRate(r.ImagesS), r.MedianMS, r.P99MS, r.Calls)
	e.printf("peak memory %.1f MB\n", r.PeakRSSMB)
	return nil
}

// crowd has several goroutines call the program, each again and again for a
// time and at least once, and returns how long every call took, the shortest
// first.
func (j *job) crowd(e *env, callers int, long time.Duration) ([]time.Duration, error) {
	times := make([][]time.Duration, callers)
	errs := make([]error, callers)
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			var own *call
			own, errs[i] = j.caller()
			for errs[i] == nil {
				start := time.Now()
				errs[i] = own.run(e.ctx, j.x)
				now := time.Now()
				times[i] = append(times[i], now.Sub(start))
				if now.Sub(begin) > long {
					return
				}
			}
		})
	}
	wg.Wait()
	all := slices.Concat(times...)
	slices.Sort(all)
	return all, errors.Join(errs...)
}
