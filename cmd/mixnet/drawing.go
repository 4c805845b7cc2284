package main

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/zoo"
)

// Sizes of a drawing in SVG units.
const (
	drawWidth  = 760
	drawRow    = 34
	drawGap    = 12
	drawLeft   = 170
	drawRight  = 180
	drawHeader = 84
	drawBar    = drawWidth - drawLeft - drawRight
)

// kernelColors colours a kernel group by its size.
var kernelColors = map[int]string{
	1: "#dcdcdc", 3: "#9ecae1", 5: "#a1d99b", 7: "#fee08b", 9: "#fdae6b", 11: "#f79c9c", 13: "#cab2d6",
}

// Colours of what has no kernel group, or one of another size.
const (
	otherKernelColor = "#bdbdbd"
	plainColor       = "#f2f2f2"
)

// part is a piece of a block's bar.
type part struct {
	label  string
	color  string
	kernel int // 0 for what is no convolution
	count  int // layers that the piece stands for
	width  int // channels of all of them
	each   int // of each, 0 if they differ
}

// drawNetwork draws a network block by block, from the image at the top: a bar
// for each block, divided among the kernel groups of its depthwise or mixed
// convolution in proportion to their channels, as figure 8 of the MixConv
// paper does for MixNet. Blocks of several convolutions are divided among all.
func drawNetwork(w io.Writer, info zoo.Info, d *zoo.Description) error {
	height := drawHeader + len(d.Blocks)*(drawRow+drawGap) + 44
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="Liberation Sans, Arial, Helvetica, sans-serif">`+"\n", drawWidth, height, drawWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", drawWidth, height)
	const centre = drawLeft + drawBar/2
	text(&b, centre, 28, "middle", 20, "#111", info.Title)
	text(&b, centre, 48, "middle", 12, "#444", fmt.Sprintf("%s: %s parameters, %s multiply-adds", d.Name, thousands(d.Params), thousands(d.MACs)))
	text(&b, centre, drawHeader-14, "middle", 11, "#444", "image "+size(d.Input))
	fmt.Fprintf(&b, `<path d="M%d %dV%d" stroke="#999" stroke-width="1.5"/>`+"\n", centre, drawHeader-10, drawHeader+len(d.Blocks)*(drawRow+drawGap)-drawGap)
	y, before := drawHeader, d.Input
	used := map[int]bool{}
	for _, r := range d.Blocks {
		layers := layersOf(d, r.Name)
		parts := blockParts(layers)
		drawParts(&b, y, parts)
		for _, p := range parts {
			used[p.kernel] = true
		}
		text(&b, drawLeft-12, y+15, "end", 12, "#111", r.Name)
		text(&b, drawLeft-12, y+29, "end", 10, "#555", blockTraits(r, before, layers))
		text(&b, drawWidth-drawRight+12, y+15, "start", 12, "#111", size(r.Out))
		text(&b, drawWidth-drawRight+12, y+29, "start", 10, "#555", millions(r.Params)+" params, "+millions(r.MACs)+" MACs")
		y += drawRow + drawGap
		before = r.Out
	}
	drawLegend(&b, y+18, used)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func layersOf(d *zoo.Description, block string) []zoo.Layer {
	var out []zoo.Layer
	for _, l := range d.Layers {
		if l.Block == block && !l.Aux {
			out = append(out, l)
		}
	}
	return out
}

// spatial reports whether a layer is a convolution larger than 1×1.
func spatial(l zoo.Layer) bool {
	return slices.ContainsFunc(l.Groups, func(g zoo.KernelGroup) bool { return g.Kernel > 1 })
}

// blockParts returns the pieces of a block: kernel groups and poolings, equal
// ones of several layers together, small kernels first. Where a block has
// neither it is drawn layer by layer.
func blockParts(layers []zoo.Layer) []part {
	var parts []part
	add := func(p part) {
		for i := range parts {
			if parts[i].label == p.label {
				parts[i].count++
				parts[i].width += p.width
				if parts[i].each != p.each {
					parts[i].each = 0
				}
				return
			}
		}
		parts = append(parts, p)
	}
	for _, l := range layers {
		switch {
		case spatial(l):
			for _, g := range l.Groups {
				add(kernelPart(g))
			}
		case l.Op == "maxpool":
			add(part{"max pool", plainColor, 0, 1, l.Out[3], l.Out[3]})
		case l.Op == "avgpool":
			add(part{"mean pool", plainColor, 0, 1, l.Out[3], l.Out[3]})
		}
	}
	if len(parts) > 0 {
		slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(order(a), order(b)) })
		return parts
	}
	for _, l := range layers {
		switch {
		case l.Op == "linear":
			parts = append(parts, part{"classifier", plainColor, 0, 1, l.Out[3], l.Out[3]})
		case l.Op == "globalpool":
			parts = append(parts, part{"mean", plainColor, 0, 1, l.Out[3], l.Out[3]})
		case len(l.Groups) > 0:
			parts = append(parts, part{"1×1", kernelColors[1], 1, 1, l.Out[3], l.Out[3]})
		}
	}
	return parts
}

// order puts poolings after convolutions.
func order(p part) int {
	if p.kernel == 0 {
		return math.MaxInt
	}
	return p.kernel
}

func kernelPart(g zoo.KernelGroup) part {
	p := part{fmt.Sprintf("%d×%d", g.Kernel, g.Kernel), kernelColors[g.Kernel], g.Kernel, 1, g.Out, g.Out}
	if p.color == "" {
		p.color = otherKernelColor
	}
	if g.Dilation > 1 {
		p.label += fmt.Sprintf(" d%d", g.Dilation) // dilation
	}
	return p
}

// drawParts draws a bar. Its pieces are as wide as their share of the channels,
// but wide enough for a label.
func drawParts(b *strings.Builder, y int, parts []part) {
	total := 0
	for _, p := range parts {
		total += p.width
	}
	least := min(56, drawBar/max(len(parts), 1))
	free := drawBar - least*len(parts)
	x := drawLeft
	for i, p := range parts {
		w := least + free*p.width/max(total, 1)
		if i == len(parts)-1 {
			w = drawLeft + drawBar - x
		}
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="3" fill="%s" stroke="#666" stroke-width="0.8"/>`+"\n", x, y, w, drawRow, p.color)
		text(b, x+w/2, y+15, "middle", 11, "#111", p.label)
		channels := fmt.Sprintf("%d ch", p.width)
		switch {
		case p.label == "classifier":
			channels = fmt.Sprintf("%d", p.width)
		case p.count > 1 && p.each > 0:
			channels = fmt.Sprintf("%d × %d ch", p.count, p.each)
		case p.count > 1:
			channels = fmt.Sprintf("%d: %d ch", p.count, p.width)
		}
		text(b, x+w/2, y+28, "middle", 9, "#333", channels)
		x += w
	}
}

