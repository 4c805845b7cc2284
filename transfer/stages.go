package transfer

import (
	"context"
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
)

// Run does what of the plan is left, and reports. When ctx ends, what is done
// so far is in the job's folder, and the error wraps ctx's.
func (j *Job) Run(ctx context.Context) (*Result, error) {
	if j.dir != "" {
		if err := os.MkdirAll(j.dir, 0o777); err != nil {
			return nil, fmt.Errorf("run folder: %w", err)
		}
	}
	if err := j.plan.write(j.dir); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		method Method
		wanted bool
		run    func(context.Context) (*model.Model, *evaluate.Outcomes, error)
	}{
		{Frozen, j.plan.Frozen || j.plan.HeadOnly, j.trainHead},
		{FineTuned, !j.plan.HeadOnly, j.fineTune},
		{FromScratch, j.plan.Scratch, j.trainFromScratch},
	} {
		if !s.wanted || j.plan.Result(s.method) != nil {
			continue
		}
		if err := j.do(ctx, s.method, s.run); err != nil {
			return nil, err
		}
	}
	return j.result()
}

// do runs a method and keeps its result.
func (j *Job) do(ctx context.Context, method Method, run func(context.Context) (*model.Model, *evaluate.Outcomes, error)) error {
	started := time.Now()
	m, o, err := run(ctx)
	if err != nil {
		return err
	}
	r := MethodResult{Method: method, Model: j.file(method), Outcomes: o, Seconds: time.Since(started).Seconds()}
	if r.Outcomes == nil {
		if r.Outcomes, err = j.evaluate(ctx, m); err != nil {
			return err
		}
	}
	if j.models[method] = m; j.dir != "" {
		if err := m.Save(r.Model); err != nil {
			return err
		}
	}
	j.plan.Results = append(j.plan.Results, r)
	return j.plan.write(j.dir)
}

// file returns where the weights of a method go; "" without a folder.
func (j *Job) file(m Method) string {
	switch {
	case j.dir == "":
		return ""
	case m == j.plan.Main():
		return filepath.Join(j.dir, ModelFile)
	case m == Frozen:
		return filepath.Join(j.dir, frozenFile)
	}
	return filepath.Join(j.dir, scratchDir, ModelFile)
}

// below returns the name of a folder in the job's; "" without one.
func (j *Job) below(name string) string {
	if j.dir == "" {
		return ""
	}
	return filepath.Join(j.dir, name)
}

// target returns what the network is turned into.
func (j *Job) target() Target {
	p := j.plan
	return Target{Classes: j.images.Train.Classes(), Size: p.Size, DropPath: p.DropPath, Seed: p.Recipe.Seed}
}

// adapt returns the pretrained network for the classes, with a new classifier.
func (j *Job) adapt() (*model.Model, error) {
	m, err := Adapt(j.source, j.target())
	if err != nil {
		return nil, err
	}
	if j.plan.Weights != "" {
		m.Notes = maps.Clone(m.Notes)
		if m.Notes == nil {
			m.Notes = map[string]string{}
		}
		m.Notes["fine_tuned_from"] = j.plan.Weights
	}
	return m, nil
}

// trainHead trains the classifier alone.
func (j *Job) trainHead(ctx context.Context) (*model.Model, *evaluate.Outcomes, error) {
	started := time.Now()
	m, err := j.adapt()
	if err != nil {
		return nil, nil, err
	}
	if j.features, err = j.extract(ctx, m, j.images.Train); err != nil {
		return nil, nil, err
	}
	h, err := j.fitHead(ctx, m, j.features, 0)
	if err != nil {
		return nil, nil, err
	}
	f, err := j.extract(ctx, m, j.images.Judge)
	if err != nil {
		return nil, nil, err
	}
	o, err := h.Evaluate(f, j.images.Judge)
	if err != nil {
		return nil, nil, err
	}
	j.Trace.head(HeadFit{Features: f.Width, Penalty: h.Penalty, Top1: o.Top(1), Took: time.Since(started)})
	return m, o, nil
}

// fitHead gives the pretrained network a classifier trained on features; with
// penalty 0 on the best one.
func (j *Job) fitHead(ctx context.Context, m *model.Model, f *Features, penalty float64) (*Head, error) {
	h, err := FitHead(ctx, f, HeadOptions{Penalty: penalty, Seed: j.plan.Recipe.Seed, Threads: j.Threads})
	if err != nil {
		return nil, err
	}
	return h, h.Install(m)
}

// inference returns how to go through a set, telling the trace.
func (j *Job) inference(what string, d data.Dataset) (how Inference, end func()) {
	p := Pass{What: what, Images: d.Len()}
	how = Inference{Threads: j.Threads, MaxBad: j.plan.Recipe.MaxBad, Progress: func(images int64) {
		p.Done = int(images)
		j.Trace.passing(p)
	}}
	return how, func() {
		p.Ended = true
		j.Trace.passing(p)
	}
}

// extract computes features.
func (j *Job) extract(ctx context.Context, m *model.Model, d data.Dataset) (*Features, error) {
	how, end := j.inference("features", d)
	defer end()
	started := time.Now()
	f, err := Extract(ctx, m, d, how)
	if err != nil {
		return nil, err
	}
	for _, b := range f.Bad {
		j.Trace.warning(fmt.Errorf("skipped %s: %w", b.Name, b.Err))
	}
	j.forward = float64(f.Len()) / time.Since(started).Seconds()
	return f, nil
}

