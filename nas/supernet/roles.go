package supernet

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/zoo"
)

// Sharing says which parameters the options of a block have in common. The zero
// value shares what lists choose and keeps rows, which are whole blocks, and
// kernels of different sizes apart.
type Sharing struct {
	// Crops makes a smaller depthwise kernel the middle of the largest one of
	// the block (Cai et al., Once-for-All, 2020, without its matrices).
	Crops bool `json:"crops,omitempty"`
	// Rows lets the rows of a block share as the options of lists do.
	Rows bool `json:"rows,omitempty"`
}

// role is a parameter of a block: which one of the supernet it belongs to, and
// where its part begins.
type role struct {
	key string
	// from is the first channel of a depthwise kernel, of those of the layer.
	from int
	// channels are those of the layer that a depthwise kernel is a part of; 0
	// for other parameters.
	channels int
	crop     bool
}

// roleOf returns the role of a parameter of a block, by the rest of its name
// after the block's. channels are the depthwise convolution's, and groups those of its kernels.
func (s Sharing) roleOf(rest string, p nas.Place, row zoo.Stage, dw *graph.MixConv) (role, error) {
	base := fmt.Sprintf("%d.%d.", p.Stage, p.Block)
	if p.Row >= 0 && !s.Rows {
		base += fmt.Sprintf("row%d.", p.Row)
	}
	layer, tail, _ := strings.Cut(rest, ".")
	expands := row.Expand > 0
	if row.Kind != zoo.Inverted {
		return role{key: fmt.Sprintf("%s%s.k%s.%s", base, layer, kernels(row), tail)}, nil
	}
	switch {
	case layer == "conv_dw":
		return s.depthwise(base, tail, dw)
	case layer == "conv_pw" && expands:
		return role{key: base + "expand" + grouped(row.ExpandGroups, row.Shuffle) + tail}, nil
	case layer == "conv_pw" || layer == "conv_pwl":
		return role{key: base + "project" + grouped(row.ProjectGroups, row.Shuffle) + tail}, nil
	case layer == "bn1" && expands:
		return role{key: fmt.Sprintf("%sexpand_bn.e%g%s%s", base, row.Expand, grouped(row.ExpandGroups, row.Shuffle), tail)}, nil
	case layer == "bn1" || layer == "bn2" && expands:
		return role{key: fmt.Sprintf("%sdepthwise_bn.k%s.e%g.%s", base, kernels(row), row.Expand, tail)}, nil
	case layer == "bn2" || layer == "bn3":
		return role{key: fmt.Sprintf("%sproject_bn.k%s%s%s", base, kernels(row), grouped(row.ProjectGroups, row.Shuffle), tail)}, nil
	case layer == "se":
		return role{key: base + rest}, nil
	}
	return role{}, fmt.Errorf("no layer %q in a block", layer)
}

// depthwise is roleOf for the kernels of one size: they are a range of the
// channels of a tensor that has them for all.
func (s Sharing) depthwise(base, tail string, dw *graph.MixConv) (role, error) {
	group := 0
	if first, _, several := strings.Cut(tail, "."); several {
		var err error
		if group, err = strconv.Atoi(first); err != nil || group >= len(dw.Groups) {
			return role{}, fmt.Errorf("no kernels %q", tail)
		}
	}
	r := role{key: base + "depthwise.weight", channels: dw.Channels(), crop: s.Crops}
	if g := dw.Groups[group]; !s.Crops {
		r.key = fmt.Sprintf("%sdepthwise.k%d.weight", base, g.Kernel)
		if g.Dilation > 1 {
			r.key = fmt.Sprintf("%sdepthwise.k%d.d%d.weight", base, g.Kernel, g.Dilation)
		}
	}
	for _, g := range dw.Groups[:group] {
		r.from += g.Channels
	}
	return r, nil
}

// kernels writes the sizes of a row.
func kernels(row zoo.Stage) string {
	if len(row.Kernels) == 0 {
		return "3"
	}
	var text []string
	for _, k := range row.Kernels {
		text = append(text, strconv.Itoa(k))
	}
	return strings.Join(text, ",")
}

// grouped marks parameters of convolutions in groups, which share with those of
// as many groups alone.
func grouped(groups int, shuffled bool) string {
	switch {
	case groups <= 1:
		return "."
	case shuffled:
		return fmt.Sprintf(".shuffled%d.", groups)
	}
	return fmt.Sprintf(".g%d.", groups)
}
