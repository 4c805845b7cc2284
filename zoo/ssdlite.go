package zoo

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
)

const (
	table1     = "MixConv, arXiv 1907.09595, table 1"
	table1Note = "counted with 80 classes and background: the paper's parameters are 0.4 % more, by a convention that it does not state"

	ssdliteMark = "_ssdlite" // between the backbone's name and the size
	cocoClasses = 80
)

// ssdlites returns the detectors of the list. Lookup knows those of any other
// Network and size, see [SSDLite].
func ssdlites() []Detector {
	var all []Detector
	for _, n := range []Network{
		mobilenetV1, mobilenetV2, mixnetNamed("mixnet_s"), mixnetNamed("mixnet_m"), mixnetNamed("mixnet_l"),
		mobilenetV3Large, efficientnetNamed("tf_efficientnet_lite0"),
	} {
		all = append(all, SSDLite(n, 320))
	}
	return append(all, torchvisionSSDLite())
}

func mixnetNamed(name string) Network       { return named(mixnets(), name) }
func efficientnetNamed(name string) Network { return named(efficientnetLites(), name) }

func named(all []Network, name string) Network {
	return all[slices.IndexFunc(all, func(n Network) bool { return n.Name == name })]
}

// The sizes of the images of detectors that have a name.
const (
	MinDetectorSize = 32
	MaxDetectorSize = maxSize
)

// SSDLite returns the detector of a backbone and a size, called
// BACKBONE_ssdliteSIZE. MobileNetV1 and V2 are TensorFlow's, with which the
// detection weights of both are trained; others pad and normalize as the network
// of their name does.
func SSDLite(n Network, size int) Detector {
	name, title := n.Name, n.Title
	if n.Family == "mobilenetv1" || n.Family == "mobilenetv2" {
		n = tf(n)
	}
	d := Detector{
		Info: Info{
			Name: fmt.Sprintf("%s%s%d", name, ssdliteMark, size), Title: fmt.Sprintf("%s SSDLite", title), Family: "ssdlite",
			Classes: cocoClasses, Input: ssdliteInput(size, input.BilinearHalfPixel),
		},
		Backbone: bare(n),
		Extras:   []int{512, 256, 256, 128},
		Anchors:  detect.Anchors{Style: detect.TensorFlow, ReduceLowest: true},
	}
	if size == 320 {
		d.inTable1("")
	}
	return d
}

// bare returns a network as a backbone: its description belongs to the detector.
func bare(n Network) Network {
	n.Info = Info{Name: n.Name, Title: n.Title, Family: n.Family}
	return n
}

// lookupSSDLite finds BACKBONE_ssdliteSIZE.
func lookupSSDLite(name string) (Spec, bool) {
	backbone, digits, ok := strings.Cut(name, ssdliteMark)
	if !ok {
		return nil, false
	}
	size, err := strconv.Atoi(digits)
	if err != nil || size < MinDetectorSize || size > MaxDetectorSize {
		return nil, false
	}
	s, err := lookup(backbone)
	n, ok := s.(Network)
	if err != nil || !ok {
		return nil, false
	}
	return SSDLite(n, size), true
}

// table1Rows are what the paper prints: parameters and multiply-adds in
// millions, and mAP on COCO in per cent, by backbone and kernels.
var table1Rows = map[string]map[string][3]float64{
	"mobilenetv1_100_ssdlite320": {"": {5.12, 1310, 21.7}, "kernel=5": {5.2, 1380, 22.3}, "mix=2": {5.16, 1350, 22.2}, "kernel=7": {5.32, 1470, 21.8}, "mix=3": {5.22, 1390, 22.4}},
	"mobilenetv2_100_ssdlite320": {"": {4.35, 790, 21.5}, "kernel=5": {4.47, 870, 22.1}, "mix=2": {4.41, 830, 22.1}, "kernel=7": {4.64, 980, 21.2}, "mix=3": {4.49, 880, 22.3}},
}