// evaluate runs a model on the images that judge.
func (j *Job) evaluate(ctx context.Context, m *model.Model) (*evaluate.Outcomes, error) {
	how, end := j.inference("evaluating", j.images.Judge)
	defer end()
	return Evaluate(ctx, m, j.images.Judge, how)
}

// fineTune trains all weights further.
func (j *Job) fineTune(ctx context.Context) (*model.Model, *evaluate.Outcomes, error) {
	if j.plan.Grid != nil && j.plan.Chosen == nil {
		if err := j.search(ctx); err != nil {
			return nil, nil, err
		}
	}
	r := j.plan.Recipe
	if j.plan.Chosen != nil {
		r = *j.plan.Chosen
	}
	m, err := j.start(ctx, j.images.Train, j.features)
	if err != nil {
		return nil, nil, err
	}
	j.features = nil
	return j.train(ctx, FineTuned, j.dir, m, r)
}

// start returns what fine-tuning on a set begins with, given its features if
// they are known: the pretrained network with its own classifier if that is
// kept, or with one that fits, which a recipe that leaves batch norm as it is
// counts on.
func (j *Job) start(ctx context.Context, d data.Dataset, f *Features) (*model.Model, error) {
	m, err := j.adapt()
	if err != nil {
		return nil, err
	}
	if j.plan.KeepHead {
		return m, keepHead(m, j.source)
	}
	if !j.plan.Recipe.FixedNorm {
		return m, nil
	}
	if f == nil {
		if f, err = j.extract(ctx, m, d); err != nil {
			return nil, err
		}
	}
	_, err = j.fitHead(ctx, m, f, StartPenalty)
	return m, err
}

// trainFromScratch trains the same network without the pretrained weights.
func (j *Job) trainFromScratch(ctx context.Context) (*model.Model, *evaluate.Outcomes, error) {
	m, err := Scratch(j.source, j.target())
	if err != nil {
		return nil, nil, err
	}
	return j.train(ctx, FromScratch, j.below(scratchDir), m, recipe.FromScratch(j.plan.Recipe))
}

// train is a run of training for the result.
func (j *Job) train(ctx context.Context, method Method, dir string, m *model.Model, r recipe.Recipe) (*model.Model, *evaluate.Outcomes, error) {
	cfg := train.Config{Model: m, Recipe: r, Train: j.images.Train, Val: j.images.Judge, Dir: dir}
	if j.images.Choose != nil && j.plan.Grid == nil {
		cfg.Val, cfg.KeepBest = j.images.Choose, true
	}
	defer j.follow(method, "", &cfg)()
	t, err := train.Run(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	return t.Model(), nil, nil
}

// follow makes a run tell the trace. The function returned ends that.
func (j *Job) follow(method Method, name string, cfg *train.Config) (end func()) {
	cfg.Source, cfg.Threads = j.dataName(), j.Threads
	s := Stage{
		Method: method, Name: name, Dir: cfg.Dir, Recipe: cfg.Recipe, Images: cfg.Train.Len(), Watched: cfg.Val.Len(),
		WatchedName: j.images.JudgeName, Chooses: cfg.KeepBest, KeepsHead: method == FineTuned && j.plan.KeepHead,
	}
	if cfg.Val == j.images.Choose {
		s.WatchedName = j.images.ChooseName
	}
	if saved, err := train.ReadRecord(cfg.Dir); cfg.Dir != "" && err == nil {
		s.Done = saved.Epochs
	}
	if j.forward > 0 {
		// A training step takes about four times as long as computing features.
		r := &cfg.Recipe
		images := float64(r.Epochs) * (4*float64(s.Images/r.Batch*r.Batch) + float64(s.Watched))
		s.Expected = time.Duration(images / j.forward * float64(time.Second))
	}
	if j.Trace.Step != nil {
		cfg.OnStep = func(p train.Progress) { j.Trace.Step(s, p) }
	}
	if j.Trace.Epoch != nil {
		cfg.OnEpoch = func(e train.Epoch) { j.Trace.Epoch(s, e) }
	}
	cfg.OnWarning = j.Trace.Warning
	j.Trace.training(s)
	return func() { j.Trace.trained(s) }
}

// search chooses the rates.
func (j *Job) search(ctx context.Context) error {
	m, err := j.start(ctx, j.images.Fit, nil)
	if err != nil {
		return err
	}
	s := GridSearch{
		Config: train.Config{Recipe: j.plan.Recipe, Train: j.images.Fit, Val: j.images.Choose, Dir: j.below(gridDir)},
		Grid:   *j.plan.Grid,
		Start: func() (*model.Model, error) {
			fresh := *m
			fresh.Values = m.Values.Clone()
			return &fresh, nil
		},
		Follow: func(name string, cfg *train.Config) func() { return j.follow(FineTuned, name, cfg) },
	}
	r, trials, err := s.Run(ctx)
	if err != nil {
		return err
	}
	j.plan.Chosen, j.plan.Trials = &r, trials
	j.Trace.chose(r)
	return j.plan.write(j.dir)
}
