package objects

import (
	"cmp"
	"math"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/graph"
)

// focalPrior is the probability of an object that focal loss begins with (Lin et
// al., Focal Loss for Dense Object Detection, 2017, section 4.1).
const focalPrior = 0.01

// Prior sets the biases of class scores that start anew to what the loss is least
// with where nothing is known of a picture: most boxes are background, and every
// class is as rare as the others. Without, a network first learns that by its
// features, and is slow to leave it again. Fresh reports whether a parameter
// starts anew; nil means all.
func (t *Task) Prior(g *graph.Graph, values graph.Values[float32], fresh func(name string) bool) {
	prior := t.prior()
	for i := range g.Levels() {
		o, ok := g.Find(graph.Scores(i))
		if !ok {
			continue
		}
		for _, id := range g.Nodes[o.ID].Op.Params() {
			p := &g.Params[id]
			if len(p.Shape) != 1 || fresh != nil && !fresh(p.Name) {
				continue
			}
			for c := range values[id] {
				values[id][c] = prior[c%len(prior)]
			}
		}
	}
}

// prior returns the logits of the slots.
func (t *Task) prior() []float32 {
	objects := 1 / float64(1+cmp.Or(t.Config.Negatives, 3)) // of the anchors that count
	object, background := objects/float64(t.Classes), 1-objects
	logit := func(p float64) float32 { return float32(math.Log(p / (1 - p))) }
	all := make([]float32, t.slots())
	for s := range all {
		switch {
		case t.Config.Kind == detect.Focal:
			all[s] = logit(focalPrior)
		case t.Config.Kind == detect.Softmax && s == 0:
			all[s] = float32(math.Log(background))
		case t.Config.Kind == detect.Softmax:
			all[s] = float32(math.Log(object))
		case s == 0:
			all[s] = logit(background)
		default:
			all[s] = logit(object)
		}
	}
	return all
}
