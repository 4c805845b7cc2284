package zoo

import (
	"errors"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

func TestLookupErrors(t *testing.T) {
	for _, tc := range []struct{ name, want string }{
		{"mixnet-s", "did you mean mixnet_s"},
		{"mixnet_z", "did you mean mixnet_"},
		{"MobileNetV2_100", "did you mean mobilenetv2_100"},
		{"efficientnet", "did you mean efficientnet_lite0"},
		{"", "families: mixnet, "},
		{"xyzzy", "families: mixnet, "},
		{"mixnet_s.in1k", "published weights: mixnet_s.ft_in1k"},
		{"mixnet_xxl.ra_in1k", "no weights of mixnet_xxl"},
		{"mobilenetv2_000", "unknown network"},
		{"mobilenetv2_-10", "unknown network"},
		{"mobilenetv2_100@", "unknown setting \"\""},
		{"mobilenetv2_100@mixx=4", "unknown setting \"mixx\""},
		{"mobilenetv2_100@mix", "write mix=G"},
		{"mobilenetv2_100@dilated=yes", "write dilated"},
		{"mobilenetv2_100@mix=4,mix=3", "mix is given twice"},
		{"mobilenetv2_100@mix=4,kernel=3", "give one of"},
		{"mobilenetv2_100@mix=99", "want a whole number from 1 to"},
		{"mobilenetv2_100@kernel=4", "kernel sizes are odd"},
		{"mobilenetv2_100@mix=4,layers=17", "no depthwise layer 17; its layers are 0 to 16"},
		{"mobilenetv2_100@layers=3", "layers needs one of"},
		{"mobilenetv2_100@mix=2,partition=even", "known: equal, exponential"},
		{"mobilenetv2_100@width=nan", "want a number from"},
		{"mobilenetv2_100@classes=0", "want a whole number from 1"},
		{"resnet18@mix=3", "does not apply to its architecture"},
		{"mobilenetv1_025@mix=12", "cannot split"},
	} {
		_, err := Lookup(tc.name)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Lookup(%q): %v; want an error with %q", tc.name, err, tc.want)
		}
	}
	if _, err := Lookup("mixnet_z"); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v does not wrap ErrUnknown", err)
	}
}

