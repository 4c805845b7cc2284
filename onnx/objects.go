package onnx

import (
	"fmt"
	"math"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/graph"
)

// Objects says how boxes are made of what a network that finds objects says of
// an image. The file then has the results
//
//	boxes    float32, K×4: left, top, right, bottom, in parts of the image
//	scores   float32, K, in falling order
//	classes  int64, K, counted from 0
//
// ONNX's operator bounds the boxes of a class that are kept, as TensorFlow does,
// not as torchvision those that are considered.
type Objects struct {
	Anchors []detect.Anchor
	Slots   int
	Post    detect.Post // without Agnostic, which ONNX has not
}

// The names of the results of Objects.
const (
	BoxesName   = "boxes"
	ScoresName  = "scores"
	ClassesName = "classes"
)

// objects writes decoding, threshold and suppression.
func (e *exporter) objects(o *Objects) error {
	switch {
	case e.g.Levels() == 0:
		return fmt.Errorf("it finds no objects")
	case o.Post.Agnostic:
		return fmt.Errorf("ONNX has no suppression across classes")
	}
	for _, name := range []string{BoxesName, ScoresName, ClassesName} {
		e.unique(name)
	}
	torchvision := o.Post.Style == detect.Torchvision
	boxes := e.decode(e.heads("codes", graph.Boxes, 4), o)
	scores := e.heads("logits", graph.Scores, o.Slots)
	if torchvision {
		scores = e.emit("Softmax", "probabilities", []string{scores}, attribute{"axis", 2})
		boxes = e.clip(boxes)
	} else {
		scores = e.emit("Sigmoid", "probabilities", []string{scores})
	}
	scores = e.slice("foreground", scores, 2, 1, o.Slots)
	scores = e.emit("Transpose", "by_class", []string{scores}, attribute{"perm", []int{0, 2, 1}}) // 1 × classes × anchors
	kept := e.emit("NonMaxSuppression", "kept", []string{
		boxes, scores, e.constant("kept.most", int64(o.Post.PerClass)), e.scalars("kept.iou", float32(o.Post.IoU)), e.scalars("kept.score", float32(o.Post.Score)),
	}) // K×3: image, class, anchor
	scores = e.emit("GatherND", "kept.scores", []string{scores, kept})
	boxes = e.clip(e.emit("GatherND", "kept.boxes", []string{boxes, e.gather("kept.anchors", kept, 1, 0, 2)}))
	classes := e.flat("kept.classes", e.gather("kept.class", kept, 1, 1))
	e.best(boxes, scores, classes, o.Post.Max)
	return nil
}

// best writes the results: the boxes with the highest scores, of those that have
// an area.
func (e *exporter) best(boxes, scores, classes string, most int) {
	side := func(name string, from, to int64) string {
		return e.emit("Sub", name, []string{e.gather(name+".to", boxes, 1, to), e.gather(name+".from", boxes, 1, from)})
	}
	area := e.flat("areas", e.emit("Mul", "area", []string{side("height", 0, 2), side("width", 1, 3)}))
	inside := e.flat("inside", e.emit("NonZero", "inside.places", []string{e.emit("Greater", "inside.is", []string{area, e.scalar("nothing", 0)})}))
	take := func(name, of, places string) string {
		return e.emit("Gather", name, []string{of, places}, attribute{"axis", 0})
	}
	scores = take("inside.scores", scores, inside)
	count := e.emit("Min", "count", []string{e.emit("Shape", "count.all", []string{scores}), e.constant("count.most", int64(most))})
	top := e.unique("top")
	e.m.node("TopK", "top", []string{scores, count}, []string{ScoresName, top}, attribute{"axis", 0})
	order := take("order", inside, top)
	boxes = take("order.boxes", boxes, order)
	e.m.node("Gather", BoxesName, []string{boxes, e.constant("corners", 1, 0, 3, 2)}, []string{BoxesName}, attribute{"axis", 1})
	e.m.node("Gather", ClassesName, []string{classes, order}, []string{ClassesName}, attribute{"axis", 0})
	e.m.valueOf(12, BoxesName, typeFloat, "K", -1, 4)
	e.m.valueOf(12, ScoresName, typeFloat, "K", -1)
	e.m.valueOf(12, ClassesName, typeInt64, "K", -1)
}

// heads joins the outputs of all maps to 1 × anchors × n.
func (e *exporter) heads(name string, of func(int) string, n int) string {
	var all []string
	for level := range e.g.Levels() {
		o, _ := e.g.Find(of(level))
		x := e.emit("Transpose", o.Name+".places", []string{e.join(o.ID)}, attribute{"perm", []int{0, 2, 3, 1}})
		all = append(all, e.emit("Reshape", o.Name+".anchors", []string{x, e.constant(o.Name+".shape", 1, -1, int64(n))}))
	}
	if len(all) == 1 {
		return all[0]
	}
	return e.emit("Concat", name, all, attribute{"axis", 1})
}

// decode makes boxes of codes, 1 × anchors × (top, left, bottom, right). They
// are computed as [detect.Code] does.
func (e *exporter) decode(codes string, o *Objects) string {
	n := len(o.Anchors)
	var centers, sizes []float32 // y and x of every anchor, height and width
	for _, a := range o.Anchors {
		centers, sizes = append(centers, a.CY, a.CX), append(sizes, a.H, a.W)
	}
	anchors := func(name string, v []float32) string {
		name = e.unique(name)
		e.m.floats(5, name, []int{1, n, 2}, v)
		return name
	}
	size := anchors("anchors.size", sizes)
	offset, scale := []int64{0, 1}, []int64{2, 3}
	if o.Post.Style == detect.Torchvision {
		offset, scale = []int64{1, 0}, []int64{3, 2}
	}
	at := e.emit("Div", "codes.offset", []string{e.gather("codes.yx", codes, 2, offset...), e.scalar("codes.tenth", detect.CenterScale)})
	at = e.emit("Add", "boxes.center", []string{e.emit("Mul", "boxes.moved", []string{at, size}), anchors("anchors.center", centers)})
	by := e.emit("Div", "codes.size", []string{e.gather("codes.hw", codes, 2, scale...), e.scalar("codes.fifth", detect.SizeScale)})
	if o.Post.Style == detect.Torchvision {
		by = e.emit("Min", "codes.bounded", []string{by, e.scalar("codes.largest", float32(math.Log(detect.LargestSize)))})
	}
	by = e.emit("Mul", "boxes.size", []string{e.emit("Exp", "boxes.factor", []string{by}), size})
	half := e.emit("Mul", "boxes.half", []string{by, e.scalar("half", 0.5)})
	return e.emit("Concat", "boxes.all", []string{
		e.emit("Sub", "boxes.first", []string{at, half}), e.emit("Add", "boxes.last", []string{at, half}),
	}, attribute{"axis", 2})
}

func (e *exporter) clip(boxes string) string {
	return e.emit("Clip", boxes+".inside", []string{boxes, e.scalar("low", 0), e.scalar("high", 1)})
}

// gather takes some places along an axis.
func (e *exporter) gather(name, x string, axis int, places ...int64) string {
	return e.emit("Gather", name, []string{x, e.constant(name+".places", places...)}, attribute{"axis", axis})
}

// flat gives a tensor one dimension.
func (e *exporter) flat(name, x string) string {
	return e.emit("Reshape", name, []string{x, e.constant(name+".shape", -1)})
}

// scalars writes a tensor of one number and returns its name.
func (e *exporter) scalars(name string, v float32) string {
	name = e.unique(name)
	e.m.floats(5, name, []int{1}, []float32{v})
	return name
}
