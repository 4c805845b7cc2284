package recipe

import (
	"math"
	"testing"
)

// The numbers are those of the MixNet code's schedule for 1,024 images a step.
func TestSchedule(t *testing.T) {
	const perEpoch = 1251
	paper := preset(t, "mixnet").fit(1_281_167).Schedule
	for _, c := range []struct {
		s    Schedule
		step int
		want float64
	}{
		{paper, 0, 0},
		{paper, perEpoch, 0.064 / 5},
		{paper, 5*perEpoch - 1, 0.064 * (5*perEpoch - 1) / (5 * perEpoch)},
		{paper, 5 * perEpoch, 0.064 * 0.97 * 0.97},
		{paper, 7*perEpoch + perEpoch/5, 0.064 * 0.97 * 0.97},
		{paper, 7*perEpoch + perEpoch/5 + 1, 0.064 * 0.97 * 0.97 * 0.97},
		{paper, 350*perEpoch - 1, 0.064 * math.Pow(0.97, 145)},
		{Schedule{Kind: Cosine, LR: 1, Warmup: 2, Final: 0.1}, perEpoch, 0.5},
		{Schedule{Kind: Cosine, LR: 1, Warmup: 2, Final: 0.1}, 2 * perEpoch, 1},
		{Schedule{Kind: Cosine, LR: 1, Warmup: 2, Final: 0.1}, 176 * perEpoch, 0.55},
		{Schedule{Kind: Cosine, LR: 1, Warmup: 2, Final: 0.1}, 350 * perEpoch, 0.1},
		{Schedule{Kind: Constant, LR: 0.3}, 999, 0.3},
	} {
		if err := c.s.validate(); err != nil {
			t.Error(err)
		}
		if got := c.s.Rate(c.step, perEpoch, 350); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s at step %d: %.12g, want %.12g", c.s.Kind, c.step, got, c.want)
		}
	}
}
