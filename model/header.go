package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// Header is everything about a model but its numbers. A weight file that
// carries it needs no other description.
type Header struct {
	// Network is the name that zoo.Lookup knows it by, or its table's.
	Network string `json:"network"`
	// Table is the network's table where it is not one of the zoo: a zoo.Network
	// or a zoo.Detector.
	Table zoo.Spec `json:"table,omitempty"`
	// Options adapt the network: its classes, channels and rates.
	Options zoo.Options `json:"options"`
	// Classes are the names of the classes in the order of the logits.
	Classes []string `json:"classes,omitempty"`
	// Input says how an image becomes the network's input.
	Input input.Preprocess `json:"input"`
	// Notes say where the weights come from: data, recipe, accuracy. They are
	// stored as further metadata of the file. Names that begin with "mixnet."
	// are not free for them.
	Notes map[string]string `json:"notes,omitempty"`

	spec zoo.Spec // what Network or Table stands for, once known
}

// formatVersion is that of the metadata below. Format 1 is read too.
const formatVersion = "2"

// The metadata of a weight file that is a model.
const (
	reserved      = "mixnet."
	keyFormat     = "format" // "pt": tensors are in PyTorch's layout
	keyVersion    = reserved + "version"
	keyNetwork    = reserved + "network"
	keyTable      = reserved + "spec"       // network file, see package netfile
	keyOptions    = reserved + "options"    // JSON
	keyClasses    = reserved + "classes"    // JSON
	keyPreprocess = reserved + "preprocess" // JSON
)

// Spec returns the network that h names.
func (h Header) Spec() (zoo.Spec, error) {
	switch {
	case h.spec != nil:
		return h.spec, nil
	case h.Table != nil:
		return h.Table, nil
	}
	return zoo.Lookup(h.Network)
}

// known returns h with the network that it names.
func (h Header) known() (Header, error) {
	var err error
	h.spec, err = h.Spec()
	return h, err
}

// Metadata returns h as the strings that weight files store.
func (h Header) Metadata() (map[string]string, error) {
	m := maps.Clone(h.Notes)
	if m == nil {
		m = map[string]string{}
	}
	for key := range m {
		if key == keyFormat || strings.HasPrefix(key, reserved) {
			return nil, fmt.Errorf("model header: a note cannot be called %.100q", key)
		}
	}
	m[keyFormat], m[keyVersion], m[keyNetwork] = "pt", formatVersion, h.Network
	for key, v := range map[string]any{keyOptions: h.Options, keyPreprocess: h.Input, keyClasses: h.Classes} {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("model header: %s: %w", key, err)
		}
		m[key] = string(b)
	}
	if len(h.Classes) == 0 {
		delete(m, keyClasses)
	}
	if h.Table != nil {
		text, err := netfile.EncodeSpec(h.Table)
		if err == nil {
			_, err = netfile.ParseSpec("network table", text)
		}
		if err != nil {
			return nil, fmt.Errorf("model header: %w", err)
		}
		m[keyTable] = string(text)
	}
	return m, nil
}

// ReadHeader returns the header of a weight file. It reports false where there
// is none, as in the files of other programs.
func ReadHeader(f *weights.File) (Header, bool, error) {
	h, found, err := parseHeader(f.Metadata())
	if err != nil {
		return Header{}, found, fmt.Errorf("%s: model header: %w", f.Path(), err)
	}
	return h, found, nil
}

func parseHeader(m map[string]string) (Header, bool, error) {
	h := Header{Network: m[keyNetwork], Notes: map[string]string{}}
	ours := false
	for key, value := range m {
		switch {
		case strings.HasPrefix(key, reserved):
			ours = true
		case key != keyFormat:
			h.Notes[key] = value
		}
	}
	var err error
	switch version, ok := m[keyVersion]; {
	case !ours:
		return Header{}, false, nil
	case !ok:
		return h, true, fmt.Errorf("%w: %s is missing", weights.ErrFormat, keyVersion)
	case version == "1":
		err = h.parse1(m)
	case version == formatVersion:
		err = h.parse(m)
	default:
		return h, true, fmt.Errorf("%w: version %.100q: this program reads 1 and %s", weights.ErrFormat, version, formatVersion)
	}
	if err != nil {
		return h, true, fmt.Errorf("%w: %w", weights.ErrFormat, err)
	}
	return h, true, h.check()
}

// parse reads format 2.
func (h *Header) parse(m map[string]string) error {
	for key, dst := range map[string]any{keyOptions: &h.Options, keyPreprocess: &h.Input, keyClasses: &h.Classes} {
		text, ok := m[key]
		switch {
		case ok:
			if err := decode(text, dst); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		case key != keyClasses:
			return fmt.Errorf("%s is missing", key)
		}
	}
	text, ok := m[keyTable]
	if !ok {
		return nil
	}
	var err error
	h.Table, err = netfile.ParseSpec("network table", []byte(text))
	return err
}

// decode reads JSON that has known fields only and nothing behind it.
func decode(text string, dst any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(dst); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one value")
	}
	return nil
}

func (h Header) check() error {
	if h.Table != nil && h.Table.About().Name != h.Network {
		return fmt.Errorf("the table of %.100q is called %.100q", h.Network, h.Table.About().Name)
	}
	if err := h.Input.Validate(); err != nil {
		return err
	}
	if n := h.Options.Classes; len(h.Classes) > 0 && n > 0 && len(h.Classes) != n {
		return fmt.Errorf("%d class names for %d classes", len(h.Classes), n)
	}
	return nil
}

// Label returns the name of a class, or its number where it has no name.
func (h Header) Label(class int) string {
	if class < len(h.Classes) {
		return h.Classes[class]
	}
	return fmt.Sprintf("class %d", class)
}

// Preprocess returns how an image becomes the network's input.
func (h Header) Preprocess() input.Preprocess { return h.Input.WithDefaults() }
