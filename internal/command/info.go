package command

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

type infoCmd struct {
	Name    string `arg:"" help:"A network: mixnet_s, with changes, mobilenetv2_100@mix=4,dilated, a network file, mine.toml, a weight file, or an ONNX file."`
	Classes int    `placeholder:"N" help:"Number of classes; the network's own by default."`
	Blocks  bool   `help:"One line a block instead of one a layer."`
	SVG     string `name:"svg" placeholder:"FILE" help:"Draw the network block by block with its kernel groups in colour."`
	TOML    bool   `name:"toml" help:"Print the network as a network file, to change and use: see mixnet models --vocabulary."`
	Timm    bool   `help:"Print the network's blocks as timm's block strings."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Help lists the changes a name can carry.
func (c *infoCmd) Help() string {
	var b strings.Builder
	b.WriteString("The name may also be a network file, such as mine.toml: see mixnet models --vocabulary.\n\nChanges after @, separated by commas:\n\n")
	for _, s := range zoo.Settings() {
		usage := s.Key
		if s.Value != "" {
			usage += "=" + s.Value
		}
		const left, right = 30, 60 // columns; indented lines are kept as they are
		for _, line := range wrap(s.Help, right) {
			fmt.Fprintf(&b, "  %-*s %s\n", left, usage, line)
			usage = ""
		}
	}
	return b.String()
}

func (c *infoCmd) Run(e *env) error {
	if c.SVG != "" && !strings.EqualFold(filepath.Ext(c.SVG), ".svg") {
		return usagef("--svg %s: the drawing is an SVG file: its name must end in .svg", c.SVG)
	}
	spec, o, err := c.network()
	if err != nil {
		return err
	}
	info, g, d, err := describe(spec, o)
	if err != nil {
		return err
	}
	if c.SVG != "" {
		err := atomicfile.Write(c.SVG, func(w io.Writer) error { return drawNetwork(w, info, d) })
		if err != nil {
			return err
		}
	}
	switch {
	case c.TOML || c.Timm:
		return c.table(e, spec)
	case c.JSON:
		return e.json(networkInfo{info, d, d.Name, info.Classes, info.Input, figuresOf(info.Paper)})
	}
	e.printf("%s  (%s)\n", info.Title, d.Name)
	e.printf("%s parameters, %s multiply-adds at %d×%d×%d, %d classes\n", thousands(d.Params), thousands(d.MACs), d.Input[1], d.Input[2], d.Input[3], info.Classes)
	if anchors, ok := zoo.Finds(spec); ok {
		maps, err := zoo.Maps(g, info.Input.Size[0], info.Input.Size[1])
		if err != nil {
			return err
		}
		e.printf("finds objects: %s anchors on %d maps\n", thousands(int64(len(anchors.On(maps)))), len(maps))
	}
	if info.Paper != nil {
		e.printf("published: %s\n", published(info.Paper))
	}
	if info.Note != "" {
		e.printf("%s\n", info.Note)
	}
	e.printf("\n")
	if c.Blocks {
		return e.table(blockTable(d), "IN")
	}
	return e.table(layerTable(d), "MACS", "STRIDE", "BLOCK")
}

// published says what a publication states of a network.
func published(p *zoo.Paper) string {
	accuracy := fmt.Sprintf("top-1 %g %%, top-5 %g %%", p.Top1, p.Top5)
	if p.MAP > 0 {
		accuracy = fmt.Sprintf("mAP %g %% on COCO", p.MAP)
	}
	return fmt.Sprintf("%gM parameters, %gM multiply-adds, %s (%s)", p.Params, p.FLOPS, accuracy, p.Source)
}

// network finds the network of a name or of an ONNX file.
func (c *infoCmd) network() (zoo.Spec, zoo.Options, error) {
	if !namesModel(c.Name) {
		spec, err := netfile.Lookup(c.Name)
		return spec, zoo.Options{Classes: c.Classes}, err
	}
	s, err := model.OpenStored(c.Name, model.Options{})
	if err != nil {
		return nil, zoo.Options{}, err
	}
	o := s.Options
	if c.Classes > 0 {
		o.Classes = c.Classes
	}
	spec, err := s.Spec()
	return spec, o, errors.Join(err, s.Close())
}

// networkInfo is the JSON of info. The last fields stand for those of the same
// name in both parts.
type networkInfo struct {
	zoo.Info
	*zoo.Description
	Name    string           `json:"name"`
	Classes int              `json:"classes"`
	Input   input.Preprocess `json:"input"`
	Paper   *paperFigures    `json:"paper,omitempty"`
}

// table prints the network as a file, or as timm's block strings.
func (c *infoCmd) table(e *env, spec zoo.Spec) error {
	if c.TOML {
		text, err := netfile.EncodeSpec(spec)
		if err == nil {
			e.printf("%s", text)
		}
		return err
	}
	n, ok := spec.(zoo.Network)
	if d, finds := spec.(zoo.Detector); finds {
		n, ok = d.Backbone, true
	}
	if !ok {
		return fmt.Errorf("%s is not made of inverted-residual stages: it has no block strings", spec.About().Name)
	}
	definition, err := netfile.Timm(n)
	if err != nil {
		return err
	}
	for _, part := range definition {
		e.printf("%s\n", strings.Join(part, " "))
	}
	return nil
}

func blockTable(d *zoo.Description) [][]string {
	rows := [][]string{{"BLOCK", "IN", "OUT", "PARAMS", "MACS"}}
	for _, b := range d.Blocks {
		rows = append(rows, []string{b.Name, size(b.In), size(b.Out), thousands(b.Params), thousands(b.MACs)})
	}
	return append(rows, []string{"total", "", "", thousands(d.Params), thousands(d.MACs)})
}

func layerTable(d *zoo.Description) [][]string {
	rows := [][]string{{"BLOCK", "LAYER", "OP", "KERNELS:CHANNELS", "STRIDE", "OUT", "PARAMS", "MACS"}}
	block := ""
	for _, l := range d.Layers {
		op := l.Op
		if l.Norm {
			op += "+bn"
		}
		if l.Act != "" && l.Act != l.Op {
			op += "+" + l.Act
		}
		if l.Aux {
			op += " (training)"
		}
		name := l.Block
		if name == block {
			name = ""
		}
		block = l.Block
		stride := ""
		if l.Stride > 1 {
			stride = strconv.Itoa(l.Stride)
		}
		rows = append(rows, []string{name, strings.TrimPrefix(l.Name, l.Block+"."), op, groups(l.Groups), stride, size(l.Out), count(l.Params), count(l.MACs)})
	}
	return append(rows, []string{"total", "", "", "", "", "", thousands(d.Params), thousands(d.MACs)})
}

// groups writes the kernels of a convolution and the channels of each, such as
// "3:48 5:48 7:48".
func groups(gs []zoo.KernelGroup) string {
	var parts []string
	for _, g := range gs {
		part := fmt.Sprintf("%d:%d", g.Kernel, g.Out)
		if g.Dilation > 1 {
			part = fmt.Sprintf("%d/d%d:%d", g.Kernel, g.Dilation, g.Out)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

// size writes N×H×W×C without the batch.
func size(s [4]int) string { return fmt.Sprintf("%d×%d×%d", s[1], s[2], s[3]) }

func count(n int64) string {
	if n == 0 {
		return ""
	}
	return thousands(n)
}

// thousands writes a number with separators, such as 4,134,606.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}
