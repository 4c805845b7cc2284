package zoo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
)

// setting is a change of a network that can be written after its name:
// NAME@KEY=VALUE,KEY=VALUE,…
type setting struct {
	key   string
	value string // what to write, for help; "" for a switch
	help  string
	of    target
	set   func(c *changes, value string) error
}

// target is what a setting changes.
type target uint8

const (
	anyNetwork target = iota
	aTable            // the layers of a Network, or those under a Detector
	aDetector         // where a Detector looks for objects
)

// takes reports whether a Spec has what t changes.
func takes(s Spec, t target) bool {
	_, table := s.(Network)
	_, finds := s.(Detector)
	return t == anyNetwork || t == aTable && (table || finds) || t == aDetector && finds
}

// changes is what the settings after a name ask for.
type changes struct {
	width, depth float64
	mix          Mix
	mixed        bool
	act          graph.Activation
	padding      *graph.Padding
	size         [2]int
	options      Options

	maps               int
	minScale, maxScale float64
}

// settings lists the changes in the order in which names write them.
var settings = []setting{
	{"width", "X", "channels times X, rounded to multiples of 8", aTable, func(c *changes, v string) (err error) {
		c.width, err = parseFloat(v, 0.01, 16)
		return err
	}},
	{"depth", "X", "repeats times X, rounded to the nearest", aTable, func(c *changes, v string) (err error) {
		c.depth, err = parseFloat(v, 0.01, 16)
		return err
	}},
	{"mix", "G", "depthwise layers become MixConvs of G groups with kernels 3, 5, … 2G+1", aTable, func(c *changes, v string) error {
		g, err := parseInt(v, 1, (maxKernel-1)/2)
		return c.kernels(MixKernels(g), err)
	}},
	{"kernel", "K", "depthwise layers have this kernel size", aTable, func(c *changes, v string) error {
		k, err := parseInt(v, 1, maxKernel)
		return c.kernels([]int{k}, err)
	}},
	{"kernels", "K.K.K", "depthwise layers have these kernel sizes, one a channel group", aTable, func(c *changes, v string) error {
		sizes, err := parseKernels(v)
		return c.kernels(sizes, err)
	}},
	{"partition", "equal|exponential", "how channels are shared among the kernels", aTable, func(c *changes, v string) error {
		c.mixed = true
		return c.mix.Partition.UnmarshalText([]byte(v))
	}},
	{"dilated", "", "stride-1 layers dilate 3×3 kernels instead of enlarging them", aTable, func(c *changes, v string) error {
		c.mix.Dilated, c.mixed = true, true
		return nil
	}},
	{"parallel", "K", "a second depthwise convolution of this kernel size beside each, merged into it later", aTable, func(c *changes, v string) (err error) {
		c.mixed = true
		c.mix.Parallel, err = parseInt(v, 1, maxKernel)
		return err
	}},
	{"layers", "A-B+C", "depthwise layers that change, counted from 0; all if absent", aTable, func(c *changes, v string) (err error) {
		c.mix.Layers, err = parseRanges(v)
		return err
	}},
	{"act", "NAME", "activation wherever the table names none", aTable, func(c *changes, v string) error {
		if err := c.act.UnmarshalText([]byte(v)); err != nil {
			return err
		}
		if c.act == graph.Identity {
			return errors.New("identity is not a choice: left out, the activation is the table's")
		}
		return nil
	}},
	{"padding", "symmetric|same", "padding of all convolutions", aTable, func(c *changes, v string) error {
		c.padding = new(graph.Padding)
		return c.padding.UnmarshalText([]byte(v))
	}},
	{"size", "PX|HxW", "input size in pixels", anyNetwork, func(c *changes, v string) (err error) {
		h, w, ok := strings.Cut(v, "x")
		if c.size[0], err = parseInt(h, 1, maxSize); err != nil {
			return err
		}
		c.size[1] = c.size[0]
		if ok {
			c.size[1], err = parseInt(w, 1, maxSize)
		}
		return err
	}},
	{"classes", "N", "number of classes", anyNetwork, func(c *changes, v string) (err error) {
		c.options.Classes, err = parseInt(v, 1, maxClasses)
		return err
	}},
	{"channels", "1|3", "channels of the image: 1 is grey", anyNetwork, func(c *changes, v string) (err error) {
		c.options.Channels, err = parseInt(v, 1, maxChannels)
		return err
	}},
	{"drop_rate", "P", "dropout before the classifier", anyNetwork, func(c *changes, v string) error {
		p, err := parseFloat(v, 0, 0.999)
		c.options.DropRate = &p
		return err
	}},
	{"drop_path", "P", "stochastic depth of the last block", anyNetwork, func(c *changes, v string) error {
		p, err := parseFloat(v, 0, 0.999)
		c.options.DropPath = &p
		return err
	}},
	{"maps", "N", "of a detector: on how many maps objects are found, from the finest on", aDetector, func(c *changes, v string) (err error) {
		c.maps, err = parseInt(v, 2, maxExtras+2)
		return err
	}},
	{"min_scale", "F", "of a detector: the side of the square boxes of the finest map, as a part of the image's", aDetector, func(c *changes, v string) (err error) {
		c.minScale, err = parseFloat(v, 0.01, 0.99)
		return err
	}},
	{"max_scale", "F", "of a detector: the same of the coarsest map", aDetector, func(c *changes, v string) (err error) {
		c.maxScale, err = parseFloat(v, 0.02, 1)
		return err
	}},
}

// earlier are the words that names in weight files of format 1 have for settings.
var earlier = map[string]string{"drop": "drop_rate", "droppath": "drop_path"}

// Setting describes one change that can be written after a network's name.
type Setting struct{ Key, Value, Help string }

