package command

import (
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/report"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
)

// manyClasses is the number of classes from which on the confusion matrix shows
// those alone that occur.
const manyClasses = 40

// drawing is the picture of the confusion matrix.
func (j *judged) drawing(title string) *chart.Confusion {
	c := j.Confusion()
	all := &chart.Confusion{Title: title, Names: j.labels, Counts: c.Counts}
	if c.Classes < manyClasses {
		return all
	}
	occurs := make([]bool, c.Classes)
	for i, n := range c.Counts {
		if n > 0 {
			occurs[i/c.Classes], occurs[i%c.Classes] = true, true
		}
	}
	some := &chart.Confusion{Title: title}
	for i, in := range occurs {
		if !in {
			continue
		}
		some.Names = append(some.Names, j.labels[i])
		for k, in := range occurs {
			if in {
				some.Counts = append(some.Counts, c.Counts[i*c.Classes+k])
			}
		}
	}
	if len(some.Names) == 0 || len(some.Names) == c.Classes {
		return all
	}
	some.Title += fmt.Sprintf(" (%d classes of %d occur)", len(some.Names), c.Classes)
	return some
}

// mistakes returns the worst n, without pictures.
func (j *judged) mistakes(n int) *report.Judgement {
	all := j.All()
	r := &report.Judgement{Images: int64(len(all))}
	for _, o := range all {
		if !o.Right() {
			r.Wrong++
		}
	}
	for _, o := range evaluate.Worst(all, n) {
		r.Mistakes = append(r.Mistakes, report.Mistake{
			File: j.set.Name(o.Example), Truth: j.labels[o.Truth], Predicted: j.labels[o.Predicted],
			Probability: o.Probability, TrueProbability: o.TrueProbability, Rank: o.Rank,
		})
	}
	return r
}

// narrowClasses is up to how many classes a matrix fits a telephone's screen.
const narrowClasses = 12

// figureOf is a confusion matrix on a page.
func figureOf(d *chart.Confusion) (f report.Figure, err error) {
	f.Caption = "Rows are true classes, columns what was predicted; a cell is as strong as its part of the true class."
	if f.Wide, err = drawn(d); err != nil || len(d.Names) > narrowClasses {
		return f, err
	}
	d.Width = narrowWidth
	f.Narrow, err = drawn(d)
	return f, err
}

// pagePairs is how many confused pairs a page lists.
const pagePairs = 15

// page returns what a page shows of the judgement, with pictures of the worst n
// mistakes and, where the network allows it, of what spoke for the wrong class.
func (j *judged) page(e *env, m *model.Model, n int) (*report.Judgement, error) {
	r := j.mistakes(n)
	confusion := j.Confusion()
	for i, name := range j.labels {
		if images, right := confusion.Class(i); images > 0 {
			r.Classes = append(r.Classes, report.Class{Name: name, Images: images, Right: right})
		}
	}
	for _, p := range confusion.Pairs(pagePairs) {
		r.Pairs = append(r.Pairs, report.Pair{Truth: j.labels[p.Truth], Predicted: j.labels[p.Predicted], Count: p.Count, Part: p.Part})
	}
	if d := j.drawing("Confusion matrix"); len(d.Names) <= chart.MaxConfusion {
		f, err := figureOf(d)
		if err != nil {
			return nil, err
		}
		r.Confusion = &f
	}
	return r, j.illustrate(e, m, r, n)
}

// illustrate adds the pictures to mistakes. An image that cannot be read again
// stays without.
func (j *judged) illustrate(e *env, m *model.Model, r *report.Judgement, n int) error {
	x, err := explain.New(m, e.cores())
	if err != nil && !errors.Is(err, explain.ErrNotLinear) {
		return err
	}
	if x != nil {
		defer x.Close()
	}
	p, err := vision.NewProcessor(j.pre)
	if err != nil {
		return err
	}
	var sample data.Sample
	for i, o := range evaluate.Worst(j.All(), n) {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		if j.set.Read(o.Example, &sample) != nil {
			continue
		}
		picture, overlays, err := explained(e, p, x, sample.Picture, o.Predicted)
		if err != nil {
			continue
		}
		r.Mistakes[i].Picture = picture
		if len(overlays) > 0 {
			r.Mistakes[i].Map = overlays[0]
		}
	}
	return nil
}

// explained returns a picture as the network sees it, and the maps of classes
// upon it if there is an explainer, as small image files.
func explained(e *env, p *vision.Processor, x *explain.Explainer, pic vision.Picture, classes ...int) (picture []byte, overlays [][]byte, err error) {
	var seen vision.Image
	if _, err := p.Fit(&seen, pic); err != nil {
		return nil, nil, err
	}
	if picture, err = report.Thumbnail(&seen); err != nil || x == nil {
		return picture, nil, err
	}
	maps, err := activation(e, p, x, &seen, classes)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range maps {
		file, err := report.Thumbnail(explain.Overlay(&seen, m))
		if err != nil {
			return nil, nil, err
		}
		overlays = append(overlays, file)
	}
	return picture, overlays, nil
}

// activation computes the maps of classes for an image of the network's size.
func activation(e *env, p *vision.Processor, x *explain.Explainer, seen *vision.Image, classes []int) ([]explain.Map, error) {
	in := tensor.New[float32](tensor.Shape{N: 1, H: seen.H, W: seen.W, C: seen.C})
	if err := p.Normalize(in.Data, seen); err != nil {
		return nil, err
	}
	r, err := x.Run(e.ctx, in)
	if err != nil {
		return nil, err
	}
	maps := make([]explain.Map, len(classes))
	for i, class := range classes {
		if maps[i], err = r.Map(class); err != nil {
			return nil, fmt.Errorf("map of class %d: %w", class, err)
		}
	}
	return maps, nil
}
