package main

import (
	"fmt"
	"time"

	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/transfer"
)

// finetuneReport is the last line of --json.
type finetuneReport struct {
	evaluate.Report
	Weights string           `json:"weights"`
	Recipe  recipe.Recipe    `json:"recipe"`
	Trials  []transfer.Trial `json:"trials,omitempty"`
	Methods []methodReport   `json:"methods"`
}

// methodReport is a method's accuracy, as fractions.
type methodReport struct {
	Method  string  `json:"method"`
	Model   string  `json:"model"`
	Seconds float64 `json:"seconds"`
	evaluate.Score
	// Ahead is by how much the first method's top-1 is higher.
	Ahead *evaluate.Interval `json:"ahead,omitempty"`
}

// main returns the method that the run is about.
func (p *finetunePlan) main() string {
	if p.HeadOnly {
		return frozen
	}
	return fineTuned
}

// summarize measures the results.
func (j *finetuneJob) summarize() (*finetuneReport, error) {
	p := &j.plan
	r := &finetuneReport{Weights: p.Weights, Recipe: p.Recipe, Trials: p.Trials}
	change(&r.Recipe, p.Chosen)
	first := p.result(p.main())
	for _, method := range []string{fineTuned, frozen, fromScratch} {
		res := p.result(method)
		if res == nil {
			continue
		}
		m := methodReport{Method: method, Model: res.Model, Seconds: res.Seconds, Score: res.Outcomes.Score(p.Recipe.Seed)}
		if res != first {
			d, err := first.Outcomes.Difference(res.Outcomes, p.Recipe.Seed)
			if err != nil {
				return nil, err
			}
			m.Ahead = &d
		} else {
			r.Report = res.Outcomes.Report(nil, p.Recipe.Seed)
			r.Run, r.Model, r.Network, r.Data, r.Split = j.dir, res.Model, j.source.Network, source(p.Data), j.part
		}
		r.Seconds += res.Seconds
		r.Methods = append(r.Methods, m)
	}
	return r, nil
}

// report prints the results.
func (j *finetuneJob) report() error {
	r, err := j.summarize()
	if err != nil {
		return err
	}
	if err := writeSummary(j.dir, r); err != nil {
		return err
	}
	m, err := model.Open(r.Model, "")
	if err != nil {
		return err
	}
	if err := reportAtEnd(j.e, j.dir, m, nil); err != nil {
		return err
	}
	if j.json {
		return j.e.jsonLine(r)
	}
	rows := [][]string{{"METHOD", "TOP-1", "95 % INTERVAL", "TOP-5", "MEAN PER CLASS", "TIME", "BEHIND"}}
	for _, m := range r.Methods {
		row := []string{
			m.Method, inPercent(m.Top1.Value), inPercent(m.Top1.Low) + " to " + inPercent(m.Top1.High), inPercent(m.Top5.Value), inPercent(m.MeanClass.Value),
			formatDuration(time.Duration(m.Seconds * float64(time.Second))), "",
		}
		if a := m.Ahead; a != nil {
			row[len(row)-1] = fmt.Sprintf("%+.2f %% (%+.2f to %+.2f)", 100*a.Value, 100*a.Low, 100*a.High)
		}
		rows = append(rows, row)
	}
	if err := j.e.table(rows); err != nil {
		return err
	}
	return j.next(r, m)
}

func inPercent(part float64) string { return fmt.Sprintf("%.2f %%", 100*part) }

// next prints what can be done with the result, and the result.
func (j *finetuneJob) next(r *finetuneReport, m *model.Model) error {
	sample, err := sampleImage(j.test, j.dir)
	if err != nil {
		return err
	}
	j.e.printf("\n%s: %s, %s parameters, trained in %s\n", r.Model, m.Network, thousands(m.Graph.ParamCount()), formatDuration(time.Duration(r.Seconds*float64(time.Second))))
	j.e.next(r.Run, sample)
	j.e.printf("%s images, %d of them: top-1 between %.2f and %.2f %% with 95 %% confidence\n", r.Split, r.Images, 100*r.Top1Interval[0], 100*r.Top1Interval[1])
	j.e.printf("top-1 %.2f %%  top-5 %.2f %%\n", 100*r.Top1, 100*r.Top5)
	return nil
}