// inTable1 notes what the paper states of a detector with some changes.
func (d *Detector) inTable1(changes string) {
	d.Paper, d.Note = nil, ""
	base, _, _ := strings.Cut(d.Name, "@")
	if row, ok := table1Rows[base][changes]; ok {
		d.Paper, d.Note = &Paper{Source: table1, Params: row[0], FLOPS: row[1], MAP: row[2]}, table1Note
	}
}

// changed returns the detector on a changed backbone, with changes of its own. Its extra maps have the
// backbone's width, of at least 16 channels, as in TensorFlow's.
func (d Detector) changed(n Network, c changes, name string) (Detector, error) {
	layers := !reflect.DeepEqual(n.Stages, d.Backbone.Stages) || n.Act != d.Backbone.Act || n.Padding != d.Backbone.Padding
	d.Backbone = n
	if c.width != 0 && c.width != 1 {
		d.Extras = slices.Clone(d.Extras)
		for i := range d.Extras {
			d.Extras[i] = max(int(float64(d.Extras[i])*c.width), 16)
		}
	}
	if c.maps > 0 {
		if c.maps-2 > len(d.Extras) {
			return d, fmt.Errorf("network %s: it finds objects on %d maps, not on %d", d.Name, len(d.Extras)+2, c.maps)
		}
		d.Extras = d.Extras[:c.maps-2]
	}
	d.Anchors.MinScale, d.Anchors.MaxScale = cmp.Or(c.minScale, d.Anchors.MinScale), cmp.Or(c.maxScale, d.Anchors.MaxScale)
	if layers || c.maps > 0 || c.minScale > 0 || c.maxScale > 0 {
		d.Weights = nil
		_, changes, _ := strings.Cut(name, "@")
		d.inTable1(changes)
	}
	return d, d.Anchors.Validate()
}

// torchvisionSSDLite is torchvision's ssdlite320_mobilenet_v3_large, whose
// backbone is narrower after its last stride. Its 90 classes are COCO's
// category numbers, ten of which are not used.
func torchvisionSSDLite() Detector {
	n := mobilenetV3Large.clone()
	n.Norm = graph.Norm{Eps: 1e-3, Momentum: 0.03}
	last := len(n.Stages) - 1
	n.Stages[last].Out = 480
	n.Stages[last-1].Out = 80
	return Detector{
		Info: Info{
			Name: "torchvision_ssdlite320_mobilenet_v3_large", Title: "MobileNetV3-Large SSDLite (torchvision)", Family: "ssdlite",
			Classes: 90, Input: ssdliteInput(320, input.BilinearHalfPixel),
		},
		Backbone: bare(n),
		Extras:   []int{512, 256, 256, 128},
		Anchors:  detect.Anchors{Style: detect.Torchvision},
		Naming:   TorchvisionNames,
	}
}

// asTorchvision renames the parameters of a detector on MobileNetV3-Large.
// The backbone is cut in two there, between the expansion of the block of map 0
// and the rest of it.
func asTorchvision(g *graph.Graph) (*graph.Graph, error) {
	const block = 13 // of map 0
	m := namings[slices.IndexFunc(namings, func(m naming) bool { return m.source == v3Names })]
	names := m.names(g)
	return g.Renamed(func(id graph.ParamID, p graph.Param) (string, []int) {
		if names[id] == "" {
			return strings.Replace(p.Name, "extra.", "backbone.extra.", 1), p.Shape
		}
		parts := strings.SplitN(names[id], ".", 5) // features, block, …
		n, err := strconv.Atoi(parts[1])
		switch {
		case err != nil:
			return "", p.Shape
		case n < block:
			return "backbone.features.0." + strings.Join(parts[1:], "."), p.Shape
		case n > block:
			parts[1] = strconv.Itoa(n - block)
			return "backbone.features.1." + strings.Join(parts[1:], "."), p.Shape
		case parts[3] == "0": // the expansion
			return "backbone.features.0.13." + strings.Join(parts[4:], "."), p.Shape
		}
		return "backbone.features.1.0." + strings.Join(parts[3:], "."), p.Shape
	})
}
