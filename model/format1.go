package model

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/zoo"
)

// Format 1 holds the table and the options as JSON in which enumerations are
// numbers. Their order is that of these lists, whatever the constants are.
var (
	activations1 = []graph.Activation{graph.Identity, graph.ReLU, graph.ReLU6, graph.Swish, graph.HardSwish, graph.Sigmoid, graph.HardSigmoid}
	paddings1    = []graph.Padding{graph.Symmetric, graph.Same, graph.Valid}
	partitions1  = []graph.Partition{graph.Equal, graph.Exponential}
	kinds1       = []zoo.Kind{zoo.Inverted, zoo.Plain}
	parts1       = []zoo.Part{zoo.AutoPart, zoo.NewPart, zoo.SamePart}
)

type options1 struct {
	Classes, Channels  int
	DropRate, DropPath *float64
	Aux                bool
}

type network1 struct {
	Name     string           `json:"name"`
	Title    string           `json:"title"`
	Family   string           `json:"family"`
	Classes  int              `json:"classes"`
	Input    input.Preprocess `json:"input"`
	DropRate float64          `json:"drop_rate"`
	DropPath float64          `json:"drop_path"`
	Note     string           `json:"note"`

	Act     int
	Norm    graph.Norm
	Padding int
	SE      struct {
		OfExpanded         bool
		Divisor, Act, Gate int
	}
	Stem struct {
		Out, Kernel, Stride, Act int
		Fixed                    bool
	}
	Stages []stage1
	Head   struct {
		Out, Act         int
		Widen, AfterPool bool
	}
}

type stage1 struct {
	Kind, Repeats, Stride, Out, Act, ExpandGroups, ProjectGroups, Partition, Part int
	Kernels                                                                       []int
	Expand, SE                                                                    float64
	Shuffle, ProjectAct, NoSkip, Dilated, FixedDepth                              bool
}

// parse1 reads format 1.
func (h *Header) parse1(m map[string]string) error {
	var o options1
	var table *network1
	for key, dst := range map[string]any{keyOptions: &o, keyPreprocess: &h.Input, keyClasses: &h.Classes, keyTable: &table} {
		if text, ok := m[key]; ok {
			if err := json.Unmarshal([]byte(text), dst); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	h.Options = zoo.Options(o)
	if table == nil {
		return nil
	}
	n, err := table.network()
	if err != nil {
		return fmt.Errorf("%s: %w", keyTable, err)
	}
	h.Table = n
	return n.Validate()
}

// number returns the value of an enumeration that format 1 numbers i.
func number[E any](values []E, i int, what string, errs *[]error) (e E) {
	if i < 0 || i >= len(values) {
		*errs = append(*errs, fmt.Errorf("%s %d: want 0 to %d", what, i, len(values)-1))
		return e
	}
	return values[i]
}

func (t *network1) network() (zoo.Network, error) {
	var errs []error
	act := func(i int) graph.Activation { return number(activations1, i, "activation", &errs) }
	n := zoo.Network{
		Info: zoo.Info{
			Name: t.Name, Title: t.Title, Family: t.Family, Classes: t.Classes,
			Input: t.Input, DropRate: t.DropRate, DropPath: t.DropPath, Note: t.Note,
		},
		Act:     act(t.Act),
		Norm:    t.Norm,
		Padding: number(paddings1, t.Padding, "padding", &errs),
		SE:      zoo.SqueezeExcite{OfExpanded: t.SE.OfExpanded, Divisor: t.SE.Divisor, Act: act(t.SE.Act), Gate: act(t.SE.Gate)},
		Stem:    zoo.Stem{Out: t.Stem.Out, Kernel: t.Stem.Kernel, Stride: t.Stem.Stride, Act: act(t.Stem.Act), Fixed: t.Stem.Fixed},
		Head:    zoo.Head{Out: t.Head.Out, Act: act(t.Head.Act), Widen: t.Head.Widen, AfterPool: t.Head.AfterPool},
	}
	for _, s := range t.Stages {
		n.Stages = append(n.Stages, zoo.Stage{
			Kind: number(kinds1, s.Kind, "kind", &errs), Repeats: s.Repeats, Kernels: s.Kernels, Stride: s.Stride,
			Expand: s.Expand, Out: s.Out, SE: s.SE, Act: act(s.Act), ExpandGroups: s.ExpandGroups, ProjectGroups: s.ProjectGroups,
			Shuffle: s.Shuffle, ProjectAct: s.ProjectAct, NoSkip: s.NoSkip, Dilated: s.Dilated, FixedDepth: s.FixedDepth,
			Partition: number(partitions1, s.Partition, "partition", &errs), Part: number(parts1, s.Part, "part", &errs),
		})
	}
	return n, errors.Join(errs...)
}