// blockTraits names stride, expansion, squeeze-excite, activation and residual
// of a block after a map of some size.
func blockTraits(r zoo.Row, before [4]int, layers []zoo.Layer) string {
	var traits []string
	act, se, skip, expansion := "", false, false, 0.0
	for i, l := range layers {
		switch l.Op {
		case "scale":
			se = true
		case "add":
			skip = true
		case "depthwise", "mixconv":
			if i > 0 && layers[i-1].Op == "pointwise" && expansion == 0 {
				expansion = float64(l.In[3]) / float64(r.In[3])
			}
		}
		if l.Act != "" && l.Act != "sigmoid" && l.Act != "hard_sigmoid" {
			act = l.Act
		}
	}
	inverted := strings.HasPrefix(r.Name, "blocks.")
	if stride := int(math.Round(float64(before[1]) / float64(r.Out[1]))); stride > 1 && r.Name != "head" {
		traits = append(traits, fmt.Sprintf("stride %d", stride))
	}
	if expansion > 1 && inverted {
		traits = append(traits, fmt.Sprintf("expand %.3g", expansion))
	}
	if se {
		traits = append(traits, "SE")
	}
	if act != "" {
		traits = append(traits, act)
	}
	if skip && inverted {
		traits = append(traits, "skip")
	}
	return strings.Join(traits, ", ")
}

// drawLegend names the colours of the kernels that are used.
func drawLegend(b *strings.Builder, y int, used map[int]bool) {
	var kernels []int
	for k := range used {
		if kernelColors[k] != "" {
			kernels = append(kernels, k)
		}
	}
	slices.Sort(kernels)
	const step = 62
	x := drawLeft + (drawBar-step*len(kernels))/2
	for _, k := range kernels {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="16" height="12" rx="2" fill="%s" stroke="#666" stroke-width="0.8"/>`+"\n", x, y-10, kernelColors[k])
		text(b, x+21, y, "start", 10, "#333", fmt.Sprintf("%d×%d", k, k))
		x += step
	}
}

func text(b *strings.Builder, x, y int, anchor string, size int, color, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="%s" font-size="%d" fill="%s">`, x, y, anchor, size, color)
	_ = xml.EscapeText(b, []byte(s))
	b.WriteString("</text>\n")
}
