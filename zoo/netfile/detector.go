package netfile

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/zoo"
)

// ParseSpec is Parse of a file that may have a table [detector], which makes the
// network find objects:
//
//	classes = 6
//	input.size = 320
//
//	[detector]
//	extras = [512, 256, 256, 128]
//	style = "tensorflow"
//	reduce_lowest = true
//	min_scale = 0.2
//
// Its other tables are those of the layers under it, the head without its
// classifier.
func ParseSpec(file string, data []byte) (zoo.Spec, error) {
	d, err := Read(file, data)
	if err != nil {
		return nil, err
	}
	v, finds := d.Root["detector"]
	if !finds {
		return Parse(file, data)
	}
	m, ok := v.(map[string]any)
	if !ok {
		d.Wrong("", 0, "detector", "want a table")
	}
	base := zoo.SSDLite(zoo.Network{}, 320)
	out := zoo.Detector{}
	d.Table("detector", 0, m, detectorFields(&out))
	n := d.network(d.Root, "stage", "blocks", "detector")
	n.Stages = d.stages(d.Root)
	out.Anchors.Style = cmp.Or(out.Anchors.Style, detect.TensorFlow)
	out.Info, out.Backbone = n.Info, n
	out.Info.Input = out.Info.Input.Over(base.Input)
	out.Info.Classes = cmp.Or(out.Info.Classes, base.Classes)
	out.Backbone.Info = zoo.Info{Name: n.Name, Title: n.Title, Family: n.Family}
	if len(d.mistakes) == 0 {
		d.input(out.Info.Input)
		d.validate(out.Backbone)
	}
	if len(d.mistakes) == 0 {
		d.detector(out)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// detector notes what is wrong with a detector on a network that is right.
func (d *decoder) detector(s zoo.Detector) {
	at := place{key: "detector"}
	if err := s.Validate(); err != nil {
		d.wrong(at, "%s", strings.TrimPrefix(err.Error(), "network "+s.Name+": "))
		return
	}
	switch g, err := s.Build(zoo.Options{}); {
	case err != nil:
		d.wrong(at, "%v", err)
	case g.ParamCount() > maxParams:
		d.wrong(at, "%d parameters are more than %d", g.ParamCount(), int64(maxParams))
	}
}

func detectorFields(s *zoo.Detector) []Field {
	return []Field{
		{"extras", &s.Extras},
		{"style", (*string)(&s.Anchors.Style)},
		{"min_scale", &s.Anchors.MinScale},
		{"max_scale", &s.Anchors.MaxScale},
		{"reduce_lowest", &s.Anchors.ReduceLowest},
	}
}

// EncodeSpec writes a network as a file, one that finds objects too. Those that
// are neither a zoo.Network nor a zoo.Detector have none.
func EncodeSpec(s zoo.Spec) ([]byte, error) {
	switch s := s.(type) {
	case zoo.Network:
		return Encode(s), nil
	case zoo.Detector:
		if s.Naming != zoo.OwnNames {
			break
		}
		n := s.Backbone
		n.Info = s.Info
		var fields []field
		for _, f := range detectorFields(&s) {
			fields = append(fields, field{f.Key, f.Value})
		}
		return append(Encode(n), "\n[detector]\n"+encode(fields)...), nil
	}
	return nil, fmt.Errorf("%s is not made of inverted-residual stages with names of the zoo: it has no network file", s.About().Name)
}

// onBackbone splits FILE.toml_ssdliteSIZE, which names a detector on the network
// of a file.
func onBackbone(path string) (file string, size int, ok bool) {
	i := strings.LastIndex(path, tomlEnding+ssdliteMark)
	if i < 0 {
		return path, 0, false
	}
	size, err := strconv.Atoi(path[i+len(tomlEnding+ssdliteMark):])
	return path[:i+len(tomlEnding)], size, err == nil && size >= zoo.MinDetectorSize && size <= zoo.MaxDetectorSize
}

const (
	tomlEnding  = ".toml"
	ssdliteMark = "_ssdlite"
)
