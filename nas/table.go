package nas

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/zoo"
)

// Table is the choices of a space of networks of inverted-residual stages.
// [NewTable] makes a [Space] of it.
type Table struct {
	// Base is what is not decided: stem, head, batch norm, padding,
	// preprocessing. Its name is the space's.
	Base zoo.Network
	// Stem and Head are widths to choose from; nil means Base's.
	Stem, Head []int
	Stages     []StageChoices
}

// StageChoices is what can be chosen of a stage.
type StageChoices struct {
	Stride int   // of the first block; 0 means 1
	Out    []int // widths
	Depth  []int // numbers of blocks; nil means 1
	First  BlockChoices
	// Rest are the choices of the other blocks, each for itself; nil means
	// First's.
	Rest *BlockChoices
	// Shared makes one choice hold for all blocks of the stage, as MnasNet's
	// does.
	Shared bool
}

// BlockChoices is what can be chosen of a block: one of Rows, or else one from
// every list that is not nil.
type BlockChoices struct {
	Rows          []Row
	Kernels       [][]int
	Expand        []float64
	SE            []float64
	Act           []graph.Activation
	ExpandGroups  []int
	ProjectGroups []int
}

// Row is a block, or none.
type Row struct {
	Name string
	None bool // the block is left out
	zoo.Stage
}

// axis is one decision about a block.
type axis struct {
	name    string
	options []string
	set     func(*zoo.Stage, int)
}

func (c *BlockChoices) axes() []axis {
	if len(c.Rows) > 0 {
		a := axis{name: "block", set: func(s *zoo.Stage, o int) { *s = c.Rows[o].Stage }}
		for _, r := range c.Rows {
			a.options = append(a.options, r.Name)
		}
		return []axis{a}
	}
	return slices.DeleteFunc([]axis{
		axisOf("kernels", c.Kernels, sizes, func(s *zoo.Stage, k []int) { s.Kernels = k }),
		axisOf("expansion", c.Expand, ratio, func(s *zoo.Stage, r float64) { s.Expand = r }),
		axisOf("squeeze-excite", c.SE, ratio, func(s *zoo.Stage, r float64) { s.SE = r }),
		axisOf("activation", c.Act, graph.Activation.String, func(s *zoo.Stage, f graph.Activation) { s.Act = f }),
		axisOf("expansion groups", c.ExpandGroups, strconv.Itoa, func(s *zoo.Stage, g int) { s.ExpandGroups = g }),
		axisOf("projection groups", c.ProjectGroups, strconv.Itoa, func(s *zoo.Stage, g int) { s.ProjectGroups = g }),
	}, func(a axis) bool { return len(a.options) == 0 })
}

func axisOf[T any](name string, options []T, text func(T) string, set func(*zoo.Stage, T)) axis {
	a := axis{name: name, set: func(s *zoo.Stage, o int) { set(s, options[o]) }}
	for _, o := range options {
		a.options = append(a.options, text(o))
	}
	return a
}

func sizes(kernels []int) string {
	var all []string
	for _, k := range kernels {
		all = append(all, strconv.Itoa(k))
	}
	return strings.Join(all, ",")
}

