package graph

import (
	"cmp"
	"slices"
	"strconv"
)

// Names of outputs that most networks have.
const (
	Logits   = "logits"   // scores of the classes, before softmax: N×1×1×classes in a classifier
	Features = "features" // pooled features, the input of the classifier before dropout: N×1×1×C
)

// Boxes and Scores name the results of a network that finds objects, for its
// maps from the finest, 0, to the coarsest: the codes of the boxes, N×H×W×4A
// with A boxes on a place, and the scores of their slots, N×H×W×(slots·A).
func Boxes(level int) string { return "boxes" + strconv.Itoa(level) }

// Scores is described at [Boxes].
func Scores(level int) string { return "scores" + strconv.Itoa(level) }

// Levels returns the number of maps on which a network finds objects, 0 for one
// that does not.
func (g *Graph) Levels() int {
	for n := 0; ; n++ {
		if _, ok := g.Find(Boxes(n)); !ok {
			return n
		}
	}
}

// Output is a result of a network: a node and what it is for. It may have any
// height and width.
type Output struct {
	Name     string
	ID       ID
	Channels int
	Loss     float64 // factor of its loss in the total; 0: it has no loss of its own
	Training bool    // an auxiliary head, which only training computes
}

// rank orders the outputs of a graph.
func (o Output) rank() int {
	switch {
	case o.Training:
		return 3
	case o.Name == Logits:
		return 0
	case o.Name == Features:
		return 1
	}
	return 2
}

// Find returns the output of a name.
func (g *Graph) Find(name string) (Output, bool) {
	for _, o := range g.Outputs {
		if o.Name == name {
			return o, true
		}
	}
	return Output{ID: None}, false
}

// Results returns the names of the outputs that a network is run for: the
// logits, or where there are none all that are not for training alone.
func (g *Graph) Results() []string {
	if _, ok := g.Find(Logits); ok {
		return []string{Logits}
	}
	var names []string
	for _, o := range g.Outputs {
		if !o.Training {
			names = append(names, o.Name)
		}
	}
	return names
}

// Classes returns the channels of the logits, 0 for a network without.
func (g *Graph) Classes() int {
	o, _ := g.Find(Logits)
	return o.Channels
}

// Losses returns the outputs that have a loss, those of training among them,
// in their order.
func (g *Graph) Losses() []Output {
	return slices.DeleteFunc(slices.Clone(g.Outputs), func(o Output) bool { return o.Loss == 0 })
}

// HeadParams returns the parameters of the layers that compute the outputs
// with a loss: those that fine-tuning for other classes starts anew.
func (g *Graph) HeadParams() []ParamID {
	var ids []ParamID
	for _, o := range g.Losses() {
		ids = append(ids, g.Nodes[o.ID].Op.Params()...)
	}
	return ids
}

// Used reports for every node whether an output depends on it, those of
// training left out.
func (g *Graph) Used() []bool {
	var ids []ID
	for _, o := range g.Outputs {
		if !o.Training {
			ids = append(ids, o.ID)
		}
	}
	return g.Reachable(ids...)
}

// Output names x as a result of the network. Its loss counts in full;
// Features have none of their own.
func (b *Builder) Output(name string, x ID) {
	loss := 1.0
	if name == Features {
		loss = 0
	}
	b.output(Output{Name: name, ID: x, Loss: loss})
}

// TrainingOutput names x as a result that only training computes, an auxiliary
// head. Its loss counts with a positive factor.
func (b *Builder) TrainingOutput(name string, x ID, loss float64) {
	if !(loss > 0) {
		b.fail("output %s: its loss counts %g times, want more than 0", name, loss)
	}
	b.output(Output{Name: name, ID: x, Loss: loss, Training: true})
}

func (b *Builder) output(o Output) {
	o.Channels = b.Channels(o.ID)
	switch _, named := b.g.Find(o.Name); {
	case o.Name == "":
		b.fail("an output without a name")
	case named:
		b.fail("output %s declared twice", o.Name)
	case o.Channels == 0:
		b.fail("output %s: node %d does not exist", o.Name, o.ID)
	}
	b.g.Outputs = append(b.g.Outputs, o)
	slices.SortStableFunc(b.g.Outputs, func(x, y Output) int { return cmp.Compare(x.rank(), y.rank()) })
}
