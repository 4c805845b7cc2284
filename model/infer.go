package model

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// ErrNetwork is wrapped by errors about a weight file whose network is not
// known, all of them a *NetworkError.
var ErrNetwork = errors.New("which network the weights belong to is not known")

// NetworkError is about a weight file that does not say which network it is
// for. Options.Network can say so.
type NetworkError struct {
	// Candidates are the names of networks that the file fits, or would fit if
	// it were named as one of them.
	Candidates []string
	reason     string
}

// Error says why the network is not known.
func (e *NetworkError) Error() string { return ErrNetwork.Error() + ": " + e.reason }

// Unwrap returns ErrNetwork.
func (e *NetworkError) Unwrap() error { return ErrNetwork }

// infer finds the network of a file without a header: the one that the file is
// named after, or the only one with the same tensors.
func infer(f *weights.File) (zoo.Spec, error) {
	base := filepath.Base(f.Path())
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	for _, name := range []string{stem, strings.SplitN(base, ".", 2)[0], strings.SplitN(stem, "-", 2)[0]} { // torchvision's end in -HASH
		if spec, err := zoo.Lookup(name); err == nil && holdsSpec(f, spec) {
			return spec, nil
		}
	}
	var found, renamed []zoo.Spec
	var grey []string
	all := zoo.List()
	for _, d := range zoo.Detectors() {
		all = append(all, d)
	}
	for _, spec := range all {
		g, err := spec.Build(zoo.Options{})
		if err != nil {
			return nil, err
		}
		switch r := holds(f, g); {
		case r.fits && r.Names == weights.OwnNames:
			found = append(found, spec)
		case r.fits:
			renamed = append(renamed, spec)
		case r.Channels > 0 && r.Channels != g.Channels() && len(r.Missing)+len(r.Unexpected) == 0 && len(r.Misshaped) == 1:
			grey = append(grey, change(g.Name, r.Channels))
		}
	}
	if len(found) == 0 {
		found = renamed
	}
	spec, err := only(distinct(found), grey, f)
	if err != nil {
		return nil, err
	}
	return resized(f, spec), nil
}

// resized returns the detector for the pictures that a file's graph scales to,
// if it is a detector's and says so.
func resized(f *weights.File, spec zoo.Spec) zoo.Spec {
	h, w := f.Resized()
	d, ok := spec.(zoo.Detector)
	if !ok || h != w || h == 0 || d.Input.Size == [2]int{h, w} {
		return spec
	}
	base, _, _ := strings.Cut(d.Name, "_ssdlite")
	if other, err := zoo.Lookup(fmt.Sprintf("%s_ssdlite%d", base, h)); err == nil {
		return other
	}
	return spec
}

// only returns the one network that is left, or a *NetworkError.
func only(found []zoo.Spec, otherChannels []string, f *weights.File) (zoo.Spec, error) {
	// TensorFlow's flavour of a network has the same tensors: take it only if
	// the file's name says so.
	if len(found) > 1 {
		tf := strings.HasPrefix(filepath.Base(f.Path()), "tf_")
		found = slices.DeleteFunc(found, func(s zoo.Spec) bool {
			return strings.HasPrefix(s.About().Name, "tf_") != tf
		})
	}
	var names []string
	for _, spec := range found {
		names = append(names, spec.About().Name)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, &NetworkError{names, "it may be any of " + strings.Join(names, ", ")}
	case len(otherChannels) > 0:
		return nil, &NetworkError{otherChannels, "its images have another number of channels than the networks of the zoo: name it, as " + strings.Join(otherChannels, " or ")}
	}
	return nil, &NetworkError{nil, fmt.Sprintf("no network of the zoo has its %d tensors", len(f.Names()))}
}

// change returns the name of a network for images of some channels.
func change(name string, channels int) string {
	mark := "@"
	if strings.Contains(name, "@") {
		mark = ","
	}
	return fmt.Sprintf("%s%schannels=%d", name, mark, channels)
}

// distinct drops the networks that are an earlier one under another name, as
// the narrowest ShuffleNetV2 of torchvision and of its authors are.
func distinct(specs []zoo.Spec) []zoo.Spec {
	var kept []zoo.Spec
	var graphs []*graph.Graph
	for _, spec := range specs {
		g, err := spec.Build(zoo.Options{})
		if err != nil {
			continue
		}
		g = g.Named("")
		if !slices.ContainsFunc(graphs, func(o *graph.Graph) bool { return reflect.DeepEqual(o, g) }) {
			kept, graphs = append(kept, spec), append(graphs, g)
		}
	}
	return kept
}

// holding says whether a file has every tensor of a network, the classifier
// with any number of classes or none.
type holding struct {
	*weights.Report
	fits bool
}

func holds(f *weights.File, g *graph.Graph) holding {
	o := loading(zoo.ForeignNames(g))
	o.ReplaceHead = true
	r, err := weights.Check(g, f, o)
	return holding{r, err == nil}
}

func holdsSpec(f *weights.File, spec zoo.Spec) bool {
	g, err := spec.Build(zoo.Options{})
	return err == nil && holds(f, g).fits
}
