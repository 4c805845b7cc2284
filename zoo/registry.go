package zoo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ErrUnknown is wrapped by the error of Lookup for a name that no network has.
var ErrUnknown = errors.New("unknown network")

// aliases are further names of networks: those of the papers where timm has
// another, and of weight files.
var aliases = map[string]string{
	"mnasnet_a1": "semnasnet_100",
	"mnasnet_b1": "mnasnet_100",

	"ssdlite320_mobilenet_v3_large":      "torchvision_ssdlite320_mobilenet_v3_large",
	"ssdlite320_mobilenet_v3_large_coco": "torchvision_ssdlite320_mobilenet_v3_large",
}

// all returns every network of the zoo, families together and small ones first.
var all = sync.OnceValue(func() []Spec {
	var specs []Spec
	specs = add(specs, mixnets())
	specs = add(specs, smalls())
	specs = add(specs, mobilenetV1s())
	specs = add(specs, mobilenetV2s())
	specs = add(specs, mobilenetV3s())
	specs = add(specs, mnasnets())
	specs = add(specs, fbnets())
	specs = add(specs, proxylessNets())
	specs = add(specs, atomnases())
	specs = add(specs, efficientnetLites())
	specs = add(specs, shuffleNetV1s())
	specs = add(specs, shuffleNetV2s())
	specs = add(specs, []NASNet{nasnetMobile})
	specs = add(specs, dartses())
	specs = add(specs, resnets())
	specs = add(specs, torchvisions())
	return specs
})

func add[S Spec](specs []Spec, networks []S) []Spec {
	for _, n := range networks {
		specs = append(specs, n)
	}
	return specs
}

// index returns the zoo by name.
var index = sync.OnceValue(func() map[string]Spec {
	m := map[string]Spec{}
	for _, s := range all() {
		m[s.About().Name] = s
	}
	for _, d := range ssdlites() {
		m[d.Name] = d
	}
	return m
})

// Detectors returns the networks that find objects. Lookup knows those of other
// backbones and sizes too.
func Detectors() []Detector { return ssdlites() }

// List returns every network of the zoo that classifies, family by family.
func List() []Spec {
	specs := slices.Clone(all())
	for i := range specs {
		specs[i] = own(specs[i])
	}
	return specs
}

// own returns a Spec that the caller may change.
func own(s Spec) Spec {
	switch n := s.(type) {
	case Network:
		return n.clone()
	case Detector:
		n.Backbone = n.Backbone.clone()
		return n
	}
	return s
}

// Families returns the names of the families, in the order of List.
func Families() []string {
	var names []string
	for _, s := range all() {
		if f := s.About().Family; !slices.Contains(names, f) {
			names = append(names, f)
		}
	}
	return names
}

// Lookup returns the network of a name:
//
//	mixnet_s                      a network of the zoo
//	mixnet_s.ft_in1k              the same, with the preprocessing of published weights
//	mobilenetv2_060               any width, in per cent, of a network NAME_100
//	mixnet_s_ssdlite320           a detector with the network before the mark as its backbone, for 320 pixels
//	mobilenetv2_100@mix=4,width=1.3   changes after an at sign, see [Settings]
//
// The error for a name that is not known wraps ErrUnknown and suggests others.
func Lookup(name string) (Spec, error) {
	base, changes, changed := strings.Cut(name, "@")
	s, err := lookup(base)
	if err != nil || !changed {
		return s, err
	}
	return Change(s, changes)
}

// lookup finds a network without changes.
func lookup(name string) (Spec, error) {
	base, tag, tagged := strings.Cut(name, ".")
	base = cmp.Or(aliases[base], base)
	s, ok := index()[base]
	if !ok {
		s, ok = atWidth(base)
	}
	if !ok {
		s, ok = lookupSSDLite(base)
	}
	switch {
	case !ok:
		return nil, unknown(base)
	case tagged:
		return withWeights(own(s), tag)
	}
	return own(s), nil
}

// atWidth finds NAME_NNN where NAME_100 is known.
func atWidth(name string) (Spec, bool) {
	i := len(name) - 4
	if i < 1 || name[i] != '_' {
		return nil, false
	}
	percent, err := strconv.Atoi(name[i+1:])
	if err != nil || percent < 1 {
		return nil, false
	}
	n, ok := index()[name[:i]+"_100"].(Network)
	if !ok {
		return nil, false
	}
	return widths(n, percent)[0], true
}

// widths returns the versions of a network NAME_100 at some widths in per cent.
func widths(base Network, percent ...int) []Network {
	var out []Network
	for _, p := range percent {
		n := base
		if p != 100 {
			n = base.Scaled(float64(p)/100, 1, RoundUp)
			n.Name = fmt.Sprintf("%s_%03d", strings.TrimSuffix(base.Name, "_100"), p)
			n.Title = fmt.Sprintf("%s %g×", base.Title, float64(p)/100)
			n.Paper, n.Weights, n.Note = nil, nil, ""
		}
		out = append(out, n)
	}
	return out
}

// withWeights returns s with the preprocessing of published weights.
func withWeights(s Spec, tag string) (Spec, error) {
	info := s.About()
	var known []string
	for _, w := range info.Weights {
		if w.Tag != tag {
			known = append(known, info.Name+"."+w.Tag)
			continue
		}
		if w.Input != nil {
			info.Input = *w.Input
		}
		return with(s, info), nil
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%w %.100q: no weights of %s are published", ErrUnknown, info.Name+"."+tag, info.Name)
	}
	return nil, fmt.Errorf("%w %.100q; published weights: %s", ErrUnknown, info.Name+"."+tag, strings.Join(known, ", "))
}

// unknown names the closest matches of a name.
func unknown(name string) error {
	close := Suggest(name)
	if len(close) == 0 {
		return fmt.Errorf("%w %.100q; families: %s", ErrUnknown, name, strings.Join(Families(), ", "))
	}
	return fmt.Errorf("%w %.100q; did you mean %s?", ErrUnknown, name, strings.Join(close, ", "))
}
