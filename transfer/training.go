package transfer

import (
	"context"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
)

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
	cfg.Source, cfg.Threads, cfg.Ranks = j.dataName(), j.Threads, j.Ranks
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
	return j.write()
}
