package model

import (
	"encoding/json"
	"fmt"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// Header is everything about a model but its numbers. A weight file that
// carries it needs no other description.
type Header struct {
	// Network is the name that zoo.Lookup knows it by.
	Network string `json:"network"`
	// Table is the network's table where it is not one of the zoo.
	Table *zoo.Network `json:"table,omitempty"`
	// Options adapt the network: its classes, channels and rates.
	Options zoo.Options `json:"options"`
	// Classes are the names of the classes in the order of the logits.
	Classes []string `json:"classes,omitempty"`
	// Input says how an image becomes the network's input.
	Input input.Preprocess `json:"input"`
	// Notes say where the weights come from: data, recipe, accuracy. They are
	// stored as further metadata of the file.
	Notes map[string]string `json:"notes,omitempty"`
}

// keyOptions is the metadata key of Header.Options.
const keyOptions = "mixnet.options"

// Spec returns the network that h names.
func (h Header) Spec() (zoo.Spec, error) {
	if h.Table != nil {
		return *h.Table, h.Table.Validate()
	}
	return zoo.Lookup(h.Network)
}

// Meta returns h in the form that weight files store.
func (h Header) Meta() (weights.Meta, error) {
	m := weights.Meta{Network: h.Network, Classes: h.Classes, Extra: map[string]string{}}
	for k, v := range h.Notes {
		m.Extra[k] = v
	}
	var err error
	encode := func(v any) []byte {
		b, e := json.Marshal(v)
		if err == nil {
			err = e
		}
		return b
	}
	m.Preprocess = encode(h.Input)
	m.Extra[keyOptions] = string(encode(h.Options))
	if h.Table != nil {
		m.Spec = encode(h.Table)
	}
	if err != nil {
		return m, fmt.Errorf("model header: %w", err)
	}
	return m, nil
}

// Metadata returns the strings of Meta's encoding, for files that hold more
// than a model.
func (h Header) Metadata() (map[string]string, error) {
	m, err := h.Meta()
	if err != nil {
		return nil, err
	}
	return m.Encode()
}

// ReadHeader returns the header of a weight file. It reports false where there
// is none, as in the files of other programs.
func ReadHeader(f *weights.File) (Header, bool, error) {
	m, found, err := f.Meta()
	if err != nil || !found {
		return Header{}, found, err
	}
	h := Header{Network: m.Network, Classes: m.Classes, Notes: m.Extra}
	if err := h.parse(m); err != nil {
		return h, true, fmt.Errorf("model header: %w", err)
	}
	return h, true, nil
}

func (h *Header) parse(m weights.Meta) error {
	if len(m.Preprocess) > 0 {
		if err := json.Unmarshal(m.Preprocess, &h.Input); err != nil {
			return fmt.Errorf("preprocessing: %w", err)
		}
		if err := h.Input.Validate(); err != nil {
			return err
		}
	}
	if len(m.Spec) > 0 {
		h.Table = new(zoo.Network)
		if err := json.Unmarshal(m.Spec, h.Table); err != nil {
			return fmt.Errorf("network table: %w", err)
		}
	}
	if text, ok := h.Notes[keyOptions]; ok {
		delete(h.Notes, keyOptions)
		if err := json.Unmarshal([]byte(text), &h.Options); err != nil {
			return fmt.Errorf("options: %w", err)
		}
	}
	if n := h.Options.Classes; len(h.Classes) > 0 && n > 0 && len(h.Classes) != n {
		return fmt.Errorf("%d class names for %d classes", len(h.Classes), n)
	}
	return nil
}
