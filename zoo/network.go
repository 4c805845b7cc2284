package zoo

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/enum"
)

// Network is the table of a network made of inverted-residual stages: MixNet,
// MobileNet V1 to V3, MnasNet, FBNet, ProxylessNAS, EfficientNet-Lite.
//
//	image → stem → stages → head convolution → global mean → dropout → classifier
type Network struct {
	Info
	Act     graph.Activation // wherever a part names none; zero means ReLU
	Norm    graph.Norm       // zero means the paper's ε 0.001 and momentum 0.01
	Padding graph.Padding
	SE      SqueezeExcite
	Stem    Stem
	Stages  []Stage
	Head    Head
}

// Stem is the first convolution, with batch norm and activation.
type Stem struct {
	Out    int
	Kernel int // 0 means 3
	Stride int // 0 means 2
	Act    graph.Activation
	Fixed  bool // Scaled leaves its width alone
}

// Stage is a row of the table: Repeats blocks of which only the first has the
// stride and changes the width. An inverted-residual block is
//
//	1×1 expansion → depthwise convolution → squeeze-excite → 1×1 projection
//
// each convolution with batch norm and all but the projection with the
// activation, and the block's input added where width and resolution stay.
type Stage struct {
	Kind          Kind
	Repeats       int              // 0 means 1
	Kernels       []int            // of the depthwise convolution, one a channel group: 3, 5, 7 is a MixConv; nil means 3
	Parallel      int              // kernel of a second depthwise convolution, with its own batch norm, added to the first before the activation (RepLKNet, arXiv 2203.06717); 0: none. Merged folds it into the first
	Stride        int              // 0 means 1
	Channels      []int            // of each kernel size, in place of Expand and Partition: the expansion is as wide as their sum (AtomNAS)
	Expand        float64          // expansion ratio; 0 and no Channels: the block has no expansion convolution
	Out           int              // output channels
	SE            float64          // squeeze width as a part of the block's input width; 0: no squeeze-excite
	Act           graph.Activation // zero means the network's
	ExpandGroups  int              // contiguous groups of the expansion, unshuffled, one weight tensor each; 0 means 1
	ProjectGroups int              // the same of the projection
	Shuffle       bool             // shuffle channels after the expansion; the 1×1 groups share a weight tensor (FBNet)
	ProjectAct    bool             // activation after the projection too (MobileNetV1)
	NoSkip        bool             // no residual connection
	Partition     graph.Partition  // of channels among the kernels
	Dilated       bool             // stride 1: K×K kernels as 3×3 with dilation (K-1)/2
	Part          Part             // where the row stands in the numbering of blocks
	FixedDepth    bool             // Scaled leaves its repeats alone
}

// Kind is what a stage's blocks are.
type Kind uint8

// The kinds of blocks.
const (
	Inverted Kind = iota // inverted residual; depthwise-separable without an expansion
	Plain                // one convolution with batch norm and activation
	Linear               // one convolution with batch norm alone
)

var kindWords = [...]string{"inverted", "plain", "linear"}

// String returns the word used in files.
func (k Kind) String() string { return enum.String(kindWords[:], k) }

// MarshalText returns the word used in files.
func (k Kind) MarshalText() ([]byte, error) { return enum.Marshal(kindWords[:], k) }

// UnmarshalText reads a word; the error names the known ones.
func (k *Kind) UnmarshalText(word []byte) error {
	return enum.Unmarshal("kind", kindWords[:], k, word)
}

// Part places a row in timm's numbering blocks.PART.BLOCK. A new part begins
// wherever resolution or width change; the other values overrule that.
type Part uint8

// The ways of numbering a row.
const (
	AutoPart Part = iota
	NewPart
	SamePart
)

var partWords = [...]string{"auto", "new", "same"}

// String returns the word used in files.
func (p Part) String() string { return enum.String(partWords[:], p) }

// MarshalText returns the word used in files.
func (p Part) MarshalText() ([]byte, error) { return enum.Marshal(partWords[:], p) }

