// Package zoo holds image networks as data. Every network is one table: a
// [Network] of inverted-residual stages, or a small table type of its own
// where the architecture does not fit that vocabulary. Tables carry the
// preprocessing, the recipe's dropout rates and the published figures, and
// build the [graph.Graph] that executors run.
//
// Parameters are named as in timm's (or torchvision's) state_dict of the same
// network, so that published weights load without a map.
package zoo

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/tensor"
)

// Spec is a network that can be built.
type Spec interface {
	About() Info
	Build(Options) (*graph.Graph, error)
}

// Info is what every network has besides its layers. Every table type embeds it.
type Info struct {
	Name     string           `json:"name"`
	Title    string           `json:"title"` // as papers write it, such as "MixNet-S"
	Family   string           `json:"family"`
	Classes  int              `json:"classes"` // of the published weights; 0 means 1000
	Input    input.Preprocess `json:"input"`
	DropRate float64          `json:"drop_rate"` // of the dropout before the classifier, in the original recipe
	DropPath float64          `json:"drop_path"` // stochastic depth of the last block; earlier ones have linearly less
	Paper    *Paper           `json:"paper,omitempty"`
	Weights  []Weights        `json:"weights,omitempty"`
	Note     string           `json:"note,omitempty"`
}

// Paper is what a publication states of a network, in the units it prints:
// zero where it states nothing.
type Paper struct {
	Source string  `json:"source"`
	Params float64 `json:"params_millions,omitempty"`
	FLOPS  float64 `json:"flops_millions,omitempty"` // multiply-adds, which the mobile papers call FLOPS
	Top1   float64 `json:"top1,omitempty"`           // ImageNet, per cent
	Top5   float64 `json:"top5,omitempty"`
	MAP    float64 `json:"map,omitempty"` // COCO's, per cent, of a detector
}

// Weights is a published set of weights: NAME.Tag, file model.safetensors of
// the Hugging Face repository timm/NAME.Tag.
type Weights struct {
	Tag   string            `json:"tag"`
	Input *input.Preprocess `json:"input,omitempty"` // where it differs from the network's
}

// About returns i: it makes every table that embeds Info half of a Spec.
func (i Info) About() Info { return i }

// Options adapts a network to a task. The zero value builds it as published.
type Options struct {
	Classes  int      `json:"classes,omitempty"`   // 0 means the table's
	Channels int      `json:"channels,omitempty"`  // of the input image; 0 means the table's
	DropRate *float64 `json:"drop_rate,omitempty"` // dropout before the classifier; nil means the table's
	DropPath *float64 `json:"drop_path,omitempty"` // stochastic depth; nil means the table's
	Aux      bool     `json:"aux,omitempty"`       // add the auxiliary classifiers that some networks train with
}

// Limits of what a table or an option may ask for, far above any use, so that
// a hostile file cannot ask for a network that does not fit in memory.
const (
	maxChannels = 1 << 16
	maxClasses  = 1 << 20
	maxKernel   = 63
	maxStride   = 8
	maxRepeats  = 256
	maxBlocks   = 4096
	maxSize     = 1 << 14
)

// apply returns i changed by o, with every default filled in.
func (o Options) apply(i Info) (Info, error) {
	i.Input = i.Input.WithDefaults()
	i.Classes = cmp.Or(o.Classes, cmp.Or(i.Classes, 1000))
	if o.DropRate != nil {
		i.DropRate = *o.DropRate
	}
	if o.DropPath != nil {
		i.DropPath = *o.DropPath
	}
	channels := cmp.Or(o.Channels, i.Input.Channels)
	switch {
	case i.Classes < 1 || i.Classes > maxClasses:
		return i, fmt.Errorf("network %s: %d classes, want 1 to %d", i.Name, i.Classes, maxClasses)
	case channels < 1 || channels > maxChannels:
		return i, fmt.Errorf("network %s: %d input channels, want 1 to %d", i.Name, channels, maxChannels)
	case !(i.DropRate >= 0 && i.DropRate < 1):
		return i, fmt.Errorf("network %s: drop rate %g, want 0 to less than 1", i.Name, i.DropRate)
	case !(i.DropPath >= 0 && i.DropPath < 1):
		return i, fmt.Errorf("network %s: drop-path rate %g, want 0 to less than 1", i.Name, i.DropPath)
	}
	if channels != i.Input.Channels {
		i.Input = recolour(i.Input, channels)
	}
	return i, nil
}

// Adapt returns what is known of a network after options: the classes,
// preprocessing and rates that Build with the same options uses.
func Adapt(s Spec, o Options) (Info, error) { return o.apply(s.About()) }

// AuxFits reports whether a network has auxiliary classifiers to train with
// and its input is large enough for them.
func AuxFits(s Spec, o Options) bool {
	o.Aux = true
	info, err := Adapt(s, o)
	if err != nil {
		return false
	}
	g, err := s.Build(o)
	if err != nil || !slices.ContainsFunc(g.Outputs, func(o graph.Output) bool { return o.Training }) {
		return false
	}
	_, err = g.Shapes(tensor.Shape{N: 1, H: info.Input.Size[0], W: info.Input.Size[1], C: info.Input.Channels})
	return err == nil
}

// recolour returns p for c channels, each with the mean of p's statistics.
func recolour(p input.Preprocess, c int) input.Preprocess {
	p.Channels = c
	p.Mean = slices.Repeat([]float32{mean(p.Mean)}, c)
	p.Std = slices.Repeat([]float32{mean(p.Std)}, c)
	return p
}

func mean(v []float32) float32 {
	var sum float32
	for _, x := range v {
		sum += x
	}
	return sum / float32(max(len(v), 1))
}