func TestLookupSettings(t *testing.T) {
	s, err := Lookup("mobilenetv2_100@layers=1-3,mix=4,size=96x128,channels=1,classes=7,drop=0.5,act=hard_swish,padding=same")
	if err != nil {
		t.Fatal(err)
	}
	info := s.About()
	if want := "mobilenetv2_100@mix=4,layers=1-3,act=hard_swish,padding=same,size=96x128,classes=7,channels=1,drop_rate=0.5"; info.Name != want {
		t.Errorf("name %s, want %s", info.Name, want)
	}
	if err := info.Input.Validate(); err != nil {
		t.Error(err)
	}
	if info.Input.Size != [2]int{96, 128} || info.Paper != nil || len(info.Weights) != 0 {
		t.Errorf("input %v, paper %v, weights %v", info.Input, info.Paper, info.Weights)
	}
	g, err := s.Build(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if g.Name != info.Name || g.Channels() != 1 || g.Classes() != 7 {
		t.Errorf("built %s with %d channels and %d classes", g.Name, g.Channels(), g.Classes())
	}
	kinds := map[string]int{}
	for _, n := range g.Nodes {
		kinds[n.Op.Kind()]++
		if op, ok := n.Op.(*graph.MixConv); ok && op.Padding != graph.Same {
			t.Errorf("%s has padding %v", n.Name, op.Padding)
		}
	}
	if kinds["mixconv"] != 3 || kinds["relu6"] != 0 || kinds["hard_swish"] == 0 || kinds["dropout"] != 1 {
		t.Errorf("operators %v", kinds)
	}
	again, err := Lookup(info.Name)
	if err != nil || again.About().Name != info.Name {
		t.Errorf("the name does not read back: %v", err)
	}

	v, err := Lookup("resnet18@classes=3,size=64")
	if err != nil {
		t.Fatal(err)
	}
	g, err = v.Build(Options{Channels: 1})
	if err != nil || g.Classes() != 3 || g.Channels() != 1 {
		t.Errorf("resnet18@classes=3: %d classes, %d channels, %v", g.Classes(), g.Channels(), err)
	}
}

// Published weights bring their preprocessing.
func TestLookupWeights(t *testing.T) {
	plain, err := Lookup("mobilenetv3_large_100")
	if err != nil {
		t.Fatal(err)
	}
	tagged, err := Lookup("mobilenetv3_large_100.ra4_e3600_r224_in1k")
	if err != nil {
		t.Fatal(err)
	}
	if got := plain.About().Input.WithDefaults().Mean[0]; got != 0.485 {
		t.Errorf("mean %g, want ImageNet's", got)
	}
	if got := tagged.About().Input.WithDefaults().Mean[0]; got != 0.5 {
		t.Errorf("mean %g, want 0.5", got)
	}
}

func TestBuildRejectsOptions(t *testing.T) {
	s, err := Lookup("mixnet_s")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{Classes: -1}, {Classes: 1 << 30}, {Channels: -1}, {DropRate: new(1.0)}, {DropPath: new(-0.1)}} {
		if _, err := s.Build(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// Every network builds, keeps its information valid, and is in its family.
func TestAllNetworks(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range List() {
		info := s.About()
		if seen[info.Name] {
			t.Errorf("%s is listed twice", info.Name)
		}
		seen[info.Name] = true
		if err := info.Input.Validate(); err != nil {
			t.Errorf("%s: %v", info.Name, err)
		}
		if info.Title == "" || info.Family == "" {
			t.Errorf("%s has no title or family", info.Name)
		}
		g, err := s.Build(Options{Classes: 5, Channels: 1, Aux: true})
		if err != nil {
			t.Fatalf("%s: %v", info.Name, err)
		}
		features, _ := g.Find(graph.Features)
		if g.Name != info.Name || g.Classes() != 5 || g.Channels() != 1 || features.Channels == 0 || len(g.Blocks) == 0 {
			t.Errorf("%s: graph %s, %d classes, %d channels, %d features, %d blocks", info.Name, g.Name, g.Classes(), g.Channels(), features.Channels, len(g.Blocks))
		}
		size := info.Input.WithDefaults().Size
		d, err := Describe(g, tensor.Shape{N: 1, H: size[0], W: size[1], C: 1})
		if err != nil {
			t.Fatalf("%s: %v", info.Name, err)
		}
		macs, err := g.MACs(tensor.Shape{N: 1, H: size[0], W: size[1], C: 1})
		if err != nil {
			t.Fatal(err)
		}
		var params, total, aux int64
		for _, l := range d.Layers {
			if l.Aux {
				aux += l.Params
				continue
			}
			params += l.Params
			total += l.MACs
		}
		if params != g.ParamCount() || params != d.Params || total != macs || d.MACs != macs {
			t.Errorf("%s: layers sum to %d parameters and %d multiply-adds, want %d and %d", info.Name, params, total, g.ParamCount(), macs)
		}
		if (aux > 0) != (len(g.Losses()) > 1) {
			t.Errorf("%s: %d parameters of auxiliary heads, %d classifiers", info.Name, aux, len(g.Losses()))
		}
	}
}

// The auxiliary heads have the parameters that the original code's have.
func TestAuxiliaryHeads(t *testing.T) {
	s, err := Lookup("darts_v2")
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Build(Options{Aux: true})
	if err != nil {
		t.Fatal(err)
	}
	var total int
	for _, p := range g.Params {
		if p.Trainable() {
			total += p.Len()
		}
	}
	if total != 5979528 || g.ParamCount() != 4718752 {
		t.Errorf("%d parameters with the auxiliary head and %d without, want 5979528 and 4718752", total, g.ParamCount())
	}
}

// Only networks that were published with auxiliary heads have them, and only
// images of the published size are large enough for both.
func TestAuxFits(t *testing.T) {
	for name, want := range map[string]bool{
		"darts_v1": true, "darts_v2": true, "nasnet_a_mobile": true, "darts_v2@classes=10,channels=1": true,
		"darts_v2@size=128": false, "nasnet_a_mobile@size=32": false, "mixnet_s": false, "resnet50": false,
	} {
		s, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := AuxFits(s, Options{}); got != want {
			t.Errorf("%s: auxiliary heads fit: %v, want %v", name, got, want)
		}
	}
}