// UnmarshalText reads a word; the error names the known ones.
func (p *Part) UnmarshalText(word []byte) error {
	return enum.Unmarshal("part", partWords[:], p, word)
}

// SqueezeExcite says how the squeeze-excite of all blocks is made. The zero
// value is MixNet's and MnasNet's.
type SqueezeExcite struct {
	OfExpanded bool             // ratios are of the expanded width instead of the block's input
	Divisor    int              // squeeze widths are rounded to a multiple; 0: they are truncated
	Act        graph.Activation // zero means the block's
	Gate       graph.Activation // zero means sigmoid
}

// width returns the squeeze width of a block.
func (s SqueezeExcite) width(in, expanded int, ratio float64) int {
	if s.OfExpanded {
		in = expanded
	}
	if s.Divisor > 0 {
		return roundTo(float64(in)*ratio, s.Divisor)
	}
	return max(1, int(float64(in)*ratio))
}

// Head is the 1×1 convolution before the classifier.
type Head struct {
	Out       int // 0: no head convolution
	Act       graph.Activation
	Widen     bool // Scaled widens it above width 1 (MobileNetV2)
	AfterPool bool // it follows the global mean, with a bias instead of batch norm (MobileNetV3)
}

func (s Stage) withDefaults() Stage {
	s.Repeats = cmp.Or(s.Repeats, 1)
	s.Stride = cmp.Or(s.Stride, 1)
	s.ExpandGroups = cmp.Or(s.ExpandGroups, 1)
	s.ProjectGroups = cmp.Or(s.ProjectGroups, 1)
	if len(s.Kernels) == 0 {
		s.Kernels = []int{3}
	}
	return s
}

// expands reports whether the blocks begin with an expansion convolution.
func (s Stage) expands() bool { return s.Expand > 0 || s.Channels != nil }

// expanded returns the width of the depthwise convolution for in channels:
// in·Expand rounded to a multiple of 8 as in timm, exact where that is one; or
// the sum of Channels.
func (s Stage) expanded(in int) int {
	if s.Channels != nil {
		sum := 0
		for _, c := range s.Channels {
			sum += c
		}
		return sum
	}
	if s.Expand == 0 {
		return in
	}
	return roundTo(float64(in)*s.Expand, 8)
}

// clone returns a copy that shares nothing mutable with n.
func (n Network) clone() Network {
	n.Stages = slices.Clone(n.Stages)
	for i := range n.Stages {
		n.Stages[i].Kernels = slices.Clone(n.Stages[i].Kernels)
		n.Stages[i].Channels = slices.Clone(n.Stages[i].Channels)
	}
	return n
}

// block is one block of the network.
type block struct {
	Stage      // with Repeats 1
	row    int // index of the stage
	part   int // named blocks.PART.INDEX
	index  int
	number int // index among all blocks
	in     int // input channels
	suffix string
}

func (b block) name() string { return fmt.Sprintf("blocks.%d.%d%s", b.part, b.index, b.suffix) }

// blocks returns the network's blocks in order.
func (n Network) blocks() []block {
	var out []block
	part, index := -1, 0
	in := n.Stem.Out
	for row, s := range n.Stages {
		s = s.withDefaults()
		fresh := s.Stride > 1 || s.Out != in || part < 0
		if s.Part != AutoPart && part >= 0 {
			fresh = s.Part == NewPart
		}
		if fresh {
			part, index = part+1, 0
		}
		for r := range s.Repeats {
			b := block{Stage: s, row: row, part: part, index: index, number: len(out), in: in}
			b.Repeats = 1
			if r > 0 {
				b.Stride = 1
			}
			out = append(out, b)
			in = s.Out
			index++
		}
	}
	return out
}

// Unrolled returns the same network with one row a block.
func (n Network) Unrolled() Network {
	blocks := n.blocks()
	n.Stages = make([]Stage, len(blocks))
	for i, b := range blocks {
		n.Stages[i] = b.Stage
		n.Stages[i].Part = SamePart
		if b.index == 0 {
			n.Stages[i].Part = NewPart
		}
	}
	return n
}
