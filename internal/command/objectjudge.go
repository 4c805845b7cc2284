package command

import (
	"fmt"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/evaluate/coco"
	"github.com/mixnet-go/mixnet/internal/found"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/train/objects"
)

// judgedObjects is what a network has found in the images of a set, and what is
// there. Boxes are in pixels of the upright images.
type judgedObjects struct {
	set    *coco.Set
	found  []coco.Detection
	result *coco.Result
	bad    []data.BadExample
	perSec float64
}

// objectReport is the outcome of a network that finds objects, in JSON.
type objectReport struct {
	Run     string `json:"run,omitempty"`
	Model   string `json:"model"`
	Network string `json:"network"`
	Data    string `json:"data"`
	Split   string `json:"split"`
	cocoReport
	TrainedOn int      `json:"trained_on"`
	PerSecond float64  `json:"images_per_s"`
	Seconds   float64  `json:"seconds"`
	Skipped   []string `json:"skipped"`
}

// judgeObjects runs a model on the images of a set of boxes, whose classes are
// the model's, and judges it as COCO's evaluator does.
// o says how the model runs. The seed draws the sets of images that the intervals are made of.
func judgeObjects(e *env, m *model.Model, d data.Dataset, maxBad int, seed uint64, o mixnet.Options) (*judgedObjects, error) {
	set, ok := d.(boxes.Labelled)
	if !ok {
		return nil, fmt.Errorf("%s finds objects, and the images have no boxes", m.Network)
	}
	detector, err := mixnet.NewDetector(m, o)
	if err != nil {
		return nil, err
	}
	defer detector.Close()
	j := &judgedObjects{set: objects.Truths(set)}
	switch {
	case maxBad == 0:
		maxBad = max(d.Len()/100, 1)
	case maxBad < 0:
		maxBad = 0
	}
	began := time.Now()
	bar := e.newProgress("judging", "images", int64(d.Len()))
	defer bar.done()
	finder := found.Finder{Detector: detector, Set: set}
	for i := range d.Len() {
		if j.found, err = finder.In(e.ctx, i, j.found); err != nil {
			if e.ctx.Err() != nil {
				return nil, e.ctx.Err()
			}
			j.bad = append(j.bad, data.BadExample{Index: i, Name: d.Name(i), Err: err})
			if len(j.bad) > maxBad {
				return nil, fmt.Errorf("%w: %d of %d, the limit is %d; the last is %s: %w", data.ErrTooManyBad, len(j.bad), d.Len(), maxBad, d.Name(i), err)
			}
		}
		bar.update(int64(i+1), "")
	}
	j.perSec = float64(d.Len()) / time.Since(began).Seconds()
	j.leaveOut()
	j.result, err = j.set.Evaluate(e.ctx, j.found, coco.Options{Resamples: resamples(len(j.found)), Seed: seed, Threads: e.cores()})
	return j, err
}

// leaveOut takes the images that could not be read out of what is judged.
func (j *judgedObjects) leaveOut() {
	if len(j.bad) == 0 {
		return
	}
	bad := map[int64]bool{}
	for _, b := range j.bad {
		bad[int64(b.Index+1)] = true
	}
	j.set.Images = slices.DeleteFunc(j.set.Images, func(m coco.Image) bool { return bad[m.ID] })
	j.set.Truths = slices.DeleteFunc(j.set.Truths, func(t coco.Truth) bool { return bad[t.Image] })
}

// report is what is printed of the judgement.
func (j *judgedObjects) report() objectReport {
	r := objectReport{PerSecond: j.perSec, Skipped: []string{}}
	r.cocoReport = cocoReport{
		cocoSummary: cocoNumbers(j.result.Summary), APInterval: j.result.Intervals.AP, AP50Interval: j.result.Intervals.AP50,
		Images: len(j.set.Images), Truths: len(j.set.Truths), Detections: len(j.found), Notes: []string{},
	}
	for _, x := range j.result.Classes {
		r.Classes = append(r.Classes, cocoClassReport{x.Name, cocoFigure(x.AP), cocoFigure(x.AP50), x.Truths, x.Detections})
	}
	for _, b := range j.bad {
		r.Skipped = append(r.Skipped, fmt.Sprintf("%s: %v", b.Name, b.Err))
	}
	return r
}

// line is the result in a line.
func (r *objectReport) line() string {
	if r.AP == nil {
		return "nothing is there to be found"
	}
	return fmt.Sprintf("AP %s (%s to %s)  AP50 %s  AP75 %s", inPercent(*r.AP), inPercent(r.APInterval.Low), inPercent(r.APInterval.High), inPercent(*r.AP50), inPercent(*r.AP75))
}
