package transfer

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
)

// Result is what a job leads to.
type Result struct {
	Model  *model.Model
	Report Report
}

// Report says how good the result of a job is, and how it came about.
type Report struct {
	// Report is that of the main method.
	evaluate.Report
	Weights string `json:"weights"`
	// ChosenBy are the images that chose between rates, or between epochs; ""
	// for none.
	ChosenBy string         `json:"chosen_by,omitempty"`
	Recipe   recipe.Recipe  `json:"recipe"` // with the rates chosen
	Trials   []GridTrial    `json:"trials,omitempty"`
	Methods  []MethodReport `json:"methods"`
}

// MethodReport is a method's accuracy, as fractions.
type MethodReport struct {
	Method  Method  `json:"method"`
	Model   string  `json:"model"`
	Seconds float64 `json:"seconds"`
	evaluate.Score
	// Ahead is by how much the main method's top-1 is higher.
	Ahead *evaluate.Interval `json:"ahead,omitempty"`
}

// result reports, once all methods are done.
func (j *Job) result() (*Result, error) {
	r, err := j.report()
	if err != nil {
		return nil, err
	}
	if j.records() {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return nil, err
		}
		if err := atomicfile.WriteBytes(filepath.Join(j.dir, SummaryFile), append(text, '\n')); err != nil {
			return nil, err
		}
	}
	m := j.models[j.plan.Main()]
	if m == nil { // trained by an earlier run of the job
		if m, err = model.Open(j.plan.Result(j.plan.Main()).Model, model.Options{}); err != nil {
			return nil, err
		}
	}
	return &Result{Model: m, Report: *r}, nil
}

// report measures the results.
func (j *Job) report() (*Report, error) {
	p := j.plan
	r := &Report{Weights: p.Weights, ChosenBy: j.images.ChooseName, Recipe: p.Recipe, Trials: p.Trials}
	if p.Chosen != nil {
		r.Recipe = *p.Chosen
	}
	if p.HeadOnly {
		r.ChosenBy = ""
	}
	first := p.Result(p.Main())
	for _, method := range []Method{FineTuned, Frozen, FromScratch} {
		res := p.Result(method)
		if res == nil {
			continue
		}
		m := MethodReport{Method: method, Model: res.Model, Seconds: res.Seconds, Score: res.Outcomes.Score(p.Recipe.Seed)}
		if res != first {
			d, err := first.Outcomes.Difference(res.Outcomes, p.Recipe.Seed)
			if err != nil {
				return nil, err
			}
			m.Ahead = &d
		} else {
			r.Report = res.Outcomes.Report(nil, p.Recipe.Seed)
			r.Run, r.Model, r.Network, r.Data, r.Split = j.dir, res.Model, j.source.Network, j.dataName(), strings.TrimSuffix(j.images.JudgeName, " images")
		}
		r.Seconds += res.Seconds
		r.Methods = append(r.Methods, m)
	}
	return r, nil
}
