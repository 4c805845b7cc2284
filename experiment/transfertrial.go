package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
)

// transferTrial transfers a network to a set by a method. Of the run folder the
// weights are not kept.
func transferTrial(ctx context.Context, r *Trainer, t store.Trial, arm *Planned, seed uint64, o *Outcome) (float64, error) {
	i := slices.IndexFunc(r.Targets, func(t Target) bool { return t.Name == arm.Panel })
	j := slices.IndexFunc(r.Sources, func(s Source) bool { return s.Name == arm.Series })
	if i < 0 || j < 0 {
		return 0, fmt.Errorf("no set %s or no weights %s", arm.Panel, arm.Series)
	}
	splits, err := r.Plan.draw(r.Targets[i].Splits, seed)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", arm.Panel, err)
	}
	m := r.Sources[j].Model
	job := transfer.Options{
		Recipe: r.Plan.Recipe, Size: r.Plan.sizeFor(m),
		Source:  transfer.Source{Weights: arm.Series, Data: arm.Panel},
		Running: transfer.Running{Threads: max(r.Threads, 1), Trace: transfer.Trace{Epoch: func(_ transfer.Stage, e train.Epoch) { r.epoch(t, e) }}},
	}
	job.Recipe.Seed = seed
	var outcomes *transfer.MethodResult
	err = o.inFolder(t, func() (err error) {
		job.Dir = o.Run
		outcomes, err = r.transfer(ctx, m, splits, job, arm.Label)
		return err
	})
	if err != nil {
		return 0, err
	}
	o.Seconds = outcomes.Seconds
	o.judged(outcomes.Outcomes.Ranks)
	return outcomes.Outcomes.Top(1), dropWeights(o.Run)
}

// draw returns the images of a trial: few to train on, drawn by its seed, and
// those that judge, the same for all.
func (p *Plan) draw(s *data.Splits, seed uint64) (*data.Splits, error) {
	policy := data.Policy{Seed: p.Seed}
	if s.Test == nil && s.Val == nil {
		policy.Test = 0.2
	}
	roles, err := s.Plan(policy)
	if err != nil {
		return nil, err
	}
	out := &data.Splits{Train: roles.Fit, Test: roles.Judge}
	if out.Test == nil {
		out.Test = roles.Choose
	} else if p.PerClass == 0 {
		out.Val = roles.Choose
	}
	if out.Test == nil {
		return nil, errors.New("no images to judge by")
	}
	if out.Train, err = fewer(out.Train, p.PerClass*len(s.Classes()), seed); err != nil {
		return nil, err
	}
	out.Test, err = fewer(out.Test, p.Judge, p.Seed)
	return out, err
}

// fewer draws so many images, of every class in proportion; 0 means all.
func fewer(d data.Dataset, images int, seed uint64) (data.Dataset, error) {
	if images == 0 || images >= d.Len() {
		return d, nil
	}
	_, few, err := data.Split(d, float64(images)/float64(d.Len()), seed)
	return few, err
}

// transfer does what a method is, or what is left of it.
func (r *Trainer) transfer(ctx context.Context, m *model.Model, s *data.Splits, o transfer.Options, label string) (*transfer.MethodResult, error) {
	no, method := false, transfer.FineTuned
	switch label {
	case methodLabels[transfer.FromScratch]:
		return fromScratch(ctx, m, s, o)
	case methodLabels[transfer.Frozen]:
		method, o.HeadOnly = transfer.Frozen, true
	default:
		o.Frozen, o.Scratch = &no, &no
	}
	if p, err := transfer.ReadPlan(o.Dir); err == nil && p.Result(method) != nil {
		return p.Result(method), nil // it ended as this process's predecessor did
	}
	if _, err := transfer.FineTune(ctx, m, s, o); err != nil {
		return nil, err
	}
	p, err := transfer.ReadPlan(o.Dir)
	if err != nil {
		return nil, err
	}
	return p.Result(method), nil
}

// fromScratch trains the network with new weights as long as the others, with
// rates that are chosen alike: as much larger as they are for new weights.
func fromScratch(ctx context.Context, m *model.Model, s *data.Splits, o transfer.Options) (*transfer.MethodResult, error) {
	plan := transfer.Plan{TestSplit: 0.2, Recipe: o.Recipe, Grid: &o.Recipe.Grid}
	images, err := plan.Roles(s)
	if err != nil {
		return nil, err
	}
	short, err := o.Recipe.Complete(images.Train.Len())
	if err != nil {
		return nil, err
	}
	rec := recipe.FromScratch(short)
	grid := recipe.Grid{Decays: o.Recipe.Grid.Decays}
	for _, rate := range o.Recipe.Grid.Rates {
		grid.Rates = append(grid.Rates, rate*rec.Schedule.LR/o.Recipe.Schedule.LR)
	}
	start := func() (*model.Model, error) {
		return transfer.Scratch(m, transfer.Target{Classes: s.Classes(), Size: o.Size, Seed: rec.Seed})
	}
	cfg := train.Config{Recipe: rec, Train: images.Fit, Val: images.Choose, Dir: filepath.Join(o.Dir, "grid"), Threads: o.Threads, Source: o.Source.Data}
	cfg.OnEpoch = func(e train.Epoch) { o.Trace.Epoch(transfer.Stage{}, e) }
	search := transfer.GridSearch{Config: cfg, Grid: grid, Start: start}
	if cfg.Recipe, _, err = search.Run(ctx); err != nil {
		return nil, err
	}
	if cfg.Model, err = start(); err != nil {
		return nil, err
	}
	cfg.Train, cfg.Val, cfg.Dir = images.Train, nil, o.Dir
	t, err := train.Run(ctx, cfg)
	if err != nil {
		return nil, err
	}
	out := &transfer.MethodResult{Method: transfer.FromScratch, Seconds: t.Trained().Seconds()}
	out.Outcomes, err = transfer.Evaluate(ctx, t.Model(), images.Judge, transfer.Inference{Threads: o.Threads})
	return out, err
}

// dropWeights removes the weights from a run folder, which are many times as
// large as all that is said of them.
func dropWeights(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".safetensors" {
			err = os.Remove(path)
		}
		return err
	})
}