// Settings lists the changes that can be written after a network's name and an
// at sign, separated by commas: mobilenetv2_100@mix=4,dilated,layers=1-5+8.
func Settings() []Setting {
	out := make([]Setting, len(settings))
	for i, s := range settings {
		out[i] = Setting{s.key, s.value, s.help}
	}
	return out
}

// Change returns s with changes written as after the at sign of a name, such as
// "mix=4,width=1.3", applied and written in its name. See [Settings].
func Change(s Spec, text string) (Spec, error) {
	info := s.About()
	n, isTable := s.(Network)
	d, isDetector := s.(Detector)
	if isDetector {
		n, isTable = d.Backbone, true
	}
	var c changes
	written := make([]string, len(settings))
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		if name, ok := earlier[key]; ok {
			key, part = name, name+strings.TrimPrefix(part, key)
		}
		i := slices.IndexFunc(settings, func(s setting) bool { return s.key == key })
		if i < 0 {
			return nil, fmt.Errorf("network %s: unknown setting %.100q in %.100q; known: %s", info.Name, key, text, settingNames(s))
		}
		if !takes(s, settings[i].of) {
			return nil, fmt.Errorf("network %s: %.100q does not apply to its architecture; what does: %s", info.Name, key, settingNames(s))
		}
		if (value == "") != (settings[i].value == "") {
			return nil, fmt.Errorf("network %s: write %s", info.Name, settings[i].usage())
		}
		if written[i] != "" {
			return nil, fmt.Errorf("network %s: %s is given twice", info.Name, key)
		}
		written[i] = part
		if err := settings[i].set(&c, value); err != nil {
			return nil, fmt.Errorf("network %s: %s: %w", info.Name, key, err)
		}
	}
	name := info.Name + "@" + strings.Join(slices.DeleteFunc(written, func(s string) bool { return s == "" }), ",")

	if isTable {
		var err error
		if n, err = c.table(n); err != nil {
			return nil, err
		}
	}
	switch {
	case isDetector:
		var err error
		if d, err = d.changed(n, c, name); err != nil {
			return nil, err
		}
		s, info = d, d.Info
	case isTable:
		s, info = n, n.Info
	}
	info.Name = name
	if c.size != [2]int{} {
		info.Input.Size = c.size
	}
	var err error
	if info, err = c.options.apply(info); err != nil {
		return nil, err
	}
	return with(s, info), nil
}

// kernels asks for kernel sizes, once.
func (c *changes) kernels(sizes []int, err error) error {
	if c.mix.Kernels != nil {
		return errors.New("give one of mix, kernel and kernels")
	}
	c.mix.Kernels, c.mixed = sizes, true
	return err
}

// table applies what changes a table's layers.
func (c changes) table(n Network) (Network, error) {
	if c.mix.Layers != nil && !c.mixed {
		return n, fmt.Errorf("network %s: layers needs one of mix, kernel, kernels, partition and dilated", n.Name)
	}
	layers := c.width != 0 || c.depth != 0 || c.mixed || c.act != graph.Identity
	n = n.Scaled(c.width, c.depth, RoundNearest)
	n.Act = cmp.Or(c.act, n.Act)
	if c.padding != nil {
		n.Padding = *c.padding
		layers = true
	}
	if layers {
		n.Paper, n.Weights, n.Note = nil, nil, ""
	}
	if c.mixed {
		return n.Mixed(c.mix)
	}
	return n, nil
}

func (s setting) usage() string {
	if s.value == "" {
		return s.key
	}
	return s.key + "=" + s.value
}

func settingNames(of Spec) string {
	var names []string
	for _, s := range settings {
		if takes(of, s.of) {
			names = append(names, s.usage())
		}
	}
	return strings.Join(names, ", ")
}

func parseInt(s string, lo, hi int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%.100q: want a whole number from %d to %d", s, lo, hi)
	}
	return n, nil
}

func parseFloat(s string, lo, hi float64) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= lo && x <= hi) {
		return 0, fmt.Errorf("%.100q: want a number from %g to %g", s, lo, hi)
	}
	return x, nil
}

// parseKernels reads kernel sizes joined by dots, such as 3.5.7.
func parseKernels(s string) ([]int, error) {
	var sizes []int
	for k := range strings.SplitSeq(s, ".") {
		n, err := parseInt(k, 1, maxKernel)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// parseRanges reads numbers and ranges joined by plus signs, such as 1-5+8.
func parseRanges(s string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(s, "+") {
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			to = from
		}
		a, err := parseInt(from, 0, 9999)
		if err != nil {
			return nil, err
		}
		b, err := parseInt(to, a, 9999)
		if err != nil {
			return nil, err
		}
		for i := a; i <= b; i++ {
			out = append(out, i)
		}
	}
	return out, nil
}

// with returns s with other information: the preprocessing of some weights,
// another input size, number of classes or rate.
func with(s Spec, info Info) Spec {
	switch n := s.(type) {
	case Network:
		n.Info = info
		return n
	case Detector:
		n.Info = info
		return n
	}
	return variant{s, info}
}

// variant is a Spec other than a Network with other information.
type variant struct {
	Spec
	info Info
}

// About returns the changed information.
func (v variant) About() Info { return v.info }

// Build builds the network with what the information says where o is silent.
func (v variant) Build(o Options) (*graph.Graph, error) {
	info, err := o.apply(v.info)
	if err != nil {
		return nil, err
	}
	g, err := v.Spec.Build(Options{
		Classes: info.Classes, Channels: info.Input.Channels, DropRate: &info.DropRate, DropPath: &info.DropPath, Aux: o.Aux,
	})
	if err != nil {
		return nil, err
	}
	return g.Named(info.Name), nil
}
