package train

import "time"

// Progress is the state of a run after a step.
type Progress struct {
	Epoch, Epochs int      // epochs done before this one, and of the run
	Step, Steps   int      // steps done of this epoch, and all of them
	Train         []Metric // means over the epoch's images so far
	LR            float64
	Rate          float64       // images a second
	Elapsed, Left time.Duration // of the run, the evaluations included in what is left
}

// Get returns the metric of a name, such as "train_loss"; 0 if there is none.
func (p *Progress) Get(name string) float64 {
	v, _ := p.Find(name)
	return v
}

// Find is Get, and reports whether the metric was measured.
func (p *Progress) Find(name string) (float64, bool) { return find(name, p.Train) }

// report tells OnStep of the step just made.
func (t *Trainer) report() {
	t.clock.step(t)
	if t.cfg.OnStep == nil {
		return
	}
	s := &t.state
	t.cfg.OnStep(Progress{
		Epoch: t.epoch(), Epochs: t.length.epochs(),
		Step: s.Step - t.epoch()*t.stepsPerEpoch(), Steps: t.stepsPerEpoch(),
		Train: t.step.Means(), LR: t.rate(s.Step - 1), Rate: t.clock.rate(),
		Elapsed: time.Since(t.clock.start), Left: t.clock.left(t),
	})
}
