package train

import "time"

// clock measures how fast a run goes.
type clock struct {
	start  time.Time // of the run
	epoch  time.Time // of the current epoch, as if it had not been interrupted
	recent time.Time // of the images counted
	images int       // since then
	speed  float64   // images a second, smoothed
	steps  time.Duration
	work   float64       // what was computed in steps, see length.work
	pause  time.Duration // between the last step of an epoch and the next epoch
	last   time.Time     // end of the last step
}

func newClock(t *Trainer) clock {
	now := time.Now()
	return clock{start: now, epoch: now.Add(-seconds(t.state.Seconds)), recent: now, last: now}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// step notes the end of a step.
func (c *clock) step(t *Trainer) {
	now := time.Now()
	c.steps += now.Sub(c.last)
	c.work += t.length.work(t.state.Step-1, t.state.Step, t.stepsPerEpoch())
	c.last = now
	c.images += t.cfg.Recipe.Batch
	if d := now.Sub(c.recent); d > time.Second || c.speed == 0 {
		s := float64(c.images) / d.Seconds()
		if c.speed == 0 {
			c.speed = s
		}
		c.speed += 0.3 * (s - c.speed)
		c.recent, c.images = now, 0
	}
	t.state.Seconds = now.Sub(c.epoch).Seconds()
}

// rate returns images a second.
func (c *clock) rate() float64 { return c.speed }

// left estimates the time to the end of the run.
func (c *clock) left(t *Trainer) time.Duration {
	perEpoch := t.stepsPerEpoch()
	work := t.length.work(t.state.Step, t.length.epochs()*perEpoch, perEpoch)
	epochs := t.length.epochs() - t.epoch()
	return time.Duration(float64(c.steps)/c.work*work) + c.pause*time.Duration(epochs)
}

// lap ends an epoch and returns its seconds.
func (c *clock) lap() float64 {
	now := time.Now()
	d := now.Sub(c.epoch)
	c.pause = now.Sub(c.last)
	c.epoch, c.last, c.recent, c.images = now, now, now, 0
	return d.Seconds()
}
