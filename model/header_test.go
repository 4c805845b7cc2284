package model

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// A file that the program wrote before format 2, with numbers in place of words,
// is the network of the TOML file that it was trained from.
func TestFormat1(t *testing.T) {
	text, err := os.ReadFile("testdata/format1.toml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := netfile.Parse("format1.toml", text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open("testdata/format1.safetensors", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Table == nil || !reflect.DeepEqual(m.Table, zoo.Spec(want)) {
		t.Errorf("table %+v, want %+v", m.Table, want)
	}
	if m.Network != "old-net" || strings.Join(m.Classes, " ") != "cat dog" || m.Options.Classes != 2 || m.Options.Channels != 3 || m.Options.DropRate != nil {
		t.Errorf("header %+v", m.Header)
	}
	if p := m.Input; p.Size != [2]int{12, 10} || p.CropPct != 0.9 || p.Interpolation != "bilinear" || p.Mean[2] != 0.3 {
		t.Errorf("input %+v", p)
	}
	again := filepath.Join(t.TempDir(), "again.safetensors")
	if err := m.Save(again); err != nil {
		t.Fatal(err)
	}
	got, err := Open(again, Options{})
	if err != nil || !reflect.DeepEqual(got.Header, m.Header) || !sameValues(got, m) {
		t.Errorf("written anew: %+v, %v; was %+v", got, err, m.Header)
	}
}

