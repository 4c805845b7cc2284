// Package objects is the task of finding objects: the loss of boxes and classes
// of a network whose outputs are named as [graph.Boxes] says, and COCO's average
// precision of what it finds.
package objects

import (
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train/task"
	"github.com/mixnet-go/mixnet/zoo"
)

// Task is the task of finding objects of some classes.
type Task struct {
	Anchors detect.Anchors
	Config  detect.LossConfig
	Classes int

	maps    [][2]int
	anchors []detect.Anchor
	loss    *detect.Loss[float32]
	joined  buffers
}

// New returns the task for a network that finds objects of so many classes, as a
// recipe has it. What the recipe leaves open is TensorFlow's loss, or
// torchvision's for its networks.
func New(spec zoo.Spec, classes int, c detect.LossConfig) (*Task, error) {
	anchors, ok := zoo.Finds(spec)
	if !ok {
		return nil, fmt.Errorf("%s classifies and finds no objects: want a detector, such as mobilenetv2_100_ssdlite320", spec.About().Name)
	}
	if c == (detect.LossConfig{}) {
		c.MinNegatives = 3
	}
	if c.Kind == "" {
		c.Kind = detect.Multibox
		if anchors.Style == detect.Torchvision {
			c.Kind = detect.Softmax
		}
	}
	return &Task{Anchors: anchors, Config: c, Classes: classes}, c.Validate()
}

// buffers hold the outputs of all maps, image by image and anchor by anchor.
type buffers struct {
	codes, logits, dCodes, dLogits []float32
	objects                        [][]detect.Object
}

func (t *Task) slots() int { return t.Classes + 1 } // the first is the background

// Check implements [task.Task].
func (t *Task) Check(g *graph.Graph, d data.Dataset) error {
	if g.Levels() == 0 {
		return fmt.Errorf("network %s finds no objects: it has no output %s", g.Name, graph.Boxes(0))
	}
	if n := len(d.Classes()); n != t.Classes {
		return fmt.Errorf("the data has %d classes, the network %d", n, t.Classes)
	}
	for i := range g.Levels() {
		scores, _ := g.Find(graph.Scores(i))
		if want := t.slots() * t.Anchors.PerPlace(i); scores.Channels != want {
			return fmt.Errorf("network %s: output %s has %d channels, want %d", g.Name, scores.Name, scores.Channels, want)
		}
	}
	return t.Config.Validate()
}

// Metrics implements [task.Task].
func (t *Task) Metrics() task.Metrics {
	return task.Metrics{Train: []string{"loss", "box_loss", "class_loss"}, Val: []string{"ap", "ap50"}, Best: "ap"}
}

// Loss implements [task.Task]. Each part is a sum over the anchors that
// count, over the number of those in the batch that stand for objects.
func (t *Task) Loss(b *data.Batch, outputs []task.Output, scale float64, sums []float64) error {
	if err := t.join(b, outputs); err != nil {
		return err
	}
	j := &t.joined
	images := float64(len(j.objects))
	v := t.loss.Run(j.codes, j.logits, j.objects, scale*images, j.dCodes, j.dLogits)
	sums[0] += images * v.Total()
	sums[1] += images * v.Box
	sums[2] += images * v.Class
	return t.each(outputs, func(boxes, scores *task.Output, image, from, to int) {
		n := len(t.anchors) * image
		copy(boxes.Of(boxes.Grad, image), j.dCodes[4*(n+from):4*(n+to)])
		copy(scores.Of(scores.Grad, image), j.dLogits[t.slots()*(n+from):t.slots()*(n+to)])
	})
}

// join brings the outputs into the order of the anchors and the objects into
// units of the input.
func (t *Task) join(b *data.Batch, outputs []task.Output) error {
	if err := t.fit(outputs); err != nil {
		return err
	}
	j, images := &t.joined, b.Images.Shape.N
	j.codes, j.dCodes = resized(j.codes, 4*images*len(t.anchors)), resized(j.dCodes, 4*images*len(t.anchors))
	j.logits, j.dLogits = resized(j.logits, t.slots()*images*len(t.anchors)), resized(j.dLogits, t.slots()*images*len(t.anchors))
	var err error
	if j.objects, err = inUnits(j.objects[:0], b, t.Classes); err != nil {
		return err
	}
	return t.each(outputs, func(boxes, scores *task.Output, image, from, to int) {
		n := len(t.anchors) * image
		copy(j.codes[4*(n+from):4*(n+to)], boxes.Of(boxes.Value, image))
		copy(j.logits[t.slots()*(n+from):t.slots()*(n+to)], scores.Of(scores.Value, image))
	})
}

func resized(v []float32, n int) []float32 {
	if cap(v) < n {
		return make([]float32, n)
	}
	return v[:n]
}

// fit prepares for the maps of the outputs, which change with the input's size.
func (t *Task) fit(outputs []task.Output) error {
	var maps [][2]int
	for {
		o, err := task.Find(outputs, graph.Boxes(len(maps)))
		if err != nil {
			break
		}
		maps = append(maps, [2]int{o.Shape.H, o.Shape.W})
	}
	if len(maps) == 0 {
		return errors.New("the network finds no objects")
	}
	if t.loss != nil && equal(maps, t.maps) {
		return nil
	}
	var err error
	t.maps, t.anchors = maps, t.Anchors.On(maps)
	t.loss, err = detect.NewLoss[float32](t.Config, t.Anchors.Style, t.anchors, t.slots())
	return err
}

func equal(a, b [][2]int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// each calls f with the outputs of every map and image, and where the map's
// anchors lie among all.
func (t *Task) each(outputs []task.Output, f func(boxes, scores *task.Output, image, from, to int)) error {
	at := 0
	for i, m := range t.maps {
		boxes, err := task.Find(outputs, graph.Boxes(i))
		if err != nil {
			return err
		}
		scores, err := task.Find(outputs, graph.Scores(i))
		if err != nil {
			return err
		}
		n := m[0] * m[1] * t.Anchors.PerPlace(i)
		if want := (tensor.Shape{N: boxes.Shape.N, H: m[0], W: m[1], C: t.slots() * t.Anchors.PerPlace(i)}); scores.Shape != want {
			return fmt.Errorf("output %s: %v, want %v", scores.Name, scores.Shape, want)
		}
		for image := range boxes.Shape.N {
			f(boxes, scores, image, at, at+n)
		}
		at += n
	}
	return nil
}

// inUnits returns the objects of a batch in units of the input.
func inUnits(dst [][]detect.Object, b *data.Batch, classes int) ([][]detect.Object, error) {
	w, h := float64(b.Images.Shape.W), float64(b.Images.Shape.H)
	for i := range b.Images.Shape.N {
		var all []detect.Object
		if len(b.Targets) > i && b.Targets[i] != nil {
			objects, ok := b.Targets[i].(boxes.Objects)
			if !ok {
				return dst, fmt.Errorf("a target is a %T, want boxes.Objects", b.Targets[i])
			}
			for _, o := range objects {
				if o.Class < 0 || o.Class >= classes {
					return dst, fmt.Errorf("an object of class %d of %d", o.Class, classes)
				}
				all = append(all, detect.Object{
					Box:  detect.Box{X1: float32(o.Box.X0 / w), Y1: float32(o.Box.Y0 / h), X2: float32(o.Box.X1 / w), Y2: float32(o.Box.Y1 / h)},
					Slot: o.Class + 1, Crowd: o.Crowd,
				})
			}
		}
		dst = append(dst, all)
	}
	return dst, nil
}
