package zoo

import (
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/tensor"
)

// Detector is the table of a network that finds objects: SSDLite (MobileNetV2,
// arXiv 1801.04381, section 6.2) on the layers of a Network.
//
//	image → stem → stages → head convolution → extra maps
//	               ↓                ↓              ↓
//	            map 0             map 1         maps 2, 3, …   each → boxes, scores
//
// Map 0 is what the depthwise convolution of the last strided block reads: the
// expansion, after batch norm and activation, or the output of the block before
// where there is none. Map 1 is the last convolution's.
//
// Info.Classes counts the classes of objects. Slots, the outputs for a box, are
// one more: slot 0 is the background.
type Detector struct {
	Info
	Backbone Network
	Extras   []int // channels of the maps after the backbone's, each half the size
	Anchors  detect.Anchors
	Naming   Naming
}

// Naming says what a detector's parameters are called.
type Naming uint8

// The ways of naming.
const (
	OwnNames         Naming = iota // the backbone's as in its classifier, and after "extra." and "head." torchvision's
	TorchvisionNames               // torchvision's, of a MobileNetV3-Large
)

// Slots returns the number of scores for a box of a network with so many
// classes of objects.
func Slots(classes int) int { return classes + 1 }

// Finder is a Spec that finds objects.
type Finder interface {
	Spec
	Boxes() detect.Anchors
}

// Finds returns the anchors of a network that finds objects, and whether s is
// one.
func Finds(s Spec) (detect.Anchors, bool) {
	f, ok := s.(Finder)
	if !ok {
		return detect.Anchors{}, false
	}
	return f.Boxes(), true
}

// Boxes returns the anchors.
func (d Detector) Boxes() detect.Anchors { return d.Anchors }

// Maps returns the heights and widths of the maps on which a network finds
// objects, for an input of h×w pixels.
func Maps(g *graph.Graph, h, w int) ([][2]int, error) {
	shapes, err := g.Shapes(tensor.Shape{N: 1, H: h, W: w, C: g.Channels()})
	if err != nil {
		return nil, err
	}
	maps := make([][2]int, g.Levels())
	for i := range maps {
		o, _ := g.Find(graph.Boxes(i))
		maps[i] = [2]int{shapes[o.ID].H, shapes[o.ID].W}
	}
	return maps, nil
}

// Validate reports the first mistake in the table.
func (d Detector) Validate() error {
	if len(d.Extras) > maxExtras {
		return fmt.Errorf("network %s: %d extra maps, want at most %d", d.Name, len(d.Extras), maxExtras)
	}
	for _, c := range d.Extras {
		if c < 2 || c > maxChannels {
			return fmt.Errorf("network %s: an extra map of %d channels, want 2 to %d", d.Name, c, maxChannels)
		}
	}
	if err := d.Anchors.Validate(); err != nil {
		return fmt.Errorf("network %s: %w", d.Name, err)
	}
	if d.tap() < 0 {
		return fmt.Errorf("network %s: its backbone has no block with a stride", d.Name)
	}
	return d.Backbone.Validate()
}

const maxExtras = 8

// tap returns the number of the last strided block, -1 if there is none.
func (d Detector) tap() int {
	blocks := d.Backbone.blocks()
	for i, b := range slices.Backward(blocks) {
		if b.Stride > 1 {
			return i
		}
	}
	return -1
}

// Build makes the graph, with outputs as [graph.Boxes] names them.
func (d Detector) Build(o Options) (*graph.Graph, error) {
	info, err := o.apply(d.Info)
	if err != nil {
		return nil, err
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	n := d.Backbone
	n.Name = d.Name
	b := newBlockBuilder(n, info)
	last := b.trunk(info.DropPath)
	maps := []graph.ID{b.wide[d.tap()], last}
	for i, c := range d.Extras {
		maps = append(maps, b.extra(fmt.Sprintf("extra.%d", i), maps[len(maps)-1], c))
	}
	for i, x := range maps {
		anchors := d.Anchors.PerPlace(i)
		b.Output(graph.Boxes(i), b.predictor(fmt.Sprintf("head.regression_head.module_list.%d", i), x, 4*anchors))
		b.Output(graph.Scores(i), b.predictor(fmt.Sprintf("head.classification_head.module_list.%d", i), x, Slots(info.Classes)*anchors))
	}
	g, err := b.Build()
	if err != nil || d.Naming == OwnNames {
		return g, err
	}
	return asTorchvision(g)
}

// headStd is the standard deviation of the first weights of extra maps and
// predictors.
const headStd = 0.03

// depthwise adds a 3×3 depthwise convolution with batch norm and ReLU6.
func (b *blockBuilder) depthwise(name string, x graph.ID, stride int) graph.ID {
	x = b.MixConv(name+".0", x, graph.MixSpec{Kernels: k3, Stride: stride, Padding: b.n.Padding, Std: headStd})
	return b.norm(name+".1", x, graph.ReLU6)
}

// extra adds a map of c channels and half the size: a 1×1 convolution to half
// of the channels, a depthwise one of stride 2, and a 1×1 convolution.
func (b *blockBuilder) extra(name string, x graph.ID, c int) graph.ID {
	x = b.convNorm(name+".0.0", name+".0.1", x, graph.ConvSpec{Out: c / 2, Std: headStd}, graph.ReLU6)
	x = b.depthwise(name+".1", x, 2)
	x = b.convNorm(name+".2.0", name+".2.1", x, graph.ConvSpec{Out: c, Std: headStd}, graph.ReLU6)
	b.Block(name, x)
	return x
}

// predictor adds a depthwise convolution and a 1×1 one with a bias.
func (b *blockBuilder) predictor(name string, x graph.ID, out int) graph.ID {
	x = b.depthwise(name+".0", x, 1)
	return b.Conv(name+".1", x, graph.ConvSpec{Out: out, Bias: true, Std: headStd})
}

// ssdliteInput is the preprocessing of SSDLite: the picture stretched to a
// square, whatever its proportions, and scaled to ±1.
func ssdliteInput(size int, filter input.Interpolation) input.Preprocess {
	return input.Preprocess{
		Size: [2]int{size, size}, CropPct: 1, CropMode: input.CropSquash, Interpolation: filter, Mean: inception, Std: inception,
	}
}
