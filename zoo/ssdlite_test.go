package zoo

import (
	"testing"

	"github.com/mixnet-go/mixnet/tensor"
)

// counts returns the parameters and multiply-adds of a network for size×size
// pixels.
func counts(t *testing.T, name string, o Options, size int) (params, macs int64) {
	t.Helper()
	s, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Build(o)
	if err != nil {
		t.Fatal(err)
	}
	macs, err = g.MACs(tensor.Shape{N: 1, H: size, W: size, C: 3})
	if err != nil {
		t.Fatal(err)
	}
	return g.ParamCount(), macs
}

// The ten rows of the MixConv paper's table 1, with 80 classes and background.
// What counts is that rows differ as they do in print; the totals are those of
// a program of another hand, which counts the published weights to the digit.
func TestTable1(t *testing.T) {
	for name, want := range map[string][2]int64{
		"mobilenetv1_100_ssdlite320":          {5_100_661, 1_309_162_944},
		"mobilenetv1_100_ssdlite320@kernel=5": {5_180_021, 1_372_241_344},
		"mobilenetv1_100_ssdlite320@mix=2":    {5_140_341, 1_340_702_144},
		"mobilenetv1_100_ssdlite320@kernel=7": {5_299_061, 1_466_858_944},
		"mobilenetv1_100_ssdlite320@mix=3":    {5_192_837, 1_381_262_944},
		"mobilenetv2_100_ssdlite320":          {4_337_013, 788_830_144},
		"mobilenetv2_100_ssdlite320@kernel=5": {4_451_189, 863_991_744},
		"mobilenetv2_100_ssdlite320@mix=2":    {4_394_101, 826_410_944},
		"mobilenetv2_100_ssdlite320@kernel=7": {4_622_453, 976_734_144},
		"mobilenetv2_100_ssdlite320@mix=3":    {4_470_181, 875_562_944},
	} {
		params, macs := counts(t, name, Options{}, 320)
		if params != want[0] || macs != want[1] {
			t.Errorf("%s: %d parameters and %d multiply-adds, want %d and %d", name, params, macs, want[0], want[1])
		}
		s, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		p := s.About().Paper
		if p == nil {
			t.Errorf("%s: the paper's row is not known", name)
			continue
		}
		if d := 1e6*p.Params - float64(params); d < 0 || d > 30e3 {
			t.Errorf("%s: %d parameters, the paper prints %g M", name, params, p.Params)
		}
		if d := 1e6*p.FLOPS - float64(macs); d < -5e6 || d > 15e6 {
			t.Errorf("%s: %d multiply-adds, the paper prints %g M", name, macs, p.FLOPS)
		}
	}
}

// Counts of published weights: TensorFlow's for people, and torchvision's.
func TestPublishedDetectorCounts(t *testing.T) {
	if params, macs := counts(t, "mobilenetv2_100_ssdlite320", Options{Classes: 1}, 300); params != 3_045_126 || macs != 616_952_240 {
		t.Errorf("one class: %d parameters, %d multiply-adds", params, macs)
	}
	if params, macs := counts(t, "torchvision_ssdlite320_mobilenet_v3_large", Options{}, 320); params != 3_440_060 || macs/1e6 != 583 {
		t.Errorf("torchvision: %d parameters, %d multiply-adds", params, macs)
	}
	if params, _ := counts(t, "mobilenetv1_100_ssdlite320", Options{Classes: 90}, 320); params != 5_246_911 {
		t.Errorf("V1 with 91 slots: %d parameters", params)
	}
	if params, _ := counts(t, "mobilenetv2_100_ssdlite320", Options{Classes: 90}, 320); params != 4_500_543 {
		t.Errorf("V2 with 91 slots: %d parameters", params)
	}
}

// Every detector builds, has the maps of a 320-pixel input and is described.
func TestDetectors(t *testing.T) {
	var specs []Spec
	for _, d := range Detectors() {
		specs = append(specs, d)
	}
	for _, name := range []string{"mixnet_xl_ssdlite320", "mobilenetv2_035_ssdlite320@width=0.5,act=swish", "mixnet_s_ssdlite320@channels=1,classes=3"} {
		s, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, s)
	}
	for _, s := range specs {
		info := s.About()
		g, err := s.Build(Options{})
		if err != nil {
			t.Fatalf("%s: %v", info.Name, err)
		}
		maps, err := Maps(g, 320, 320)
		if err != nil {
			t.Fatal(err)
		}
		for i, side := range []int{20, 10, 5, 3, 2, 1} {
			if len(maps) != 6 || maps[i] != [2]int{side, side} {
				t.Fatalf("%s: maps %v", info.Name, maps)
			}
		}
		anchors, ok := Finds(s)
		if want := map[bool]int{true: 2034, false: 3234}[anchors.ReduceLowest]; !ok || len(anchors.On(maps)) != want {
			t.Errorf("%s: %d anchors, want %d", info.Name, len(anchors.On(maps)), want)
		}
		if err := info.Input.Validate(); err != nil || g.Name != info.Name {
			t.Errorf("%s: graph %s, %v", info.Name, g.Name, err)
		}
		d, err := Describe(g, tensor.Shape{N: 1, H: 320, W: 320, C: g.Channels()})
		if err != nil || d.Params != g.ParamCount() {
			t.Errorf("%s: %v", info.Name, err)
		}
	}
	for _, name := range []string{"resnet18_ssdlite320", "mobilenetv2_100_ssdlite", "mobilenetv2_100_ssdlite16", "x_ssdlite320", "mobilenetv2_100_ssdlite99999999"} {
		if s, err := Lookup(name); err == nil {
			t.Errorf("%s is %s", name, s.About().Name)
		}
	}
}