// The words that files hold must stay, or old files change their meaning.
func TestMetadata(t *testing.T) {
	rate := 0.25
	m, err := New(lookup(t, "testdata/format1.toml"), zoo.Options{Channels: 3, DropRate: &rate, DropPath: &rate}, []string{"a \"quoted\"", "é"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Notes = map[string]string{"accuracy": "none"}
	got, err := m.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"format":            "pt",
		"accuracy":          "none",
		"mixnet.version":    "2",
		"mixnet.network":    "old-net",
		"mixnet.classes":    `["a \"quoted\"","é"]`,
		"mixnet.options":    `{"classes":2,"channels":3,"drop_rate":0.25,"drop_path":0.25}`,
		"mixnet.preprocess": `{"size":[12,10],"channels":3,"crop_pct":0.9,"crop_mode":"center","interpolation":"bilinear","mean":[0.3,0.3,0.3],"std":[0.25,0.25,0.25]}`,
		"mixnet.spec":       table,
	}
	if !maps.Equal(got, want) {
		for key := range got {
			if got[key] != want[key] {
				t.Errorf("%s is\n%s\nwant\n%s", key, got[key], want[key])
			}
		}
	}
	m.Notes["mixnet.version"] = "9"
	if _, err := m.Metadata(); err == nil {
		t.Error("a note in the place of the version: no error")
	}
}

const table = `name = "old-net"
title = "Old network"
family = "user"
note = "of format 1"
drop_rate = 0.25
drop_path = 0.1
act = "hard_swish"
padding = "same"

[input]
channels = 1
size = [12, 10]
crop_pct = 0.9
interpolation = "bilinear"
mean = [0.3]
std = [0.25]

[norm]
eps = 0.0001
momentum = 0.2

[squeeze_excite]
of_expanded = true
divisor = 4
act = "relu6"
gate = "hard_sigmoid"

[stem]
out = 4
kernel = 3
stride = 1
act = "relu"
fixed = true

[[stage]]
kind = "plain"
out = 4
act = "sigmoid"
part = "same"

[[stage]]
repeats = 2
kernels = [3, 5]
stride = 2
expand = 2
out = 8
se = 0.5
act = "swish"
expand_groups = 2
project_groups = 2
partition = "exponential"
part = "new"
fixed_depth = true

[[stage]]
kernels = [3, 5, 7]
out = 8
project_act = true
no_skip = true
dilated = true

[head]
out = 8
act = "relu6"
widen = true
after_pool = true
`

// Damaged headers are refused, with what is wrong named.
func TestBadHeaders(t *testing.T) {
	m := newModel(t, "testdata/format1.toml", []string{"a", "b"})
	tensors, err := weights.Tensors("", m.Graph, m.Values)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bad.safetensors")
	replace := func(key, from, to string) func(map[string]string) {
		return func(meta map[string]string) {
			if !strings.Contains(meta[key], from) {
				t.Fatalf("%s has no %s: %s", key, from, meta[key])
			}
			meta[key] = strings.Replace(meta[key], from, to, 1)
		}
	}
	for _, c := range []struct {
		change func(map[string]string)
		says   string
	}{
		{func(m map[string]string) { m["mixnet.version"] = "3" + strings.Repeat("x", 1<<20) }, "this program reads 1 and 2"},
		{func(m map[string]string) { delete(m, "mixnet.version") }, "mixnet.version is missing"},
		{func(m map[string]string) { delete(m, "mixnet.options") }, "mixnet.options is missing"},
		{func(m map[string]string) { delete(m, "mixnet.preprocess") }, "mixnet.preprocess is missing"},
		{func(m map[string]string) { delete(m, "mixnet.spec") }, `unknown network "old-net"`},
		{func(m map[string]string) { m["mixnet.network"] = "none" }, `the table of "none" is called "old-net"`},
		{func(m map[string]string) { delete(m, "mixnet.spec"); m["mixnet.network"] = "mixnet_tiny@width=1e300" }, "width"},
		{func(m map[string]string) { delete(m, "mixnet.spec"); m["mixnet.network"] = "testdata/format1.toml" }, "unknown network"},
		{func(m map[string]string) { m["mixnet.classes"] = `["a","b","c"]` }, "3 class names for 2 classes"},
		{func(m map[string]string) { m["mixnet.preprocess"] = `{"size":[-1,4]}` }, "size"},
		{func(m map[string]string) { m["mixnet.options"] = "{" }, "mixnet.options: "},
		{replace("mixnet.options", "classes", "clasess"), `unknown field "clasess"`},
		{replace("mixnet.preprocess", "crop_pct", "crop_pcx"), `unknown field "crop_pcx"`},
		{replace("mixnet.preprocess", "bilinear", "bilinfar"), "bilinfar"},
		{replace("mixnet.spec", `act = "swish"`, `act = "swjsh"`), `network table:48: stage 2: act: unknown activation "swjsh"`},
		{replace("mixnet.spec", `gate = "hard_sigmoid"`, `gate = "Hard_sigmoid"`), `gate: unknown activation "Hard_sigmoid"`},
		{replace("mixnet.spec", "exponential", "exponentiam"), `unknown partition "exponentiam"`},
		{replace("mixnet.spec", `"same"`, `"samd"`), `unknown padding "samd"`},
		{replace("mixnet.spec", `"plain"`, `"pmain"`), `unknown kind "pmain"`},
		{replace("mixnet.spec", `"new"`, `"nuw"`), `unknown part "nuw"`},
		{replace("mixnet.spec", "expand = 2", "expanc = 2"), "expanc: unknown key"},
	} {
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		c.change(meta)
		if err := weights.WriteFile(path, tensors, meta); err != nil {
			t.Fatal(err)
		}
		_, err = Open(path, Options{})
		if err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 2000 {
			t.Errorf("%.300v; want %s", err, c.says)
		}
		if err != nil && strings.Count(err.Error(), path) != 1 {
			t.Errorf("the path is not named once: %v", err)
		}
	}
}

// Format 1 is damaged in ways of its own.
func TestBadFormat1(t *testing.T) {
	f, err := weights.Open("testdata/format1.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range []struct{ key, from, to, says string }{
		{"mixnet.spec", `"Act":4`, `"Act":7`, "activation 7: want 0 to 6"},
		{"mixnet.spec", `"Padding":1`, `"Padding":-1`, "padding -1: want 0 to 2"},
		{"mixnet.spec", `"Kind":1`, `"Kind":9`, "kind 9"},
		{"mixnet.spec", `"Act":4`, `"Act":"swish"`, "mixnet.spec: "},
		{"mixnet.spec", `"Stages":[`, `"Stages":[{},`, "stage 1"},
		{"mixnet.classes", `[`, `[1,`, "mixnet.classes: "},
	} {
		meta := f.Metadata()
		meta[c.key] = strings.Replace(meta[c.key], c.from, c.to, 1)
		_, found, err := parseHeader(meta)
		if !found || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s to %s: %v, want %s", c.from, c.to, err, c.says)
		}
	}
	if _, _, err := parseHeader(map[string]string{"mixnet.version": "3"}); !errors.Is(err, weights.ErrFormat) {
		t.Errorf("another version: %v", err)
	}
	if _, found, err := parseHeader(map[string]string{"format": "pt", "author": "x"}); found || err != nil {
		t.Errorf("another program's file: %v, %v", found, err)
	}
}
