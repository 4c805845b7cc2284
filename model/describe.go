package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// descriptionFile is what timm puts beside the weights that it uploads.
const descriptionFile = "config.json"

// maxDescription bounds its size: a million class names need less.
const maxDescription = 32 << 20

// folderOf returns the folder that a file is in.
func folderOf(path string) fs.FS { return os.DirFS(filepath.Dir(path)) }

// describe finds out what a file without a header is: from timm's description
// beside it if that is of a network that the file holds, or from the file.
func describe(f *weights.File, beside fs.FS) (Header, error) {
	if beside != nil {
		h, err := timmHeader(beside)
		switch {
		case err != nil:
			return Header{}, err
		case h.spec != nil && holdsSpec(f, h.spec):
			return h, h.check()
		}
	}
	spec, err := infer(f)
	if err != nil {
		return Header{}, err
	}
	return Header{Network: spec.About().Name, spec: spec}, nil
}

// timmConfig is timm's description of a weight file, as far as it is of use.
type timmConfig struct {
	Architecture string          `json:"architecture"`
	Classes      int             `json:"num_classes"`
	Labels       json.RawMessage `json:"label_names"`
	Pretrained   struct {
		Size          []int     `json:"input_size"` // channels, height, width
		Crop          float64   `json:"crop_pct"`
		CropMode      string    `json:"crop_mode"`
		Interpolation string    `json:"interpolation"`
		Mean          []float32 `json:"mean"`
		Std           []float32 `json:"std"`
		Classes       int       `json:"num_classes"`
	} `json:"pretrained_cfg"`
}

// timmHeader reads a description. It has no spec where there is none, or that
// of another program, or of a network that the zoo has not.
func timmHeader(beside fs.FS) (Header, error) {
	var c timmConfig
	file, err := beside.Open(descriptionFile)
	if errors.Is(err, fs.ErrNotExist) {
		return Header{}, nil
	} else if err != nil {
		return Header{}, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxDescription))
	if err != nil {
		return Header{}, fmt.Errorf("%s: %w", descriptionFile, err)
	}
	if json.Unmarshal(text, &c) != nil || c.Architecture == "" {
		return Header{}, nil
	}
	spec, err := zoo.Lookup(c.Architecture)
	if err != nil {
		return Header{}, nil
	}
	h := Header{Network: spec.About().Name, spec: spec, Input: c.input(spec.About().Input)}
	h.Options.Classes = c.Classes
	if h.Options.Classes == 0 {
		h.Options.Classes = c.Pretrained.Classes
	}
	if h.Input.Channels != spec.About().Input.WithDefaults().Channels {
		h.Options.Channels = h.Input.Channels
	}
	if h.Classes, err = labels(c.Labels); err != nil {
		return Header{}, fmt.Errorf("%s: %w", descriptionFile, err)
	}
	return h, nil
}

// input returns the preprocessing described, and where it is silent, p.
func (c timmConfig) input(p input.Preprocess) input.Preprocess {
	d := c.Pretrained
	if len(d.Size) == 3 {
		p.Channels, p.Size = d.Size[0], [2]int{d.Size[1], d.Size[2]}
	}
	if d.Crop > 0 {
		p.CropPct = d.Crop
	}
	if d.CropMode != "" {
		p.CropMode = input.CropMode(d.CropMode)
	}
	if d.Interpolation != "" {
		p.Interpolation = input.Interpolation(d.Interpolation)
	}
	if len(d.Mean) > 0 {
		p.Mean = d.Mean
	}
	if len(d.Std) > 0 {
		p.Std = d.Std
	}
	return p.WithDefaults()
}

// labels reads class names: a list, or an object with the classes' numbers as
// keys.
func labels(text json.RawMessage) ([]string, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	var list []string
	if json.Unmarshal(text, &list) == nil {
		return list, nil
	}
	var numbered map[string]string
	if err := json.Unmarshal(text, &numbered); err != nil {
		return nil, fmt.Errorf("label_names: want a list of names, or one by number: %w", err)
	}
	list = make([]string, len(numbered))
	for i := range list {
		name, ok := numbered[strconv.Itoa(i)]
		if !ok {
			return nil, fmt.Errorf("label_names: %d names, none of class %d", len(numbered), i)
		}
		list[i] = name
	}
	return list, nil
}
