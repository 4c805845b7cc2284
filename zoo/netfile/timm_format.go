package netfile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/zoo"
)

// FormatTimm returns a row as a block string of timm, the inverse of ParseTimm.
// It fails for what timm has no words for. Where the row stands in the
// numbering of blocks is not part of the string: see Timm.
func FormatTimm(s zoo.Stage) (string, error) {
	kind := "ir"
	switch {
	case s.Partition != 0 || s.Dilated:
		return "", errors.New("timm has no words for another partition or for dilation")
	case s.Parallel > 0:
		return "", errors.New("timm has no word for a second depthwise convolution")
	case s.Channels != nil:
		return "", errors.New("timm has no words for the channels of each kernel size")
	case s.Shuffle:
		return "", errors.New("timm has no word for the channel shuffle")
	case s.ProjectAct && (s.Expand > 0 || !s.NoSkip):
		return "", errors.New("timm's dsa, with an activation at the end, has neither expansion nor residual")
	case s.Kind == zoo.Linear:
		return "", errors.New("timm has no block of a convolution without activation")
	case s.Kind == zoo.Plain:
		kind = "cn"
	case s.ProjectAct:
		kind = "dsa"
	case s.Expand == 0:
		kind = "ds"
	}
	kernels := s.Kernels
	if len(kernels) == 0 {
		kernels = []int{3}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s_r%d_k%s", kind, max(s.Repeats, 1), dotted(kernels))
	if s.ExpandGroups > 1 {
		fmt.Fprintf(&b, "_a%s", dotted(slices.Repeat([]int{1}, s.ExpandGroups)))
	}
	if s.ProjectGroups > 1 {
		fmt.Fprintf(&b, "_p%s", dotted(slices.Repeat([]int{1}, s.ProjectGroups)))
	}
	fmt.Fprintf(&b, "_s%d", max(s.Stride, 1))
	if kind == "ir" {
		b.WriteString("_e" + strconv.FormatFloat(s.Expand, 'f', -1, 64))
	}
	fmt.Fprintf(&b, "_c%d", s.Out)
	if s.SE > 0 {
		b.WriteString("_se" + strconv.FormatFloat(s.SE, 'f', -1, 64))
	}
	if s.Act != 0 {
		word := ""
		for w, act := range timmActs {
			if act == s.Act {
				word = w
			}
		}
		if word == "" {
			return "", fmt.Errorf("timm has no word for the activation %v", s.Act)
		}
		b.WriteString("_n" + word)
	}
	if s.NoSkip && kind != "dsa" {
		b.WriteString("_noskip")
	}
	return b.String(), nil
}

// Timm returns the rows of a table as an architecture definition of timm, the inverse of
// FromTimm: block strings in groups, which number the blocks.
func Timm(n zoo.Network) ([][]string, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	var definition [][]string
	for _, rows := range n.Parts() {
		var part []string
		for _, row := range rows {
			s, err := FormatTimm(n.Stages[row])
			if err != nil {
				return nil, &zoo.TableError{Network: n.Name, Table: "stage", Index: row, Reason: err.Error()}
			}
			part = append(part, s)
		}
		definition = append(definition, part)
	}
	return definition, nil
}

func dotted(v []int) string {
	words := make([]string, len(v))
	for i, x := range v {
		words[i] = strconv.Itoa(x)
	}
	return strings.Join(words, ".")
}
