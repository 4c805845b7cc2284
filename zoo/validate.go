package zoo

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// TableError says which part of a Network cannot be built and why.
type TableError struct {
	Network string
	Table   string // "norm", "squeeze_excite", "stem", "stage", "head" or ""
	Index   int    // of the stage
	Field   string // as in a network file
	Reason  string
}

// Error locates the mistake in the table.
func (e *TableError) Error() string {
	where := e.Table
	if e.Table == "stage" {
		where = fmt.Sprintf("stage %d", e.Index+1)
	}
	if e.Field != "" && where != "" {
		where += ": "
	}
	where += e.Field
	if where != "" {
		where += ": "
	}
	return fmt.Sprintf("network %s: %s%s", e.Network, where, e.Reason)
}

// Validate reports the first mistake in the table as a *TableError. Build
// calls it.
func (n Network) Validate() error {
	c := checker{network: n.Name}
	c.between("classes", n.Classes, 0, maxClasses)
	c.rate("drop_rate", n.DropRate)
	c.rate("drop_path", n.DropPath)
	c.table = "norm"
	c.share("eps", n.Norm.Eps)
	c.share("momentum", n.Norm.Momentum)
	c.table = "squeeze_excite"
	c.between("divisor", n.SE.Divisor, 0, maxChannels)

	c.table = "stem"
	c.between("out", n.Stem.Out, 1, maxChannels)
	c.kernel("kernel", cmp.Or(n.Stem.Kernel, 3))
	c.between("stride", cmp.Or(n.Stem.Stride, 2), 1, maxStride)

	c.table = "stage"
	in, blocks := n.Stem.Out, 0
	for i, s := range n.Stages {
		c.index = i
		s = s.withDefaults()
		c.between("repeats", s.Repeats, 1, maxRepeats)
		if blocks += s.Repeats; blocks > maxBlocks {
			c.bad("repeats", "more than %d blocks", maxBlocks)
		}
		c.stage(s, in)
		if c.err != nil {
			return c.err
		}
		in = s.Out
	}

	c.table = "head"
	c.between("out", n.Head.Out, 0, maxChannels)
	return c.err
}

// checker keeps the first mistake found.
type checker struct {
	network, table string
	index          int
	err            error
}

func (c *checker) bad(field, format string, args ...any) {
	if c.err == nil {
		c.err = &TableError{c.network, c.table, c.index, field, fmt.Sprintf(format, args...)}
	}
}

func (c *checker) between(field string, v, lo, hi int) {
	switch {
	case v == 0 && lo > 0:
		c.bad(field, "missing: want %d to %d", lo, hi)
	case v < lo || v > hi:
		c.bad(field, "%d: want %d to %d", v, lo, hi)
	}
}

func (c *checker) rate(field string, p float64) {
	if !(p >= 0 && p < 1) {
		c.bad(field, "%g: want 0 to less than 1", p)
	}
}

func (c *checker) share(field string, p float64) {
	if !(p >= 0 && p <= 1) {
		c.bad(field, "%g: want 0 to 1", p)
	}
}

func (c *checker) kernel(field string, k int) {
	if k < 1 || k > maxKernel || k%2 == 0 {
		c.bad(field, "%d: kernel sizes are odd, 1 to %d", k, maxKernel)
	}
}

// stage checks a row, given the channels that enter its first block.
func (c *checker) stage(s Stage, in int) {
	c.between("stride", s.Stride, 1, maxStride)
	c.between("out", s.Out, 1, maxChannels)
	for _, k := range s.Kernels {
		c.kernel("kernels", k)
	}
	if s.Kind != Inverted {
		if len(s.Kernels) != 1 {
			c.bad("kernels", "%v: a plain convolution has one kernel size", s.Kernels)
		}
		return
	}
	if !(s.Expand == 0 || s.Expand >= 1 && s.Expand <= 64) {
		c.bad("expand", "%g: want a ratio of 1 to 64, or none", s.Expand)
	}
	if s.Channels != nil {
		c.channels(s)
	}
	if s.Parallel != 0 {
		c.parallel(s)
	}
	if !(s.SE >= 0 && s.SE <= 1) {
		c.bad("se", "%g: want a ratio of 0 to 1", s.SE)
	}
	c.block(s, in)
	if s.Repeats > 1 {
		c.block(s, s.Out)
	}
}

// parallel checks the second depthwise convolution, which the first must hold.
func (c *checker) parallel(s Stage) {
	c.kernel("parallel", s.Parallel)
	if least := slices.Min(s.Kernels); s.Parallel > least {
		c.bad("parallel", "%d: want at most %d, the least of the kernels beside it", s.Parallel, least)
	}
	if s.Dilated {
		c.bad("parallel", "%d: a dilated kernel cannot hold it", s.Parallel)
	}
}

// channels checks the channels of each kernel size.
func (c *checker) channels(s Stage) {
	switch {
	case s.Expand != 0:
		c.bad("channels", "%v: their sum is the width of the expansion, so expand must be left out", s.Channels)
	case s.Partition != graph.Equal:
		c.bad("channels", "%v: they leave partition %v nothing to share out", s.Channels, s.Partition)
	case len(s.Channels) != len(s.Kernels):
		c.bad("channels", "%v: want one number for each of the %d kernel sizes", s.Channels, len(s.Kernels))
	}
	for _, n := range s.Channels {
		c.between("channels", n, 1, maxChannels)
	}
}

// block checks that the channels of a block divide as they must.
func (c *checker) block(s Stage, in int) {
	if c.err != nil {
		return
	}
	mid := s.expanded(in)
	if mid > maxChannels {
		c.bad("expand", "%d channels times %g is more than %d", in, s.Expand, maxChannels)
		return
	}
	if _, err := s.Partition.Split(mid, len(s.Kernels)); err != nil && s.Channels == nil {
		c.bad("kernels", "%v: %v", s.Kernels, err)
	}
	if s.expands() {
		c.groups("expand_groups", s.ExpandGroups, in, mid, s.Shuffle)
	}
	c.groups("project_groups", s.ProjectGroups, mid, s.Out, s.Shuffle)
	if g := max(s.ExpandGroups, s.ProjectGroups); s.Shuffle && mid%g != 0 {
		c.bad("shuffle", "%d channels cannot be shuffled in %d groups", mid, g)
	}
}

// groups checks that a 1×1 convolution divides into its groups, evenly where
// they share a weight tensor.
func (c *checker) groups(field string, g, in, out int, even bool) {
	switch {
	case g < 1 || g > in || g > out:
		c.bad(field, "%d: want 1 to %d, the channels of the 1×1 convolution", g, min(in, out))
	case even && (in%g != 0 || out%g != 0):
		c.bad(field, "%d: %d to %d channels do not divide into as many groups", g, in, out)
	}
}
