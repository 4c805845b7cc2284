package netfile

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/zoo"
)

// Detectors of the zoo, changed ones too, can be written as network files and
// read back; torchvision's, whose parameters have names of their own, cannot.
func TestDetectorRoundTrip(t *testing.T) {
	all := []zoo.Spec{}
	for _, d := range zoo.Detectors() {
		all = append(all, d)
	}
	changed, err := zoo.Lookup("mobilenetv2_035_ssdlite128@mix=2,classes=6,maps=4,min_scale=0.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(all, changed) {
		d := s.(zoo.Detector)
		text, err := EncodeSpec(d)
		if d.Naming != zoo.OwnNames {
			if err == nil {
				t.Errorf("%s: written", d.Name)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseSpec(d.Name+".toml", text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", d.Name, err, text)
		}
		back := got.(zoo.Detector)
		d.Paper, d.Weights = nil, nil
		d.Backbone.Info, back.Backbone.Info = zoo.Info{}, zoo.Info{} // the description is the detector's
		if !reflect.DeepEqual(back, d) {
			t.Errorf("%s reads back as another:\n%s", d.Name, text)
		}
	}
}

// A network of one's own is made a detector by a table in its file, or by its
// name; mistakes are told with their line.
func TestDetectorFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mine.toml")
	write := func(more string) {
		t.Helper()
		text := "[stem]\nout = 8\n[[stage]]\nstride = 2\nexpand = 2\nout = 16\n[head]\nout = 32\n" + more
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	named, err := Lookup(file + "_ssdlite96@classes=3,maps=3")
	if err != nil {
		t.Fatal(err)
	}
	write("[detector]\nextras = 512\nreduce_lowest = true\n")
	tabled, err := Lookup(file + "@classes=3,size=96")
	if err != nil {
		t.Fatal(err)
	}
	a, b := named.(zoo.Detector), tabled.(zoo.Detector)
	if a.Name != "mine_ssdlite96@maps=3,classes=3" && a.Name != "mine_ssdlite96@classes=3,maps=3" || b.Name != "mine@size=96,classes=3" {
		t.Errorf("called %s and %s", a.Name, b.Name)
	}
	if !reflect.DeepEqual(a.Input, b.Input) || !reflect.DeepEqual(a.Extras, b.Extras) || a.Anchors != b.Anchors || a.Classes != b.Classes {
		t.Errorf("%+v\n%+v", a, b)
	}
	for more, says := range map[string]string{
		"detector = 3\n":                                               "detector",
		"[detector]\nextra = 3\n":                                      "mine.toml:10: detector: extra: unknown key; did you mean extras?",
		"[detector]\nextras = 1\n":                                     "an extra map of 1 channels",
		"[detector]\nmin_scale = 1.5\n":                                "scales 1.5 to 0.95",
		"[detector]\nstyle = \"caffe\"\n":                              "style \"caffe\"",
		"[input]\nsize = 0\n[detector]\n":                              "mine.toml:10: input: size",
		"[detector]\nextras = [64]\n[[stage]]\nstride = 2\nout = 16\n": "",
	} {
		write(more)
		_, err := Lookup(file)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v", more, err)
		}
	}
	write("[detector]\n")
	if _, err := Lookup(file + "_ssdlite96"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a detector of a detector: %v", err)
	}
	if _, err := zoo.Lookup("mobilenetv2_035_ssdlite96@maps=9"); err == nil || !strings.Contains(err.Error(), "on 6 maps") {
		t.Errorf("nine maps: %v", err)
	}
	if _, err := zoo.Lookup("mobilenetv2_035@maps=4"); err == nil || !strings.Contains(err.Error(), "does not apply") {
		t.Errorf("maps of a classifier: %v", err)
	}
}
