package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
)

// run does what of the plan is left.
func (j *finetuneJob) run() error {
	if err := os.MkdirAll(j.dir, 0o777); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	if err := j.write(); err != nil {
		return err
	}
	j.introduce()
	for _, s := range []struct {
		method string
		wanted bool
		run    func() (*model.Model, *evaluate.Outcomes, error)
	}{
		{frozen, j.plan.Frozen || j.plan.HeadOnly, j.trainHead},
		{fineTuned, !j.plan.HeadOnly, j.fineTune},
		{fromScratch, j.plan.Scratch, j.trainFromScratch},
	} {
		if !s.wanted || j.plan.result(s.method) != nil {
			continue
		}
		started := time.Now()
		m, o, err := s.run()
		if err != nil {
			return err
		}
		r := methodResult{Method: s.method, Model: j.file(s.method), Outcomes: o, Seconds: time.Since(started).Seconds()}
		if r.Outcomes == nil {
			if r.Outcomes, err = j.evaluate(m); err != nil {
				return err
			}
		}
		if err := m.Save(r.Model); err != nil {
			return err
		}
		j.plan.Results = append(j.plan.Results, r)
		if err := j.write(); err != nil {
			return err
		}
	}
	return nil
}

// file returns where the weights of a method go.
func (j *finetuneJob) file(method string) string {
	switch {
	case method == fineTuned, method == frozen && j.plan.HeadOnly:
		return filepath.Join(j.dir, modelFile)
	case method == frozen:
		return filepath.Join(j.dir, "frozen.safetensors")
	}
	return filepath.Join(j.dir, "scratch", modelFile)
}

func (j *finetuneJob) introduce() {
	if j.json {
		return
	}
	p := &j.plan
	j.e.printf("%s from %s, for %d classes of %s: %d training images, %d %s ones (seed %d)\n", j.source.Network, p.Weights,
		len(j.test.Classes()), source(p.Data), j.train.Len(), j.test.Len(), j.part, p.Recipe.Seed)
	j.e.printf("%d threads, run folder %s\n\n", j.e.cores(), j.dir)
}

// target returns what the network is turned into.
func (j *finetuneJob) target() transfer.Target {
	p := &j.plan
	return transfer.Target{Classes: j.test.Classes(), Size: p.Size, DropPath: p.DropPath, Seed: p.Recipe.Seed}
}

// adapt returns the pretrained network with a new classifier.
func (j *finetuneJob) adapt() (*model.Model, error) {
	m, err := transfer.Adapt(j.source, j.target())
	if err != nil {
		return nil, err
	}
	m.Notes = maps.Clone(m.Notes)
	if m.Notes == nil {
		m.Notes = map[string]string{}
	}
	m.Notes["fine_tuned_from"] = j.plan.Weights
	return m, nil
}

// fitHead gives the pretrained network a classifier trained on features; with
// penalty 0 on the best one.
func (j *finetuneJob) fitHead(m *model.Model, f *transfer.Features, penalty float64) (*transfer.Head, error) {
	h, err := transfer.FitHead(j.e.ctx, f, transfer.HeadOptions{Penalty: penalty, Seed: j.plan.Recipe.Seed, Threads: j.e.threads})
	if err != nil {
		return nil, err
	}
	return h, h.Install(m)
}

func (j *finetuneJob) inference(bar *progress) transfer.Inference {
	return transfer.Inference{Threads: j.e.threads, MaxBad: j.plan.Recipe.MaxBad, Progress: func(images int64) { bar.update(images, "") }}
}

// extract computes features, showing how far it is.
func (j *finetuneJob) extract(m *model.Model, d data.Dataset) (*transfer.Features, error) {
	bar := j.e.newProgress("features", "images", int64(d.Len()))
	defer bar.done()
	started := time.Now()
	f, err := transfer.Extract(j.e.ctx, m, d, j.inference(bar))
	if err != nil {
		return nil, err
	}
	for _, b := range f.Bad {
		j.e.note("skipped %s: %v\n", b.Name, b.Err)
	}
	j.forward = float64(f.Len()) / time.Since(started).Seconds()
	return f, nil
}

// trainHead trains the classifier alone.
func (j *finetuneJob) trainHead() (*model.Model, *evaluate.Outcomes, error) {
	started := time.Now()
	m, err := j.adapt()
	if err != nil {
		return nil, nil, err
	}
	if j.features, err = j.extract(m, j.train); err != nil {
		return nil, nil, err
	}
	h, err := j.fitHead(m, j.features, 0)
	if err != nil {
		return nil, nil, err
	}
	f, err := j.extract(m, j.test)
	if err != nil {
		return nil, nil, err
	}
	o, err := h.Evaluate(f, j.test)
	if err != nil {
		return nil, nil, err
	}
	if !j.json {
		s := o.Score(j.plan.Recipe.Seed)
		j.e.printf("frozen backbone: a classifier on %d features, penalty %g: top-1 %.2f %% after %s\n\n",
			f.Width, h.Penalty, 100*s.Top1.Value, formatDuration(time.Since(started)))
	}
	return m, o, nil
}

