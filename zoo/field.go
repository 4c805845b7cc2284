package zoo

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

// field is a value of a table under its name in network files. The type of the
// pointer says how it is written.
type field struct {
	key   string
	value any // *int, *positive, *float64, *fraction, *bool, *string, *[]int, *[]float32, *[2]int or a *enumeration
}

func (n *Network) fields() []field {
	return []field{
		{"name", &n.Name},
		{"title", &n.Title},
		{"family", &n.Family},
		{"note", &n.Note},
		{"classes", (*positive)(&n.Classes)},
		{"drop", &n.DropRate},
		{"drop_path", &n.DropPath},
		{"act", (*actName)(&n.Act)},
		{"padding", (*paddingName)(&n.Padding)},
	}
}

func normFields(n *graph.Norm) []field {
	return []field{{"eps", (*fraction)(&n.Eps)}, {"momentum", (*fraction)(&n.Momentum)}}
}

func inputFields(p *input.Preprocess) []field {
	return []field{
		{"channels", (*positive)(&p.Channels)}, // first: the others are checked with it
		{"size", &p.Size},
		{"crop", (*fraction)(&p.CropPct)},
		{"crop_mode", (*string)(&p.CropMode)},
		{"interpolation", (*string)(&p.Interpolation)},
		{"mean", &p.Mean},
		{"std", &p.Std},
	}
}

func (s *SqueezeExcite) fields() []field {
	return []field{
		{"of_expanded", &s.OfExpanded},
		{"divisor", &s.Divisor},
		{"act", (*actName)(&s.Act)},
		{"gate", (*actName)(&s.Gate)},
	}
}

func (s *Stem) fields() []field {
	return []field{
		{"out", (*positive)(&s.Out)},
		{"kernel", (*positive)(&s.Kernel)},
		{"stride", (*positive)(&s.Stride)},
		{"act", (*actName)(&s.Act)},
		{"fixed", &s.Fixed},
	}
}

func (s *Stage) fields() []field {
	return []field{
		{"kind", (*kindName)(&s.Kind)},
		{"repeats", (*positive)(&s.Repeats)},
		{"kernels", &s.Kernels},
		{"stride", (*positive)(&s.Stride)},
		{"expand", &s.Expand},
		{"out", (*positive)(&s.Out)},
		{"se", &s.SE},
		{"act", (*actName)(&s.Act)},
		{"expand_groups", (*positive)(&s.ExpandGroups)},
		{"project_groups", (*positive)(&s.ProjectGroups)},
		{"shuffle", &s.Shuffle},
		{"project_act", &s.ProjectAct},
		{"no_skip", &s.NoSkip},
		{"partition", (*partitionName)(&s.Partition)},
		{"dilated", &s.Dilated},
		{"part", (*partName)(&s.Part)},
		{"fixed_depth", &s.FixedDepth},
	}
}

func (h *Head) fields() []field {
	return []field{
		{"out", &h.Out},
		{"act", (*actName)(&h.Act)},
		{"widen", &h.Widen},
		{"after_pool", &h.AfterPool},
	}
}

// positive is a number of which there is at least one, and fraction one above 0
// and at most 1. In tables 0 means the default; files leave the key out.
type (
	positive int
	fraction float64
)

// enumeration is a value written as a word.
type enumeration interface {
	String() string
	parse(string) error
}

type (
	actName       graph.Activation
	paddingName   graph.Padding
	partitionName graph.Partition
	kindName      Kind
	partName      Part
)

func (a *actName) String() string       { return graph.Activation(*a).String() }
func (p *paddingName) String() string   { return graph.Padding(*p).String() }
func (p *partitionName) String() string { return graph.Partition(*p).String() }
func (k *kindName) String() string      { return word(kindWords[:], int(*k)) }
func (p *partName) String() string      { return word(partWords[:], int(*p)) }

func (a *actName) parse(s string) error {
	v, err := graph.ParseActivation(s)
	if err == nil && v == graph.Identity {
		err = errors.New("identity is not a choice: left out, the activation is the network's")
	}
	*a = actName(v)
	return err
}

func (p *paddingName) parse(s string) error {
	v, err := graph.ParsePadding(s)
	*p = paddingName(v)
	return err
}

func (p *partitionName) parse(s string) error {
	v, err := graph.ParsePartition(s)
	*p = partitionName(v)
	return err
}

func (k *kindName) parse(s string) error { return parseWord((*uint8)(k), kindWords[:], s) }
func (p *partName) parse(s string) error { return parseWord((*uint8)(p), partWords[:], s) }

var (
	kindWords = [...]string{"inverted", "plain", "linear"}
	partWords = [...]string{"auto", "new", "same"}
)

func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return fmt.Sprint(i)
}

func parseWord(v *uint8, words []string, s string) error {
	for i, w := range words {
		if w == s {
			*v = uint8(i)
			return nil
		}
	}
	return fmt.Errorf("unknown %q; known: %s", s, strings.Join(words, ", "))
}
