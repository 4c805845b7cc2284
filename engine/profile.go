package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/mixnet-go/mixnet/tensor"
)

// Profile is where the time of one call goes.
type Profile struct {
	Steps        []StepProfile `json:"steps"`
	ArenaBytes   int64         `json:"arena_bytes"`   // of one call: intermediate results
	ScratchBytes int64         `json:"scratch_bytes"` // of one call: all threads together
}

// StepProfile is one step of a plan.
type StepProfile struct {
	Name  string        `json:"name"` // of the layer in the graph
	Kind  string        `json:"kind"` // such as "pointwise"
	Parts int           `json:"parts"`
	Time  time.Duration `json:"ns"`
	MACs  int64         `json:"macs"`
	Bytes int64         `json:"bytes"` // read and written, counting everything once
}

// GFLOPS returns the speed of the step in 10^9 floating-point operations a
// second, two for each multiply-add.
func (s StepProfile) GFLOPS() float64 {
	return 2 * float64(s.MACs) / float64(max(s.Time, 1))
}

// Profile runs the network repeatedly on x, one batch that is small enough to
// be run at once, and returns the shortest time of every step.
func (p *Program) Profile(ctx context.Context, x *tensor.Tensor, runs int) (*Profile, error) {
	if err := x.Check(); err != nil {
		return nil, fmt.Errorf("%s: input: %w", p.g.Name, err)
	}
	plan, err := p.plans.get(p, planKey{x.Shape, p.Threads()})
	if err != nil {
		return nil, err
	}
	out := &Profile{ArenaBytes: int64(plan.arena), ScratchBytes: floatBytes * int64(plan.scratch*p.Threads())}
	for _, s := range plan.steps {
		out.Steps = append(out.Steps, StepProfile{Name: s.name, Kind: s.kind, Parts: s.parts, MACs: s.macs, Bytes: s.bytes})
	}
	s := newState()
	s.fit(p.Threads(), plan)
	s.x = images{floats: x.Data}
	s.times = make([]time.Duration, len(plan.steps))
	for _, result := range plan.results {
		s.taps = append(s.taps, stateTap{result, make([]float32, x.Shape.N*result.len())})
	}
	s.sortTaps()
	for range max(runs, 1) {
		clear(s.times)
		if err := s.run(ctx, p.pool, plan); err != nil {
			return nil, err
		}
		for i, t := range s.times {
			if st := &out.Steps[i]; st.Time == 0 || t < st.Time {
				st.Time = t
			}
		}
	}
	return out, nil
}