// evaluate runs a model on the test images.
func (j *finetuneJob) evaluate(m *model.Model) (*evaluate.Outcomes, error) {
	bar := j.e.newProgress("evaluating", "images", int64(j.test.Len()))
	defer bar.done()
	return transfer.Evaluate(j.e.ctx, m, j.test, j.inference(bar))
}

// fineTune trains all weights further.
func (j *finetuneJob) fineTune() (*model.Model, *evaluate.Outcomes, error) {
	if j.plan.Grid != nil && j.plan.Chosen == nil {
		if err := j.search(); err != nil {
			return nil, nil, err
		}
	}
	recipe := j.plan.Recipe
	change(&recipe, j.plan.Chosen)
	m, err := j.start(j.train, j.features)
	if err != nil {
		return nil, nil, err
	}
	j.features = nil
	return j.training(fineTuned, j.dir, m, recipe)
}

// start returns what fine-tuning on a set begins with, given its features if
// they are known. A recipe that keeps batch norm as it is counts on a
// classifier that fits.
func (j *finetuneJob) start(d data.Dataset, f *transfer.Features) (*model.Model, error) {
	m, err := j.adapt()
	if err != nil || !j.plan.Recipe.FixedNorm {
		return m, err
	}
	if f == nil {
		if f, err = j.extract(m, d); err != nil {
			return nil, err
		}
	}
	_, err = j.fitHead(m, f, transfer.StartPenalty)
	return m, err
}

// trainFromScratch trains the same network without the pretrained weights.
func (j *finetuneJob) trainFromScratch() (*model.Model, *evaluate.Outcomes, error) {
	m, err := transfer.Scratch(j.source, j.target())
	if err != nil {
		return nil, nil, err
	}
	return j.training(fromScratch, filepath.Dir(j.file(fromScratch)), m, recipe.FromScratch(j.plan.Recipe))
}

// training is a run of training for the result.
func (j *finetuneJob) training(stage, dir string, m *model.Model, r recipe.Recipe) (*model.Model, *evaluate.Outcomes, error) {
	cfg := train.Config{Model: m, Recipe: r, Train: j.train, Val: j.test, Dir: dir}
	if j.val != nil && j.plan.Grid == nil {
		cfg.Val, cfg.KeepBest = j.val, true
	}
	defer j.follow(stage, &cfg)()
	m, _, err := transfer.Train(j.e.ctx, cfg)
	return m, nil, err
}

// follow makes a run show its progress, under the name of a stage. The
// function returned ends that.
func (j *finetuneJob) follow(stage string, cfg *train.Config) (end func()) {
	cfg.Source, cfg.Threads = source(j.plan.Data), j.e.threads
	var done []train.Epoch
	if saved, err := train.ReadRecord(cfg.Dir); err == nil {
		done = saved.Epochs
	}
	watched := j.part
	if cfg.KeepBest {
		watched = "val"
	}
	view := newTrainView(j.e, false, cfg.Dir, watched, cfg.KeepBest, done)
	cfg.OnStep, cfg.OnEpoch, cfg.OnWarning = view.step, view.epoch, view.warning
	if j.json {
		cfg.OnEpoch = func(ep train.Epoch) {
			view.close()
			_ = j.e.jsonLine(stageEpoch{stage, ep})
		}
		return view.close
	}
	r := &cfg.Recipe
	steps := cfg.Train.Len() / r.Batch
	j.e.printf("%s: %d epochs of %d steps of %d images, rate %.3g", stage, r.Epochs, steps, r.Batch, r.Schedule.LR)
	if j.forward > 0 {
		// A training step takes about four times as long as computing features.
		images := float64(r.Epochs) * (4*float64(steps*r.Batch) + float64(cfg.Val.Len()))
		j.e.printf(", about %s", formatDuration(time.Duration(images/j.forward*float64(time.Second))))
	}
	if len(done) > 0 {
		j.e.printf(", %d epochs done", len(done))
	}
	j.e.printf("\n")
	return func() {
		view.close()
		j.e.printf("\n")
	}
}

// stageEpoch is a line of --json.
type stageEpoch struct {
	Stage string `json:"stage"`
	train.Epoch
}

// search chooses the rates.
func (j *finetuneJob) search() error {
	p := &j.plan
	m, err := j.start(j.fit, nil)
	if err != nil {
		return err
	}
	start := func() (*model.Model, error) {
		fresh := *m
		fresh.Values = m.Values.Clone()
		return &fresh, nil
	}
	s := transfer.Search{
		Config: train.Config{Recipe: p.Recipe, Train: j.fit, Val: j.val, Dir: filepath.Join(j.dir, "grid")},
		Grid:   *p.Grid, Start: start, Follow: j.follow,
	}
	r, trials, err := s.Run(j.e.ctx)
	if err != nil {
		return err
	}
	p.Chosen, p.Trials = &r, trials
	if !j.json {
		j.e.printf("chosen on %d held-out images: rate %.3g, weight decay %.3g\n\n", j.val.Len(), r.Schedule.LR, r.Optimizer.WeightDecay)
	}
	return j.write()
}
