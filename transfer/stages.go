package transfer

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/train"
)

// Run does what of the plan is left, and reports. When ctx ends, what is done
// so far is in the job's folder, and the error wraps ctx's.
//
// Of several ranks all must call Run.
func (j *Job) Run(ctx context.Context) (*Result, error) {
	if err := train.Meet(j.Ranks, nil); err != nil { // they have read the folder
		return nil, err
	}
	release, err := j.openFolder()
	if err != nil {
		return nil, err
	}
	defer release()
	fresh := !j.resumed
	j.resumed = true
	if err := j.runAll(ctx); err != nil {
		if fresh && ctx.Err() == nil {
			j.abandon()
		}
		return nil, err
	}
	return j.result()
}

// runAll goes through the methods.
func (j *Job) runAll(ctx context.Context) error {
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
			return err
		}
	}
	return nil
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
	if j.models[method] = m; j.records() {
		if err := m.Save(r.Model); err != nil {
			return err
		}
	}
	j.plan.Results = append(j.plan.Results, r)
	return j.write()
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
