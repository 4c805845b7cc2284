package netfile

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/zoo"
)

// timmActs are the activation codes of timm's block strings.
var timmActs = map[string]graph.Activation{
	"re": graph.ReLU,
	"r6": graph.ReLU6,
	"hs": graph.HardSwish,
	"sw": graph.Swish,
}

// ParseTimm reads a block string of timm, such as
//
//	ir_r1_k3.5.7_a1.1_p1.1_s2_e6_c24_se0.5_nsw
//
// block type ir (inverted residual), ds or dsa (depthwise separable, without
// and with a last activation) or cn (one convolution); then in any order r
// repeats, k kernels, s stride, e expansion, c output channels, se
// squeeze-excite, n activation, a and p the groups of the expansion and the
// projection, and noskip.
func ParseTimm(s string) (zoo.Stage, error) {
	bad := func(format string, args ...any) (zoo.Stage, error) {
		return zoo.Stage{}, fmt.Errorf("block %q: %s", s, fmt.Sprintf(format, args...))
	}
	words := strings.Split(s, "_")
	var stage zoo.Stage
	switch words[0] {
	case "ir":
	case "ds":
	case "dsa":
		stage.ProjectAct, stage.NoSkip = true, true
	case "cn":
		stage.Kind = zoo.Plain
	default:
		return bad("type %q: want ir, ds, dsa or cn", words[0])
	}
	seen := map[string]bool{}
	for _, word := range words[1:] {
		key := strings.TrimRight(word, ".0123456789")
		value := word[len(key):]
		if strings.HasPrefix(word, "n") && word != "noskip" {
			key, value = "n", word[1:]
		}
		if seen[key] {
			return bad("%s is given twice", key)
		}
		seen[key] = true
		var err error
		switch key {
		case "r":
			stage.Repeats, err = count(value)
		case "k":
			stage.Kernels, err = parseKernels(value)
		case "s":
			stage.Stride, err = count(value)
		case "e":
			if stage.Expand, err = strconv.ParseFloat(value, 64); words[0] != "ir" {
				stage.Expand = 0 // timm ignores it there
			}
		case "c":
			stage.Out, err = count(value)
		case "se":
			stage.SE, err = strconv.ParseFloat(value, 64)
		case "a":
			stage.ExpandGroups, err = parseGroups(value)
		case "p":
			stage.ProjectGroups, err = parseGroups(value)
		case "n":
			var ok bool
			if stage.Act, ok = timmActs[value]; !ok {
				return bad("activation %q: want re, r6, hs or sw", value)
			}
		case "noskip":
			stage.NoSkip = true
		case "skip":
			if stage.Kind == zoo.Plain {
				return bad("a residual round a plain convolution is not supported")
			}
		default:
			return bad("%q is not supported", word)
		}
		if err != nil {
			return bad("%s: %v", key, err)
		}
	}
	for _, key := range []string{"r", "k", "s", "c"} {
		if !seen[key] {
			return bad("%s is missing", key)
		}
	}
	if words[0] == "ir" && !seen["e"] {
		return bad("e is missing")
	}
	return stage, nil
}

// FromTimm returns the rows of an architecture definition of timm: block
// strings in groups, which number the blocks.
func FromTimm(definition [][]string) ([]zoo.Stage, error) {
	var stages []zoo.Stage
	for _, part := range definition {
		for i, s := range part {
			stage, err := ParseTimm(s)
			if err != nil {
				return nil, err
			}
			stage.Part = zoo.SamePart
			if i == 0 {
				stage.Part = zoo.NewPart
			}
			stages = append(stages, stage)
		}
	}
	return stages, nil
}

func parseKernels(s string) ([]int, error) {
	var sizes []int
	for k := range strings.SplitSeq(s, ".") {
		n, err := count(k)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// count reads a number of which there is at least one. What is too many, the
// table's own check says.
func count(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return 0, fmt.Errorf("%q: want a whole number, 1 or more", s)
	}
	return n, nil
}

// parseGroups reads the kernel sizes of a mixed 1×1 convolution: 1.1 is two
// groups.
func parseGroups(s string) (int, error) {
	sizes, err := parseKernels(s)
	if err != nil {
		return 0, err
	}
	if slices.Max(sizes) > 1 {
		return 0, fmt.Errorf("%s: only 1×1 convolutions are supported", s)
	}
	return len(sizes), nil
}
