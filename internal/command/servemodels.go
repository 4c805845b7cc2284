package command

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/pretrained/person"
	"github.com/mixnet-go/mixnet/pretrained/photo"
	"github.com/mixnet-go/mixnet/serve"
)

// servedModel is a model that the arguments name.
type servedModel struct {
	env     *env
	flags   modelFlags
	options mixnet.Options
}

// open makes it ready to run.
func (s *servedModel) open(ctx context.Context) (mixnet.Network, error) {
	e := s.env
	name, m, err := s.builtIn()
	if err != nil {
		return nil, err
	}
	if m != nil {
		return mixnet.NewNetwork(m, s.options)
	}
	n, err := mixnet.OpenNetwork(ctx, name, mixnet.OpenOptions{LoadOptions: s.flags.where(e), Options: s.options})
	if err != nil {
		return nil, unknownModel(name, err)
	}
	e.assumed(name, n.Header())
	return n, nil
}

// builtIn returns the model if the command holds it, and its name.
func (s *servedModel) builtIn() (name string, m *model.Model, err error) {
	if name, err = s.flags.name(s.env); err == nil {
		m, err = linked(name)
	}
	return name, m, err
}

// weights returns a weight file that says all about the model.
func (s *servedModel) weights(ctx context.Context) ([]byte, error) {
	name, m, err := s.builtIn()
	if err == nil && m == nil {
		m, err = mixnet.Load(ctx, name, s.flags.where(s.env))
	}
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mixnet")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, modelFile)
	if err := m.Save(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// list returns the models that are named.
func (c *serveCmd) list(e *env) (serve.List, error) {
	names := c.Model
	if len(names) == 0 {
		names = []string{photo.Name, person.Name}
	}
	var list serve.List
	for _, arg := range names {
		name, model := splitNamed(arg)
		if name == "" && model == arg {
			name = servedName(model)
		}
		m := &servedModel{env: e, flags: modelFlags{Model: model}, options: c.running(e)}
		list = append(list, serve.Model{Name: name, Open: m.open, Weights: m.weights})
	}
	_, err := list.Names() // finds those that are there twice
	return list, err
}

// splitNamed parts NAME=PATH; of a path alone, which may have such a sign, the name is
// empty.
func splitNamed(arg string) (name, path string) {
	if name, path, ok := strings.Cut(arg, "="); ok && !exists(arg) {
		return name, path
	}
	return "", arg
}

// servedName makes a name for addresses of a model's: of a file the name
// without its ending, of one in a run folder that of the folder.
func servedName(model string) string {
	if !exists(model) {
		return runName(model)
	}
	base := filepath.Base(filepath.Clean(model))
	if base == modelFile {
		if abs, err := filepath.Abs(model); err == nil {
			base = filepath.Base(filepath.Dir(abs))
		}
	}
	for _, ending := range []string{".safetensors", ".pth", ".onnx", ".pb"} {
		base = strings.TrimSuffix(base, ending)
	}
	return runName(base)
}
