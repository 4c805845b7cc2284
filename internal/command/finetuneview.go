package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
)

// openSource opens the model and the images of a fine-tuning run.
func openSource(e *env, s transfer.Source, offline bool) (*model.Model, *data.Splits, error) {
	m, err := (&modelFlags{Model: s.Weights, Network: s.Network, Offline: offline, newHead: true}).load(e)
	if err == nil {
		err = checkClassifies(m.Header)
	}
	if err != nil {
		return nil, nil, err
	}
	splits, err := e.openData(s.Data)
	if err == nil {
		e.tell(splits)
		e.tellOneClass(splits)
	}
	return m, splits, err
}

// finetuneView shows a fine-tuning run.
type finetuneView struct {
	e    *env
	json bool

	chosenOn int        // images
	bar      *progress  // of a pass through images
	training *trainView // of a network in training
}

// introduce says what is to be done.
func (v *finetuneView) introduce(j *transfer.Job) {
	p, images := j.Plan(), j.Images()
	if images.Choose != nil {
		v.chosenOn = images.Choose.Len()
	}
	if v.json {
		return
	}
	v.e.printf("%s from %s, for %d classes of %s: %d %s, %d %s ones (seed %d)\n", j.Source().Network, p.Weights,
		len(images.Train.Classes()), source(p.Data), p.Images, images.FitName, p.Test, strings.TrimSuffix(images.JudgeName, " images"), p.Recipe.Seed)
	v.e.printf("%s, run folder %s\n\n", v.e.computing(), j.Dir())
}

func (v *finetuneView) trace() transfer.Trace {
	return transfer.Trace{
		Training: v.begin,
		Trained:  v.end,
		Step:     func(_ transfer.Stage, p train.Progress) { v.training.step(p) },
		Epoch:    v.epoch,
		Passing:  v.passing,
		Head:     v.head,
		Chose:    v.chose,
		Warning:  v.warning,
	}
}

// stageName is a method's, or the name of a candidate of a grid.
func stageName(s transfer.Stage) string {
	if s.Name != "" {
		return s.Name
	}
	return string(s.Method)
}

// watchedName is what the images that a stage is measured on are called in a
// table and a picture.
func watchedName(s transfer.Stage) string {
	if s.Chooses {
		return "val"
	}
	return strings.TrimSuffix(s.WatchedName, " images")
}

func (v *finetuneView) begin(s transfer.Stage) {
	v.training = newTrainView(v.e, false, s.Dir, watchedName(s), s.Chooses, s.Done)
	if v.json {
		return
	}
	r := &s.Recipe
	v.e.printf("%s: %d epochs of %d steps of %d images, rate %.3g", stageName(s), r.Epochs, s.Images/r.Batch, r.Batch, r.Schedule.LR)
	if s.Expected > 0 {
		v.e.printf(", about %s", formatDuration(s.Expected))
	}
	if len(s.Done) > 0 {
		v.e.printf(", %d epochs done", len(s.Done))
	}
	if s.KeepsHead {
		v.e.printf("; the classes are the network's, whose classifier is kept")
	}
	v.e.printf("\n")
}

func (v *finetuneView) end(transfer.Stage) {
	v.training.close()
	v.training = nil
	if !v.json {
		v.e.printf("\n")
	}
}

func (v *finetuneView) epoch(s transfer.Stage, ep train.Epoch) {
	if v.json {
		v.training.close()
		ep.Stage = stageName(s)
		_ = v.e.jsonLine(ep)
		return
	}
	v.training.epoch(ep)
}

func (v *finetuneView) passing(p transfer.Pass) {
	if v.bar == nil {
		v.bar = v.e.newProgress(p.What, "images", int64(p.Images))
	}
	if v.bar.update(int64(p.Done), ""); p.Ended {
		v.close()
	}
}

// close removes the line that shows how far a pass is.
func (v *finetuneView) close() {
	if v.bar != nil {
		v.bar.done()
		v.bar = nil
	}
}

func (v *finetuneView) head(h transfer.HeadFit) {
	if !v.json {
		v.e.printf("frozen backbone: a classifier on %d features, penalty %g: top-1 %.2f %% after %s\n\n",
			h.Features, h.Penalty, 100*h.Top1, formatDuration(h.Took))
	}
}

func (v *finetuneView) chose(r recipe.Recipe) {
	if !v.json {
		v.e.printf("chosen on %d held-out images: rate %.3g, weight decay %.3g\n\n", v.chosenOn, r.Schedule.LR, r.Optimizer.WeightDecay)
	}
}

func (v *finetuneView) warning(err error) {
	v.close()
	if v.training != nil {
		v.training.warning(err)
		return
	}
	v.e.warn("%v", err)
}

// report prints the results.
func (v *finetuneView) report(j *transfer.Job, res *transfer.Result) error {
	r := &res.Report
	if err := reportAtEnd(v.e, j.Dir(), res.Model, nil); err != nil {
		return err
	}
	if v.json {
		return v.e.jsonLine(r)
	}
	rows := [][]string{{"METHOD", "TOP-1", "95 % INTERVAL", "TOP-5", "MEAN PER CLASS", "TIME", "BEHIND"}}
	for _, m := range r.Methods {
		row := []string{
			string(m.Method), inPercent(m.Top1.Value), inPercent(m.Top1.Low) + " to " + inPercent(m.Top1.High), inPercent(m.Top5.Value), inPercent(m.MeanClass.Value),
			formatDuration(time.Duration(m.Seconds * float64(time.Second))), "",
		}
		if a := m.Ahead; a != nil {
			row[len(row)-1] = fmt.Sprintf("%+.2f %% (%+.2f to %+.2f)", 100*a.Value, 100*a.Low, 100*a.High)
		}
		rows = append(rows, row)
	}
	if err := v.e.table(rows); err != nil {
		return err
	}
	return v.next(j, res)
}

func inPercent(part float64) string { return fmt.Sprintf("%.2f %%", 100*part) }

// next prints what can be done with the result, and the result.
func (v *finetuneView) next(j *transfer.Job, res *transfer.Result) error {
	r := &res.Report
	sample, err := sampleImage(j.Images().Judge, j.Dir())
	if err != nil {
		return err
	}
	v.e.printf("\n%s: %s, %s parameters, trained in %s\n", r.Model, res.Model.Network, thousands(res.Model.Graph.ParamCount()), formatDuration(time.Duration(r.Seconds*float64(time.Second))))
	v.e.next(r.Run, sample)
	by := ""
	if r.ChosenBy != "" {
		by = "; chosen by the " + r.ChosenBy
	}
	v.e.printf("%s images, %d of them: top-1 between %.2f and %.2f %% with 95 %% confidence%s\n", r.Split, r.Images, 100*r.Top1Interval[0], 100*r.Top1Interval[1], by)
	v.e.printf("top-1 %.2f %%  top-5 %.2f %%\n", 100*r.Top1, 100*r.Top5)
	return nil
}
