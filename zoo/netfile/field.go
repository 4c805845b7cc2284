package netfile

import (
	"encoding"
	"fmt"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/zoo"
)

// field is a value of a table under its name in network files. The type of the
// pointer says how it is written.
type field struct {
	key   string
	value any // *int, *positive, *float64, *fraction, *bool, *string, *[]int, *[]float32, *[2]int or a word
}

func networkFields(n *zoo.Network) []field {
	return []field{
		{"name", &n.Name},
		{"title", &n.Title},
		{"family", &n.Family},
		{"note", &n.Note},
		{"classes", (*positive)(&n.Classes)},
		{"drop_rate", &n.DropRate},
		{"drop_path", &n.DropPath},
		{"act", &n.Act},
		{"padding", &n.Padding},
	}
}

func normFields(n *graph.Norm) []field {
	return []field{{"eps", (*fraction)(&n.Eps)}, {"momentum", (*fraction)(&n.Momentum)}}
}

func inputFields(p *input.Preprocess) []field {
	return []field{
		{"channels", (*positive)(&p.Channels)}, // first: the others are checked with it
		{"size", &p.Size},
		{"crop_pct", (*fraction)(&p.CropPct)},
		{"crop_mode", (*string)(&p.CropMode)},
		{"fill", &p.Fill},
		{"interpolation", (*string)(&p.Interpolation)},
		{"mean", &p.Mean},
		{"std", &p.Std},
	}
}

func squeezeFields(s *zoo.SqueezeExcite) []field {
	return []field{
		{"of_expanded", &s.OfExpanded},
		{"divisor", &s.Divisor},
		{"act", &s.Act},
		{"gate", &s.Gate},
	}
}

func stemFields(s *zoo.Stem) []field {
	return []field{
		{"out", (*positive)(&s.Out)},
		{"kernel", (*positive)(&s.Kernel)},
		{"stride", (*positive)(&s.Stride)},
		{"act", &s.Act},
		{"fixed", &s.Fixed},
	}
}

func stageFields(s *zoo.Stage) []field {
	return []field{
		{"kind", &s.Kind},
		{"repeats", (*positive)(&s.Repeats)},
		{"kernels", &s.Kernels},
		{"parallel", &s.Parallel},
		{"stride", (*positive)(&s.Stride)},
		{"channels", &s.Channels},
		{"expand", &s.Expand},
		{"out", (*positive)(&s.Out)},
		{"se", &s.SE},
		{"act", &s.Act},
		{"expand_groups", (*positive)(&s.ExpandGroups)},
		{"project_groups", (*positive)(&s.ProjectGroups)},
		{"shuffle", &s.Shuffle},
		{"project_act", &s.ProjectAct},
		{"no_skip", &s.NoSkip},
		{"partition", &s.Partition},
		{"dilated", &s.Dilated},
		{"part", &s.Part},
		{"fixed_depth", &s.FixedDepth},
	}
}

func headFields(h *zoo.Head) []field {
	return []field{
		{"out", &h.Out},
		{"act", &h.Act},
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

// word is an enumeration, which is written as a word.
type word interface {
	fmt.Stringer
	encoding.TextUnmarshaler
}
