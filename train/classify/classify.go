// Package classify is the task of naming the class of an image: cross-entropy
// with label smoothing, blended labels and weighted classes, judged by the part
// of the images named right.
package classify

import (
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train/task"
)

// Task is that of telling classes. The zero value is plain cross-entropy.
type Task struct {
	// Smoothing is that of the labels in training, 0 to less than 1 (Szegedy et
	// al. 2016, section 7).
	Smoothing float64
	// Weights are the importance of every class in training; nil for equal ones.
	Weights []float64
}

// New returns the task as a recipe has it for a training set.
func New(r *recipe.Recipe, d data.Dataset) *Task {
	t := &Task{Smoothing: r.Smoothing}
	if r.Balance {
		t.Weights = classWeights(d)
	}
	return t
}

// classWeights returns the inverse of every class's share of d's examples,
// over the number of classes: 1 for equal shares. A class without examples
// weighs nothing.
func classWeights(d data.Dataset) []float64 {
	counts := make([]float64, len(d.Classes()))
	for i := range d.Len() {
		counts[d.Label(i)]++
	}
	for i, n := range counts {
		if n > 0 {
			counts[i] = float64(d.Len()) / (n * float64(len(counts)))
		}
	}
	return counts
}

// Check implements [task.Task].
func (t *Task) Check(g *graph.Graph, d data.Dataset) error {
	if n := g.Classes(); len(d.Classes()) != n {
		return fmt.Errorf("the data has %d classes, the network %d", len(d.Classes()), n)
	}
	return nil
}

// Metrics implements [task.Task].
func (t *Task) Metrics() task.Metrics {
	return task.Metrics{Train: []string{"loss", "top1"}, Val: []string{"loss", "top1", "top5"}, Best: "top1"}
}

// Loss implements [task.Task]. Auxiliary heads learn the same classes as
// the logits.
func (t *Task) Loss(b *data.Batch, outputs []task.Output, scale float64, sums []float64) error {
	want := Targets{Labels: b.Labels, Other: b.Other, Share: float64(b.Share), Smoothing: t.Smoothing, Weights: t.Weights}
	for i := range outputs {
		o := &outputs[i]
		loss, correct := CrossEntropy(o.Value, want, o.Loss*scale, o.Grad)
		sums[0] += o.Loss * loss
		if o.Name == graph.Logits {
			sums[1] += float64(correct)
		}
	}
	return nil
}

// Evaluate implements [task.Task]. The loss is without smoothing, blends
// and weights.
func (t *Task) Evaluate(d data.Dataset) task.Evaluation {
	return &evaluation{outcomes: evaluate.NewOutcomes(d)}
}

type evaluation struct {
	outcomes *evaluate.Outcomes
	loss     float64 // sum over the images
}

// Add implements [task.Evaluation].
func (e *evaluation) Add(b *data.Batch, outputs []task.Output) error {
	logits, err := task.Find(outputs, graph.Logits)
	if err != nil {
		return err
	}
	loss, _ := CrossEntropy(logits.Value, Targets{Labels: b.Labels}, 0, nil)
	e.loss += loss
	for i, example := range b.Examples {
		if err := e.outcomes.Add(example, logits.Of(logits.Value, i)); err != nil {
			return err
		}
	}
	return nil
}

// Values implements [task.Evaluation].
func (e *evaluation) Values() []float64 {
	return []float64{e.loss / float64(max(e.outcomes.Images(), 1)), e.outcomes.Top(1), e.outcomes.Top(5)}
}
