package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/mixnet-go/mixnet/zoo"
)

// Sizes of a drawing in SVG units.
const (
	drawWidth  = 720
	drawRow    = 34
	drawGap    = 8
	drawLeft   = 150
	drawRight  = 170
	drawHeader = 60
)

// kernelColors colours a kernel group by its size.
var kernelColors = map[int]string{
	1: "#d9d9d9", 3: "#9ecae1", 5: "#a1d99b", 7: "#fdd0a2", 9: "#fdae6b", 11: "#fb9a99", 13: "#cab2d6",
}

// drawNetwork draws a network block by block, from the image at the top: a bar
// for each block, divided among the kernel groups of its depthwise or mixed
// convolution in proportion to their channels, as figure 8 of the MixConv
// paper does for MixNet.
func drawNetwork(w io.Writer, info zoo.Info, d *zoo.Description) error {
	height := drawHeader + len(d.Blocks)*(drawRow+drawGap) + 50
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", drawWidth, height, drawWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", drawWidth, height)
	text(&b, drawWidth/2, 24, "middle", 18, info.Title)
	text(&b, drawWidth/2, 44, "middle", 12, fmt.Sprintf("input %s, %s parameters, %s multiply-adds", size(d.Input), thousands(d.Params), thousands(d.MACs)))
	y := drawHeader
	for _, r := range d.Blocks {
		drawBlock(&b, y, r, layersOf(d, r.Name))
		y += drawRow + drawGap
	}
	drawLegend(&b, y+20)
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

// drawBlock draws one block: its name to the left, its output to the right.
func drawBlock(b *strings.Builder, y int, r zoo.Row, layers []zoo.Layer) {
	main := mainLayer(layers)
	total := 0
	for _, g := range main.Groups {
		total += g.Out
	}
	const width = drawWidth - drawLeft - drawRight
	x := drawLeft
	for i, g := range main.Groups {
		w := width * g.Out / max(total, 1)
		if i == len(main.Groups)-1 {
			w = drawLeft + width - x
		}
		color, ok := kernelColors[g.Kernel]
		if !ok {
			color = "#bdbdbd"
		}
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s" stroke="#555"/>`+"\n", x, y, w, drawRow, color)
		label := fmt.Sprintf("%d×%d", g.Kernel, g.Kernel)
		if g.Dilation > 1 {
			label += fmt.Sprintf(" dilation %d", g.Dilation)
		}
		text(b, x+w/2, y+15, "middle", 11, label)
		text(b, x+w/2, y+28, "middle", 9, fmt.Sprintf("%d ch", g.Out))
		x += w
	}
	if len(main.Groups) == 0 {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="#eeeeee" stroke="#555"/>`+"\n", drawLeft, y, width, drawRow)
		text(b, drawLeft+width/2, y+21, "middle", 11, main.Op)
	}
	text(b, drawLeft-10, y+15, "end", 11, r.Name)
	text(b, drawLeft-10, y+28, "end", 9, blockTraits(layers))
	text(b, drawWidth-drawRight+10, y+15, "start", 11, size(r.Out))
	text(b, drawWidth-drawRight+10, y+28, "start", 9, millions(r.Params)+" params, "+millions(r.MACs)+" MACs")
}

// mainLayer picks the layer that stands for a block: the convolution with the
// most kernel groups, of equals the one with the largest kernel.
func mainLayer(layers []zoo.Layer) zoo.Layer {
	var best zoo.Layer
	rank := func(l zoo.Layer) int {
		largest := 0
		for _, g := range l.Groups {
			largest = max(largest, g.Kernel)
		}
		if largest <= 1 {
			return 0
		}
		return 100*len(l.Groups) + largest
	}
	for i, l := range layers {
		if i == 0 || rank(l) > rank(best) {
			best = l
		}
	}
	return best
}

// blockTraits names stride, expansion, squeeze-excite and activation.
func blockTraits(layers []zoo.Layer) string {
	var parts []string
	stride, act, se := 1, "", false
	for _, l := range layers {
		stride = max(stride, l.Stride)
		if l.Op == "scale" {
			se = true
		}
		if l.Act != "" && l.Act != "sigmoid" && l.Act != "hard_sigmoid" {
			act = l.Act
		}
	}
	if stride > 1 {
		parts = append(parts, fmt.Sprintf("stride %d", stride))
	}
	if se {
		parts = append(parts, "SE")
	}
	if act != "" {
		parts = append(parts, act)
	}
	return strings.Join(parts, ", ")
}

func drawLegend(b *strings.Builder, y int) {
	x := drawLeft
	for _, k := range []int{1, 3, 5, 7, 9, 11, 13} {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="16" height="12" fill="%s" stroke="#555"/>`+"\n", x, y-10, kernelColors[k])
		text(b, x+20, y, "start", 10, fmt.Sprintf("%d×%d", k, k))
		x += 58
	}
}

func text(b *strings.Builder, x, y int, anchor string, size int, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="%s" font-size="%d">`, x, y, anchor, size)
	_ = xml.EscapeText(b, []byte(s))
	b.WriteString("</text>\n")
}
