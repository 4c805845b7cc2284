package spacefile

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// Encode writes a space as a file that Parse reads back.
func Encode(t nas.Table) []byte {
	base := t.Base
	base.Stages = nil
	if len(t.Stem) > 0 {
		base.Stem.Out = t.Stem[0]
	}
	if len(t.Head) > 0 {
		base.Head.Out = t.Head[0]
	}
	text := string(netfile.Encode(base))
	text = widths(text, "stem", base.Stem.Out, t.Stem)
	text = widths(text, "head", base.Head.Out, t.Head)
	var b bytes.Buffer
	b.WriteString(text)
	for i := range t.Stages {
		s := &t.Stages[i]
		b.WriteString("\n[[stage]]\n")
		if s.Stride > 1 {
			fmt.Fprintf(&b, "stride = %d\n", s.Stride)
		}
		line(&b, "out", s.Out, strconv.Itoa)
		line(&b, "depth", s.Depth, strconv.Itoa)
		if s.Shared {
			b.WriteString("shared = true\n")
		}
		block(&b, &s.First)
		if s.Rest != nil {
			b.WriteString("\n[stage.rest]\n")
			block(&b, s.Rest)
		}
	}
	return b.Bytes()
}

// widths puts the widths to choose from in the place of the one that a table
// has.
func widths(text, table string, one int, all []int) string {
	if len(all) == 0 {
		return text
	}
	var b bytes.Buffer
	line(&b, "out", all, strconv.Itoa)
	header := "[" + table + "]\n"
	return strings.Replace(text, header+"out = "+strconv.Itoa(one)+"\n", header+b.String(), 1)
}

func block(b *bytes.Buffer, c *nas.BlockChoices) {
	if len(c.Rows) > 0 {
		b.WriteString("rows = [\n")
		for _, r := range c.Rows {
			parts := []string{"name = " + netfile.Quote(r.Name)}
			if r.None {
				parts = append(parts, "none = true")
			}
			if row := netfile.Row(r.Stage); row != "" {
				parts = append(parts, row)
			}
			fmt.Fprintf(b, "  {%s},\n", strings.Join(parts, ", "))
		}
		b.WriteString("]\n")
	}
	line(b, "kernels", c.Kernels, kernels)
	line(b, "expand", c.Expand, ratio)
	line(b, "se", c.SE, ratio)
	line(b, "act", c.Act, func(a graph.Activation) string { return netfile.Quote(a.String()) })
	line(b, "expand_groups", c.ExpandGroups, strconv.Itoa)
	line(b, "project_groups", c.ProjectGroups, strconv.Itoa)
}

func line[T any](b *bytes.Buffer, key string, values []T, text func(T) string) {
	if len(values) == 0 {
		return
	}
	var all []string
	for _, v := range values {
		all = append(all, text(v))
	}
	fmt.Fprintf(b, "%s = [%s]\n", key, strings.Join(all, ", "))
}

func kernels(sizes []int) string {
	var all []string
	for _, k := range sizes {
		all = append(all, strconv.Itoa(k))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func ratio(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
