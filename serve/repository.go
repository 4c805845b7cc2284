package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet"
)

// Repository is where models come from. Its methods may be called at any time,
// by several goroutines.
type Repository interface {
	// Names lists the models, each once.
	Names() ([]string, error)
	// Open makes a *mixnet.Classifier or a *mixnet.Detector of a model, and says
	// which version it is. The error for a name that it does not have wraps
	// ErrUnknownModel.
	Open(ctx context.Context, name string) (n mixnet.Network, version string, err error)
}

// ErrUnknownModel is wrapped by errors about a model that there is not.
var ErrUnknownModel = errors.New("unknown model")

func unknownModel(name string) error { return fmt.Errorf("%w: %q", ErrUnknownModel, name) }

// modelName is how models, which appear in addresses, are named.
var modelName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// List is a repository of models that the program knows, in this order.
type List []Model

// Model is one of a List.
type Model struct {
	// Name has letters, digits, and the signs "._-".
	Name string
	// Version is a number; "1" if empty.
	Version string
	// Open makes a *mixnet.Classifier or a *mixnet.Detector of it.
	Open func(context.Context) (mixnet.Network, error)
	// Weights returns its weight file, for browsers that run the network
	// themselves; nil if they may not.
	Weights func(context.Context) ([]byte, error)
}

// Names lists the models.
func (l List) Names() ([]string, error) {
	var names []string
	for _, m := range l {
		if slices.Contains(names, m.Name) {
			return nil, fmt.Errorf("two models are called %q", m.Name)
		}
		names = append(names, m.Name)
	}
	return names, nil
}

// Open opens a model.
func (l List) Open(ctx context.Context, name string) (mixnet.Network, string, error) {
	for _, m := range l {
		if m.Name == name {
			n, err := m.Open(ctx)
			if m.Version == "" {
				m.Version = "1"
			}
			return n, m.Version, err
		}
	}
	return nil, "", unknownModel(name)
}

// Folder is a repository in a folder laid out as Triton's: NAME/VERSION/FILE,
// the version a number, of which the highest is served, and the file the only
// one that ends in .safetensors, .pth, .onnx or .pb. Links that lead out of the
// folder are not followed.
type Folder struct {
	root    *os.Root
	options mixnet.Options
}

// OpenFolder returns the repository in a folder. Close it after use.
func OpenFolder(dir string, o mixnet.Options) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root: root, options: o}, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Names lists the folders in it that have a version.
func (f *Folder) Names() ([]string, error) {
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !modelName.MatchString(e.Name()) {
			continue
		}
		if version, err := f.latest(e.Name()); err == nil && version != "" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// latest returns the highest version of a model; "" if there is none.
func (f *Folder) latest(name string) (string, error) {
	entries, err := fs.ReadDir(f.root.FS(), name)
	if err != nil {
		return "", err
	}
	best, highest := "", int64(0)
	for _, e := range entries {
		if n, err := strconv.ParseInt(e.Name(), 10, 64); err == nil && n > highest && strconv.FormatInt(n, 10) == e.Name() {
			best, highest = e.Name(), n
		}
	}
	return best, nil
}

// Latest returns the highest version of a model.
func (f *Folder) Latest(name string) (string, error) {
	if !modelName.MatchString(name) {
		return "", unknownModel(name)
	}
	version, err := f.latest(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && version == "" {
		return "", unknownModel(name)
	}
	return version, err
}

// Open opens the highest version of a model.
func (f *Folder) Open(_ context.Context, name string) (mixnet.Network, string, error) {
	version, err := f.Latest(name)
	if err != nil {
		return nil, "", err
	}
	dir := path.Join(name, version)
	file, err := f.weightFile(dir)
	if err != nil {
		return nil, "", err
	}
	n, err := mixnet.OpenNetworkFS(f.root.FS(), path.Join(dir, file), f.options)
	return n, version, err
}

// weightFile returns the name of the only weight file of a folder.
func (f *Folder) weightFile(dir string) (string, error) {
	entries, err := fs.ReadDir(f.root.FS(), dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		if slices.Contains([]string{".safetensors", ".pth", ".onnx", ".pb"}, path.Ext(e.Name())) {
			found = append(found, e.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s: no weight file (.safetensors, .pth, .onnx or .pb)", dir)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%s: which file is the model, of %s?", dir, strings.Join(found, ", "))
}
