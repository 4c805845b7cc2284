package graph

import (
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/tensor"
)

// A network without a classifier, with outputs of different sizes and an
// auxiliary head declared first.
func TestOutputs(t *testing.T) {
	b := NewBuilder("pyramid", 3)
	fine := b.Conv("fine", b.Input(), ConvSpec{Out: 8, Kernel: 3, Stride: 2})
	b.TrainingOutput("aux0", b.Conv("aux", fine, ConvSpec{Out: 5}), 0.4)
	b.Output("fine", fine)
	coarse := b.Conv("coarse", fine, ConvSpec{Out: 16, Kernel: 3, Stride: 2})
	b.Output("coarse", coarse)
	b.Output(Features, b.GlobalPool("pool", coarse))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	var names, losses []string
	for _, o := range g.Outputs {
		names = append(names, o.Name)
	}
	for _, o := range g.Losses() {
		losses = append(losses, o.Name)
	}
	if want := []string{Features, "fine", "coarse", "aux0"}; !slices.Equal(names, want) {
		t.Errorf("outputs %v, want %v", names, want)
	}
	if want := []string{"fine", "coarse", "aux0"}; !slices.Equal(losses, want) {
		t.Errorf("outputs with a loss %v, want %v", losses, want)
	}
	if g.Classes() != 0 {
		t.Errorf("%d classes, want none", g.Classes())
	}
	if o, ok := g.Find("coarse"); !ok || o.ID != coarse || o.Channels != 16 || o.Loss != 1 || o.Training {
		t.Errorf("coarse: %+v, %v", o, ok)
	}
	if o, ok := g.Find(Logits); ok || o.ID != None {
		t.Errorf("logits of a network without: %+v", o)
	}
	shapes, err := g.Shapes(tensor.Shape{N: 1, H: 32, W: 24, C: 3})
	if err != nil {
		t.Fatal(err)
	}
	if want := (tensor.Shape{N: 1, H: 8, W: 6, C: 16}); shapes[coarse] != want {
		t.Errorf("coarse has shape %v, want %v", shapes[coarse], want)
	}
	// 16·12·3·3·3·8 and 8·6·3·3·8·16, without the 16·12·8·5 of the auxiliary head.
	if macs, err := g.MACs(shapes[0]); err != nil || macs != 41472+55296 {
		t.Errorf("%d multiply-adds, %v; want %d", macs, err, 41472+55296)
	}
	if n := g.ParamCount(); n != 216+1152 {
		t.Errorf("%d parameters, want %d", n, 216+1152)
	}
}

func TestOutputMistakes(t *testing.T) {
	for want, add := range map[string]func(b *Builder){
		"no output":                       func(b *Builder) {},
		"network n: no output":            func(b *Builder) { b.TrainingOutput("aux0", 0, 1) },
		"an output without a name":        func(b *Builder) { b.Output("", 0) },
		"output x declared twice":         func(b *Builder) { b.Output("x", 0); b.TrainingOutput("x", 0, 1) },
		"output x: node 7 does not exist": func(b *Builder) { b.Output("x", 7) },
		"output x: its loss counts 0 ":    func(b *Builder) { b.TrainingOutput("x", 0, 0) },
		"output x has the name of a":      func(b *Builder) { b.Block("x", 0); b.Output("x", 0) },
	} {
		b := NewBuilder("n", 3)
		add(b)
		if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
