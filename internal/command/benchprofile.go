package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/internal/kernel"
)

// profileResult is the outcome of bench profile in JSON.
type profileResult struct {
	PeakGFLOPS float64       `json:"peak_gflop_per_s"` // of the threads that run
	MemoryMB   float64       `json:"memory_mb"`
	Steps      []profileStep `json:"steps"`
}

type profileStep struct {
	Name        string  `json:"name"`
	Kind        string  `json:"kind"`
	MS          float64 `json:"ms"`
	Share       float64 `json:"share"` // of the time of all steps
	MACs        int64   `json:"macs"`
	GFLOPS      float64 `json:"gflop_per_s"`
	ShareOfPeak float64 `json:"share_of_peak"`
	MB          float64 `json:"mb"` // moved, counting everything once
}

// profileRuns is how often every step is timed; the shortest time counts.
const profileRuns = 20

type benchProfileCmd struct {
	benchNetwork
	precisionFlag
	JSON bool `name:"json" help:"Print JSON."`
}

// Run shows the time of every step.
func (c *benchProfileCmd) Run(e *env) error {
	j, err := c.inferJob(e, 1, 0, c.Precision)
	if err != nil {
		return err
	}
	defer j.close()
	if err := j.run(); err != nil {
		return err
	}
	p, err := j.program.Profile(e.ctx, j.x, profileRuns)
	if err != nil {
		return err
	}
	r := profileResult{
		PeakGFLOPS: kernel.PeakFLOPS() / 1e9 * float64(j.threads),
		MemoryMB:   float64(p.ArenaBytes+p.ScratchBytes) / (1 << 20),
	}
	var total time.Duration
	for _, s := range p.Steps {
		total += s.Time
	}
	for _, s := range p.Steps {
		r.Steps = append(r.Steps, profileStep{
			Name: s.Name, Kind: s.Kind, MS: float64(s.Time) / 1e6, Share: float64(s.Time) / float64(max(total, 1)), MACs: s.MACs,
			GFLOPS: s.GFLOPS(), ShareOfPeak: s.GFLOPS() / r.PeakGFLOPS, MB: float64(s.Bytes) / 1e6,
		})
	}
	if c.JSON {
		return e.json(r)
	}
	rows := [][]string{{"STEP", "KIND", "MS", "SHARE", "MACS", "GFLOP/S", "OF PEAK", "MB"}}
	for _, s := range r.Steps {
		rows = append(rows, []string{
			s.Name, s.Kind, fmt.Sprintf("%.3f", s.MS), fmt.Sprintf("%.1f %%", 100*s.Share), count(s.MACs),
			fmt.Sprintf("%.1f", s.GFLOPS), fmt.Sprintf("%.0f %%", 100*s.ShareOfPeak), fmt.Sprintf("%.2f", s.MB),
		})
	}
	if err := e.table(rows); err != nil {
		return err
	}
	e.printf("\n")
	for _, k := range byKind(p.Steps) {
		e.printf("%-28s %7.3f ms  %5.1f %%  %6.1f GFLOP/s\n", k.Kind, float64(k.Time)/1e6, 100*float64(k.Time)/float64(max(total, 1)), k.GFLOPS())
	}
	e.printf("%-28s %7.3f ms  peak %.0f GFLOP/s, %.1f MB of memory\n", "total", float64(total)/1e6, r.PeakGFLOPS, r.MemoryMB)
	return nil
}

// byKind sums the steps up, the longest first.
func byKind(steps []engine.StepProfile) []engine.StepProfile {
	var kinds []engine.StepProfile
	for _, s := range steps {
		i := slices.IndexFunc(kinds, func(k engine.StepProfile) bool { return k.Kind == s.Kind })
		if i < 0 {
			i = len(kinds)
			kinds = append(kinds, engine.StepProfile{Kind: s.Kind})
		}
		kinds[i].Time += s.Time
		kinds[i].MACs += s.MACs
	}
	slices.SortFunc(kinds, func(a, b engine.StepProfile) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), strings.Compare(a.Kind, b.Kind))
	})
	return kinds
}
