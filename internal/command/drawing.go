package command

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

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
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s" font-family="Liberation Sans, Arial, Helvetica, sans-serif">`+"\n",
		drawWidth, height, drawWidth, height, escapeXML(fmt.Sprintf("%s, block by block, from the image at the top", info.Title)))
	b.WriteString(drawStyle)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", drawWidth, height)
	const centre = drawLeft + drawBar/2
	text(&b, centre, 28, "middle", 20, "ink", info.Title)
	text(&b, centre, 48, "middle", 12, "dim", fmt.Sprintf("%s: %s parameters, %s multiply-adds", d.Name, thousands(d.Params), thousands(d.MACs)))
	text(&b, centre, drawHeader-14, "middle", 11, "dim", "image "+size(d.Input))
	fmt.Fprintf(&b, `<path class="line" d="M%d %dV%d" stroke-width="1.5"/>`+"\n", centre, drawHeader-10, drawHeader+len(d.Blocks)*(drawRow+drawGap)-drawGap)
	y, before := drawHeader, d.Input
	used := map[int]bool{}
	for _, r := range d.Blocks {
		layers := layersOf(d, r.Name)
		parts := blockParts(layers)
		drawParts(&b, y, parts)
		for _, p := range parts {
			used[p.kernel] = true
		}
		text(&b, drawLeft-12, float64(y+15), "end", 12, "ink", r.Name)
		text(&b, drawLeft-12, float64(y+29), "end", 10, "dim", blockTraits(r, before, layers))
		text(&b, drawWidth-drawRight+12, float64(y+15), "start", 12, "ink", size(r.Out))
		text(&b, drawWidth-drawRight+12, float64(y+29), "start", 10, "dim", millions(r.Params)+" params, "+millions(r.MACs)+" MACs")
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

// drawParts draws a bar, its pieces to scale: as wide as their share of the
// channels. What has no room in its piece is written below the bar.
func drawParts(b *strings.Builder, y int, parts []part) {
	total := 0
	for _, p := range parts {
		total += p.width
	}
	var below []string
	before := 0
	for _, p := range parts {
		x := drawLeft + drawBar*float64(before)/float64(max(total, 1))
		before += p.width
		w := drawLeft + drawBar*float64(before)/float64(max(total, 1)) - x
		channels := p.channels()
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" rx="2" fill="%s" stroke="#666" stroke-width="0.8"><title>%s</title></rect>`+"\n",
			x, y, w, drawRow, p.color, escapeXML(p.label+": "+channels))
		if w < max(roomFor(p.label, 11), roomFor(channels, 9)) {
			below = append(below, p.label+": "+channels)
			if w < roomFor(p.label, 9) {
				continue
			}
			text(b, x+w/2, float64(y+20), "middle", 9, "on", p.label)
			continue
		}
		text(b, x+w/2, float64(y+15), "middle", 11, "on", p.label)
		text(b, x+w/2, float64(y+28), "middle", 9, "on", channels)
	}
	if len(below) > 0 {
		text(b, drawLeft+drawBar, float64(y+drawRow+9), "end", 8, "dim", strings.Join(below, ", "))
	}
}

// roomFor is about the width of a text, with a margin.
func roomFor(s string, size int) float64 {
	return 0.58*float64(size)*float64(utf8.RuneCountInString(s)) + 4
}

// channels says how many channels a piece has.
func (p part) channels() string {
	switch {
	case p.label == "classifier":
		return fmt.Sprintf("%d", p.width)
	case p.count > 1 && p.each > 0:
		return fmt.Sprintf("%d × %d ch", p.count, p.each)
	case p.count > 1:
		return fmt.Sprintf("%d: %d ch", p.count, p.width)
	}
	return fmt.Sprintf("%d ch", p.width)
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
		text(b, float64(x+21), float64(y), "start", 10, "dim", fmt.Sprintf("%d×%d", k, k))
		x += step
	}
}

// drawStyle has the colors of what lies on the paper, light or dark as the
// reader's system is; the pieces of the bars are light in both.
const drawStyle = `<style>.paper{fill:#fff}.ink{fill:#111}.dim{fill:#555}.on{fill:#222}.line{stroke:#999;fill:none}
@media (prefers-color-scheme:dark){.paper{fill:#14171a}.ink{fill:#e8eaec}.dim{fill:#a4abb2}.line{stroke:#777}}</style>
`

// text writes a line whose color is a class of drawStyle.
func text(b *strings.Builder, x, y float64, anchor string, size int, class, s string) {
	fmt.Fprintf(b, `<text class="%s" x="%.4g" y="%.4g" text-anchor="%s" font-size="%d">%s</text>`+"\n", class, x, y, anchor, size, escapeXML(s))
}

func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}
