package weights

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/mixnet-go/mixnet/graph"
)

// formatVersion is that of the metadata below; readers refuse later ones.
const formatVersion = "1"

// The metadata keys of files that Save writes.
const (
	keyVersion    = "mixnet.version"
	keyNetwork    = "mixnet.network"
	keySpec       = "mixnet.spec"
	keyClasses    = "mixnet.classes"
	keyPreprocess = "mixnet.preprocess"
)

// Meta is what a weight file says about its network, enough to use it without
// anything else.
type Meta struct {
	Network    string          // name in the zoo, such as "mixnet_s"
	Spec       json.RawMessage // the network's table, where it is not the zoo's as it stands
	Classes    []string        // names of the classes in the order of the logits
	Preprocess json.RawMessage // how an image becomes the input
	Extra      map[string]string
}

// Encode returns the metadata strings of m.
func (m Meta) Encode() (map[string]string, error) {
	out := maps.Clone(m.Extra)
	if out == nil {
		out = map[string]string{}
	}
	out["format"] = "pt" // tensors are in PyTorch's layout
	out[keyVersion] = formatVersion
	out[keyNetwork] = m.Network
	if len(m.Classes) > 0 {
		b, err := json.Marshal(m.Classes)
		if err != nil {
			return nil, err
		}
		out[keyClasses] = string(b)
	}
	for key, raw := range map[string]json.RawMessage{keySpec: m.Spec, keyPreprocess: m.Preprocess} {
		if len(raw) == 0 {
			continue
		}
		if !json.Valid(raw) {
			return nil, fmt.Errorf("%s is not JSON", key)
		}
		out[key] = string(raw)
	}
	return out, nil
}

// Meta returns what the file says about its network. It reports false for
// files that Save did not write.
func (f *File) Meta() (Meta, bool, error) {
	version, ok := f.meta[keyVersion]
	if !ok {
		return Meta{}, false, nil
	}
	if version != formatVersion {
		return Meta{}, true, fmt.Errorf("%s: %w", f.path, formatError("format version %q: this program reads %s", version, formatVersion))
	}
	m := Meta{Network: f.meta[keyNetwork], Extra: f.Metadata()}
	for key, raw := range map[string]*json.RawMessage{keySpec: &m.Spec, keyPreprocess: &m.Preprocess} {
		s, ok := f.meta[key]
		if !ok {
			continue
		}
		if !json.Valid([]byte(s)) {
			return Meta{}, true, fmt.Errorf("%s: %w", f.path, formatError("%s is not JSON", key))
		}
		*raw = json.RawMessage(s)
	}
	if s, ok := f.meta[keyClasses]; ok {
		if err := json.Unmarshal([]byte(s), &m.Classes); err != nil {
			return Meta{}, true, fmt.Errorf("%s: %w", f.path, formatError("%s: %v", keyClasses, err))
		}
	}
	for _, key := range []string{"format", keyVersion, keyNetwork, keySpec, keyClasses, keyPreprocess} {
		delete(m.Extra, key)
	}
	return m, true, nil
}

// Save writes the parameters of g as a safetensors file with its metadata.
// Names and layout are timm's, so PyTorch code can load the file too.
func Save(path string, g *graph.Graph, v graph.Values[float32], m Meta) error {
	return save(path, g, v, m, F32)
}

// SaveHalf is Save with the weights of convolutions and fully connected layers
// in 16 bits, F16 or BF16: half the bytes. Biases and batch norms keep 32.
func SaveHalf(path string, g *graph.Graph, v graph.Values[float32], m Meta, d DType) error {
	return save(path, g, v, m, d)
}

func save(path string, g *graph.Graph, v graph.Values[float32], m Meta, d DType) error {
	tensors, err := Tensors("", g, v)
	if err != nil {
		return err
	}
	if d != F32 {
		for i, p := range g.Params {
			if p.Kind != graph.Weight {
				continue
			}
			if tensors[i], err = NewHalf(p.Name, p.Shape, v[i], d); err != nil {
				return err
			}
		}
	}
	meta, err := m.Encode()
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	return WriteFile(path, tensors, meta)
}

// Tensors describes the values of g's parameters for writing, in the order of
// g.Params, each name after the prefix. Load finds values under prefixes such
// as "model/" and "ema/".
func Tensors(prefix string, g *graph.Graph, v graph.Values[float32]) ([]Tensor, error) {
	if len(v) != len(g.Params) {
		return nil, fmt.Errorf("%s has %d parameters, there are values for %d", g.Name, len(g.Params), len(v))
	}
	tensors := make([]Tensor, len(v))
	for i, p := range g.Params {
		if len(v[i]) != p.Len() {
			return nil, fmt.Errorf("%s: %s has %d values, not %d", g.Name, p.Name, p.Len(), len(v[i]))
		}
		tensors[i] = NewTensor(prefix+p.Name, p.Shape, v[i])
	}
	return tensors, nil
}