func ratio(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// layout is where the decisions of a table lie in an architecture.
type layout struct {
	decisions  []Decision
	stem, head int // -1 where there is one option
	stages     []stageLayout
}

type stageLayout struct {
	out, depth int
	blocks     [][]int // by block and axis; -1 where there is one option
	axes       [][]axis
}

// TableSpace is the space of a table.
type TableSpace struct {
	Table
	layout *layout
}

// NewTable returns the space of a table, or says what is wrong with the table.
func NewTable(t Table) (*TableSpace, error) {
	if err := t.validate(); err != nil {
		return nil, fmt.Errorf("space %s: %w", t.Base.Name, err)
	}
	s := &TableSpace{Table: t}
	s.layout = s.Table.layOut()
	return s, nil
}

func (t *Table) validate() error {
	if len(t.Stages) == 0 {
		return errors.New("no stages")
	}
	for i := range t.Stages {
		s := &t.Stages[i]
		if len(s.Out) == 0 {
			return fmt.Errorf("stage %d: no width", i)
		}
		for _, d := range s.Depth {
			if d < 1 || d > maxDepth {
				return fmt.Errorf("stage %d: depth of %d: want 1 to %d", i, d, maxDepth)
			}
		}
		for b := range min(s.blocks(), 2) {
			c := s.choices(b)
			if len(c.Rows) == 0 && len(c.Kernels) == 0 {
				return fmt.Errorf("stage %d: neither blocks nor kernels to choose from", i)
			}
			for _, a := range c.axes() {
				if len(a.options) > maxOptions {
					return fmt.Errorf("stage %d: %s: %d options, more than %d", i, a.name, len(a.options), maxOptions)
				}
			}
			for _, r := range c.Rows {
				if r.None && b == 0 && (s.Stride > 1 || len(s.Out) > 1 || s.blocks() > 1) {
					return fmt.Errorf("stage %d: the first block can be left out only where it is the only one and changes neither size nor width", i)
				}
			}
		}
	}
	return nil
}

// Limits of a table.
const (
	maxDepth   = 64
	maxOptions = 36 // a digit or a letter each
)

func (t *Table) layOut() *layout {
	l := &layout{}
	add := func(name string, options []string) int {
		if len(options) < 2 {
			return -1
		}
		l.decisions = append(l.decisions, Decision{name, options})
		return len(l.decisions) - 1
	}
	l.stem = add("stem width", texts(t.Stem))
	for i := range t.Stages {
		s := &t.Stages[i]
		var sl stageLayout
		sl.out = add(fmt.Sprintf("stage %d width", i), texts(s.Out))
		sl.depth = add(fmt.Sprintf("stage %d depth", i), texts(s.Depth))
		for b := range s.blocks() {
			if s.Shared && b > 0 {
				sl.blocks, sl.axes = append(sl.blocks, sl.blocks[0]), append(sl.axes, sl.axes[0])
				continue
			}
			var at []int
			axes := s.choices(b).axes()
			for _, a := range axes {
				at = append(at, add(fmt.Sprintf("stage %d block %d %s", i, b, a.name), a.options))
			}
			sl.blocks, sl.axes = append(sl.blocks, at), append(sl.axes, axes)
		}
		l.stages = append(l.stages, sl)
	}
	l.head = add("head width", texts(t.Head))
	return l
}

func texts(values []int) []string {
	var all []string
	for _, v := range values {
		all = append(all, strconv.Itoa(v))
	}
	return all
}

// blocks returns the largest number of blocks.
func (s *StageChoices) blocks() int {
	if len(s.Depth) == 0 {
		return 1
	}
	return slices.Max(s.Depth)
}

func (s *StageChoices) choices(block int) *BlockChoices {
	if block > 0 && s.Rest != nil {
		return s.Rest
	}
	return &s.First
}

// Name returns the space's name.
func (t *TableSpace) Name() string { return t.Base.Name }

// Decisions lists the widths, depths and blocks to choose, stage by stage.
func (t *TableSpace) Decisions() []Decision { return t.layout.decisions }

// at returns the choice of a decision, 0 where there is only one option.
func at(a Arch, decision int) int {
	if decision < 0 {
		return 0
	}
	return int(a[decision])
}

// depth returns the number of blocks of a stage.
func (t *TableSpace) depth(a Arch, stage int, l *layout) int {
	if s := &t.Stages[stage]; len(s.Depth) > 0 {
		return s.Depth[at(a, l.stages[stage].depth)]
	}
	return 1
}

// none reports whether a block is left out.
func (t *TableSpace) none(a Arch, stage, block int, l *layout) bool {
	rows := t.Stages[stage].choices(block).Rows
	return len(rows) > 0 && rows[at(a, l.stages[stage].blocks[block][0])].None
}

// Canonical moves blocks that are left out to the end of their stage, and takes
// the first option of every decision about blocks beyond the depth.
func (t *TableSpace) Canonical(a Arch) Arch {
	a = slices.Clone(a)
	l := t.layout
	for i := range t.Stages {
		sl := &l.stages[i]
		depth := t.depth(a, i, l)
		if t.Stages[i].Shared {
			continue
		}
		keep := 1 // blocks in their place
		for b := 1; b < depth; b++ {
			if t.none(a, i, b, l) {
				continue
			}
			for k, d := range sl.blocks[b] {
				if other := sl.blocks[keep][k]; d >= 0 && d != other {
					a[d], a[other] = a[other], a[d]
				}
			}
			keep++
		}
		for b := depth; b < len(sl.blocks); b++ {
			for _, d := range sl.blocks[b] {
				if d >= 0 {
					a[d] = 0
				}
			}
		}
	}
	return a
}

// Network returns the table of an architecture. Its name is the space's with
// the beginning of the hash.
func (t *TableSpace) Network(a Arch) (zoo.Network, error) {
	if err := Check(t, a); err != nil {
		return zoo.Network{}, err
	}
	l := t.layout
	n := t.Base
	n.Name = t.Base.Name + "_" + Hash(t, a)[:8]
	n.Title = n.Name
	if len(t.Stem) > 0 {
		n.Stem.Out = t.Stem[at(a, l.stem)]
	}
	if len(t.Head) > 0 {
		n.Head.Out = t.Head[at(a, l.head)]
	}
	n.Stages = nil
	for i := range t.Stages {
		s, sl := &t.Stages[i], &l.stages[i]
		for b := range t.depth(a, i, l) {
			if t.none(a, i, b, l) {
				continue
			}
			var row zoo.Stage
			for k, x := range sl.axes[b] {
				x.set(&row, at(a, sl.blocks[b][k]))
			}
			row.Out = s.Out[at(a, sl.out)]
			row.Part = zoo.SamePart
			if b == 0 {
				row.Stride, row.Part = max(s.Stride, 1), zoo.NewPart
			}
			n.Stages = append(n.Stages, row)
		}
	}
	return n, n.Validate()
}

// Encode returns the architecture that is a network, block by block.
func (t *TableSpace) Encode(n zoo.Network) (Arch, error) {
	l := t.layout
	a := make(Arch, len(l.decisions))
	choose := func(decision int, options []string, want string) bool {
		o := slices.Index(options, want)
		if decision >= 0 && o >= 0 {
			a[decision] = uint8(o)
		}
		return o >= 0 || len(options) == 0
	}
	fail := func(what string) (Arch, error) {
		return nil, fmt.Errorf("%w: %s is not in the space %s: %s", ErrArch, n.Name, t.Name(), what)
	}
	if !choose(l.stem, texts(t.Stem), strconv.Itoa(n.Stem.Out)) {
		return fail(fmt.Sprintf("a stem of %d channels", n.Stem.Out))
	}
	if !choose(l.head, texts(t.Head), strconv.Itoa(n.Head.Out)) {
		return fail(fmt.Sprintf("a head of %d channels", n.Head.Out))
	}
	rest := n.Unrolled().Stages
	for i := range t.Stages {
		s, sl := &t.Stages[i], &l.stages[i]
		count := 0
		for count < len(rest) && count < s.blocks() && rest[count].Out == rest[0].Out && (count == 0 || max(rest[count].Stride, 1) == 1) {
			count++
		}
		if count > 0 && (max(rest[0].Stride, 1) != max(s.Stride, 1) || !slices.Contains(s.Out, rest[0].Out)) {
			count = 0
		}
		if count > 0 {
			choose(sl.out, texts(s.Out), strconv.Itoa(rest[0].Out))
		}
		blocks := count
		if len(s.Depth) > 0 && !choose(sl.depth, texts(s.Depth), strconv.Itoa(count)) {
			if len(s.Depth) != 1 {
				return fail(fmt.Sprintf("stage %d has %d blocks", i, count))
			}
			blocks = s.Depth[0] // those that are missing are left out
		}
		for b := range max(blocks, 1) {
			var row *zoo.Stage
			if b < count {
				row = &rest[b]
			}
			if !s.choices(b).encode(row, t.Base.Act, sl.axes[b], func(k, o int) {
				if d := sl.blocks[b][k]; d >= 0 {
					a[d] = uint8(o)
				}
			}) {
				return fail(fmt.Sprintf("stage %d, block %d", i, b))
			}
		}
		rest = rest[count:]
	}
	if len(rest) > 0 {
		return fail(fmt.Sprintf("%d blocks too many", len(rest)))
	}
	a = t.Canonical(a)
	return a, t.same(a, n)
}

// encode finds the option of every axis that makes a row, or leaves it out.
func (c *BlockChoices) encode(row *zoo.Stage, act graph.Activation, axes []axis, choose func(axis, option int)) bool {
	for i, r := range c.Rows {
		if row == nil && r.None || row != nil && !r.None && equalRows(r.Stage, *row, act) {
			choose(0, i)
			return true
		}
	}
	if len(c.Rows) > 0 || row == nil {
		return false
	}
	var made zoo.Stage
	for k, x := range axes {
		found := false
		for o := range x.options {
			next := made
			x.set(&next, o)
			probe := *row
			x.set(&probe, o)
			if equalRows(probe, *row, act) {
				made, found = next, true
				choose(k, o)
				break
			}
		}
		if !found {
			return false
		}
	}
	return equalRows(made, *row, act)
}

// equalRows compares blocks but for width, stride and place.
func equalRows(a, b zoo.Stage, act graph.Activation) bool {
	norm := func(s zoo.Stage) zoo.Stage {
		s.Out, s.Stride, s.Repeats, s.Part, s.NoSkip = 0, 0, 0, 0, false
		s.ExpandGroups, s.ProjectGroups = max(s.ExpandGroups, 1), max(s.ProjectGroups, 1)
		if len(s.Kernels) == 0 {
			s.Kernels = []int{3}
		}
		if s.Act == graph.Identity {
			s.Act = act
		}
		if s.Act == graph.Identity {
			s.Act = graph.ReLU
		}
		return s
	}
	return reflect.DeepEqual(norm(a), norm(b))
}

// same reports, as an error, whether an architecture is not the network.
func (t *TableSpace) same(a Arch, n zoo.Network) error {
	own, err := t.Network(a)
	if err != nil {
		return err
	}
	own.Info = n.Info
	g, err := own.Build(zoo.Options{})
	if err != nil {
		return err
	}
	want, err := n.Build(zoo.Options{})
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(g, want) {
		return fmt.Errorf("%w: %s is not in the space %s: something besides widths, depths and blocks differs", ErrArch, n.Name, t.Name())
	}
	return nil
}
