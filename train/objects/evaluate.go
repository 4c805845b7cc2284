package objects

import (
	"context"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/evaluate/coco"
	"github.com/mixnet-go/mixnet/train/task"
)

// Evaluate implements [task.Task]. Boxes and areas are measured in pixels
// of the network's input.
func (t *Task) Evaluate(d data.Dataset) task.Evaluation {
	e := &evaluation{task: t}
	for i, name := range d.Classes() {
		e.set.Categories = append(e.set.Categories, coco.Category{ID: int64(i + 1), Name: name})
	}
	return e
}

type evaluation struct {
	task     *Task
	set      coco.Set
	found    []coco.Detection
	anchors  int
	detector *detect.Detector
}

// Add implements [task.Evaluation].
func (e *evaluation) Add(b *data.Batch, outputs []task.Output) error {
	t := e.task
	if err := t.join(b, outputs); err != nil {
		return err
	}
	if e.detector == nil || e.anchors != len(t.anchors) {
		post := detect.Usual(t.Anchors.Style)
		post.Score = max(post.Score, 0.001)
		e.anchors, e.detector = len(t.anchors), detect.NewDetector(post, t.anchors, t.slots())
	}
	w, h := float64(b.Images.Shape.W), float64(b.Images.Shape.H)
	pixels := func(x detect.Box) coco.Box {
		return coco.Box{X: float64(x.X1) * w, Y: float64(x.Y1) * h, W: float64(x.X2-x.X1) * w, H: float64(x.Y2-x.Y1) * h}
	}
	n := len(t.anchors)
	for i, objects := range t.joined.objects {
		id := int64(len(e.set.Images) + 1)
		e.set.Images = append(e.set.Images, coco.Image{ID: id, Width: int(w), Height: int(h)})
		for _, o := range objects {
			box := pixels(o.Box)
			e.set.Truths = append(e.set.Truths, coco.Truth{
				ID: int64(len(e.set.Truths) + 1), Image: id, Category: int64(o.Slot), Box: box, Area: box.Area(), Crowd: o.Crowd,
			})
		}
		for _, f := range e.detector.Detect(t.joined.codes[4*n*i:][:4*n], t.joined.logits[t.slots()*n*i:][:t.slots()*n]) {
			e.found = append(e.found, coco.Detection{Image: id, Category: int64(f.Slot), Box: pixels(f.Box), Score: float64(f.Score)})
		}
	}
	return nil
}

// Values implements [task.Evaluation]. Without objects all are 0.
func (e *evaluation) Values() []float64 {
	r, err := e.set.Evaluate(context.Background(), e.found, coco.Options{})
	if err != nil {
		return []float64{0, 0}
	}
	return []float64{max(r.AP, 0), max(r.AP50, 0)}
}
