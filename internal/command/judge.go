package command

import (
	"fmt"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/model"
)

// judged is what a model says of a set, image by image.
type judged struct {
	*evaluate.Result
	set    data.Dataset // under the model's numbering of the classes
	labels []string     // of the classes
	pre    input.Preprocess
}

// judging adjusts judge.
type judging struct {
	pre    input.Preprocess
	batch  int
	maxBad int
	mirror bool

	precision engine.Precision
}

// judge evaluates a model on a set.
func judge(e *env, m *model.Model, d data.Dataset, how judging) (*judged, error) {
	o := e.running()
	o.Precision = how.precision
	run, err := mixnet.New(m, o)
	if err != nil {
		return nil, err
	}
	defer run.Close()
	loader, err := data.NewLoader(d, data.Config{Preprocess: how.pre, Batch: how.batch, Workers: e.cores(), MaxBad: how.maxBad})
	if err != nil {
		return nil, err
	}
	bar := e.newProgress("evaluating", "images", int64(d.Len()))
	defer bar.done()
	j := &judged{set: d, labels: labels(m), pre: how.pre}
	j.Result, err = evaluate.Run(e.ctx, run.Program(), loader, evaluate.Options{
		Progress: func(r *evaluate.Result) {
			bar.update(int64(r.Images()), fmt.Sprintf("top-1 %.2f %%", 100*r.Top(1)))
		},
		Mirror: how.mirror,
	})
	return j, err
}

// measure judges a model as a run does at its end.
func measure(e *env, m *model.Model, d data.Dataset, maxBad int) (*judged, error) {
	return judge(e, m, d, judging{pre: m.Preprocess(), batch: 32, maxBad: maxBad})
}

// labels returns the names of a model's classes.
func labels(m *model.Model) []string {
	n := m.Graph.Classes()
	if m.Graph.Levels() > 0 {
		n = m.Options.Classes
	}
	names := make([]string, n)
	for i := range names {
		names[i] = m.Label(i)
	}
	return names
}
