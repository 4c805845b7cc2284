package serve

import (
	"fmt"

	"github.com/mixnet-go/mixnet"
)

// The outputs of a detector in the Open Inference Protocol. There are as many
// rows as objects are wanted at most; those after the last object are zeros.
const (
	boxesName   = "boxes"   // FP32, pictures × objects × 4: x1, y1, x2, y2 in pixels
	scoresName  = "scores"  // FP32, pictures × objects, falling
	classesName = "classes" // INT64, pictures × objects, counted from 0
	countName   = "count"   // INT64, pictures × 1: how many objects there are
)

var objectOutputs = []string{boxesName, scoresName, classesName, countName}

// objectTensor returns an output for what was found in pictures.
func objectTensor(name string, found []*mixnet.Found, most int) outputTensor {
	n := len(found)
	t := outputTensor{Name: name, Datatype: "FP32", Shape: []int{n, most}}
	boxes, scores := make([]float32, 4*n*most), make([]float32, n*most)
	classes, counts := make([]int64, n*most), make([]int64, n)
	for i, f := range found {
		counts[i] = int64(len(f.Objects))
		for j, o := range f.Objects {
			at := i*most + j
			copy(boxes[4*at:], []float32{float32(o.X1), float32(o.Y1), float32(o.X2), float32(o.Y2)})
			scores[at], classes[at] = float32(o.Score), int64(o.Class)
		}
	}
	switch name {
	case boxesName:
		t.Shape, t.Data = []int{n, most, 4}, boxes
	case scoresName:
		t.Data = scores
	case classesName:
		t.Datatype, t.Data = "INT64", classes
	case countName:
		t.Datatype, t.Shape, t.Data = "INT64", []int{n, 1}, counts
	}
	return t
}

// outputs describes what a model returns where no outputs are named.
func (i *instance) outputs() []tensorMetadata {
	if i.detector == nil {
		return []tensorMetadata{{logitsName, "FP32", []int{-1, i.classes}}}
	}
	return []tensorMetadata{
		{boxesName, "FP32", []int{-1, mixnet.MaxObjects, 4}},
		{scoresName, "FP32", []int{-1, mixnet.MaxObjects}},
		{classesName, "INT64", []int{-1, mixnet.MaxObjects}},
		{countName, "INT64", []int{-1, 1}},
	}
}

// objectOptions are the parameters of a request to a detector.
type objectOptions struct {
	Score float64 `json:"score"`
	IoU   float64 `json:"iou"`
	Max   int     `json:"max"`
}

// mostObjects bounds what a client may ask for, and so the size of the answer.
const mostObjects = 1000

// check makes them those of the work, if its model is a detector.
func (o objectOptions) check(k *work) error {
	if k.on.detector == nil {
		return nil
	}
	if o.Max > mostObjects {
		return fmt.Errorf("parameter max: %d objects: at most %d", o.Max, mostObjects)
	}
	k.objects = mixnet.DetectOptions{Score: o.Score, IoU: o.IoU, Max: o.Max}
	return k.on.detector.Check(k.objects)
}
