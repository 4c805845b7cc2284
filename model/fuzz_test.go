package model

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"
	"testing/fstest"

	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// Whatever the metadata of a weight file says is an error or a header that is
// written as metadata which reads the same.
func FuzzHeader(f *testing.F) {
	add := func(meta map[string]string) {
		text, err := json.Marshal(meta)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	old, err := weights.Open("testdata/format1.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	defer old.Close()
	add(old.Metadata())
	m, err := Open("testdata/format1.safetensors", Options{})
	if err != nil {
		f.Fatal(err)
	}
	meta, err := m.Metadata()
	if err != nil {
		f.Fatal(err)
	}
	add(meta)
	spec, err := zoo.Lookup("mixnet_tiny@mix=3,drop_rate=0.5")
	if err != nil {
		f.Fatal(err)
	}
	if m, err = New(spec, zoo.Options{}, []string{"a", "b"}, 1); err != nil {
		f.Fatal(err)
	}
	if meta, err = m.Metadata(); err != nil {
		f.Fatal(err)
	}
	add(meta)
	f.Fuzz(func(t *testing.T, text []byte) {
		var meta map[string]string
		if json.Unmarshal(text, &meta) != nil {
			return
		}
		h, found, err := parseHeader(meta)
		if err != nil || !found {
			return
		}
		if h, err = h.known(); err != nil {
			return
		}
		if _, err := build(h); err != nil {
			return
		}
		written, err := h.Metadata()
		if err != nil {
			return // such as a table of format 1 whose name no network file can have
		}
		again, found, err := parseHeader(written)
		if err != nil || !found {
			t.Fatalf("%v: written as %v", err, written)
		}
		twice, err := again.Metadata()
		if err != nil || !maps.Equal(twice, written) {
			t.Fatalf("%v: %v is written again as %v", err, written, twice)
		}
	})
}

// Whatever a folder's description says is an error or a header that can be used.
func FuzzDescription(f *testing.F) {
	f.Add([]byte(`{"architecture":"mixnet_s","num_classes":2,"label_names":["a","b"],"pretrained_cfg":{"input_size":[3,224,224],"crop_pct":0.9,"mean":[0.5,0.5,0.5],"std":[1,1,1]}}`))
	f.Add([]byte(`{"architecture":"mnasnet_100","label_names":{"0":"a","1":"b"},"pretrained_cfg":{"input_size":[1,-1,1e9],"crop_mode":"squash","interpolation":"bilinear"}}`))
	f.Add([]byte(`{"architecture":"../x.toml@size=9","num_classes":-3}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := timmHeader(fstest.MapFS{descriptionFile: {Data: bytes.Clone(text)}})
		if err != nil || h.spec == nil || h.check() != nil || h.Options.Classes > 10_000 {
			return
		}
		if _, err := build(h); err == nil && h.Input.Validate() != nil {
			t.Fatalf("input %+v", h.Input)
		}
	})
}
