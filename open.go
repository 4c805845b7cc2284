package mixnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/pretrained"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// ErrNoWeights is wrapped by the error of Open for a network without published
// weights.
var ErrNoWeights = errors.New("no weights are published")

// Open makes a classifier of the model with a name: a weight file (of this
// package, timm's and torchvision's .safetensors and .pth, or ONNX); published
// weights such as "mixnet_s.ft_in1k", which are fetched once and kept, a
// network's plain name meaning the first of them; or "fashion", the small
// model of package pretrained. A file goes before a model of the same name.
//
// The parameters are read one after the other, straight into the form that
// they run in.
func Open(ctx context.Context, name string, o OpenOptions) (*Classifier, error) {
	return opened(ctx, name, o, New, fromStored)
}

// opened finds the model with a name and makes something of it: of the model
// itself where the program holds it, else of its file.
func opened[T any](ctx context.Context, name string, o OpenOptions, ofModel func(*model.Model, Options) (T, error), ofFile func(*model.Stored, Options) (T, error)) (T, error) {
	var none T
	w, err := locate(ctx, name, o.LoadOptions)
	if err != nil {
		return none, err
	}
	if w.embedded != nil {
		m, err := w.embedded()
		if err != nil {
			return none, err
		}
		return ofModel(m, o.Options)
	}
	s, err := model.OpenStored(w.path, w.as)
	if err != nil {
		return none, err
	}
	made, err := ofFile(s, o.Options)
	return made, errors.Join(err, s.Close())
}

// Load reads the model that Open would make a classifier of: to change it,
// save it or train it further.
func Load(ctx context.Context, name string, o LoadOptions) (*model.Model, error) {
	w, err := locate(ctx, name, o)
	if err != nil {
		return nil, err
	}
	if w.embedded != nil {
		return w.embedded()
	}
	return model.Open(w.path, w.as)
}

// New makes a classifier of a model. It keeps no reference to the model's
// parameters.
func New(m *model.Model, o Options) (*Classifier, error) {
	return compile(m.Header, m.Graph, engine.InMemory(m.Values), m.Quantization, o)
}

// OpenReader makes a classifier of a weight file of so many bytes, such as an
// embedded one. Of a file that does not describe itself, the network is found
// out from its tensors.
func OpenReader(r io.ReaderAt, size int64, o Options) (*Classifier, error) {
	return openReader(r, size, "weight file", model.Options{}, o, fromStored)
}

// OpenFS makes a classifier of a weight file in a file system, such as an
// embed.FS. A file that does not describe itself is taken for the network that
// its name and its tensors say.
func OpenFS(fsys fs.FS, name string, o Options) (*Classifier, error) {
	return openFS(fsys, name, o, fromStored)
}

func openFS[T any](fsys fs.FS, name string, o Options, of func(*model.Stored, Options) (T, error)) (T, error) {
	var none T
	f, err := fsys.Open(name)
	if err != nil {
		return none, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return none, err
	}
	var as model.Options
	if as.Beside, err = fs.Sub(fsys, path.Dir(name)); err != nil {
		return none, err
	}
	if r, ok := f.(io.ReaderAt); ok {
		return openReader(r, info.Size(), name, as, o, of)
	}
	content, err := io.ReadAll(f)
	if err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	return openReader(bytes.NewReader(content), int64(len(content)), name, as, o, of)
}

func openReader[T any](r io.ReaderAt, size int64, name string, as model.Options, o Options, of func(*model.Stored, Options) (T, error)) (T, error) {
	s, err := model.OpenReader(r, size, name, as)
	if err != nil {
		var none T
		return none, err
	}
	return of(s, o)
}

// fromStored makes a classifier of a model whose parameters are in a file.
func fromStored(s *model.Stored, o Options) (*Classifier, error) {
	return compile(s.Header, s.Graph, s, s.Quantization, o)
}

// located is where a model is: in a file, or in the program.
type located struct {
	path     string
	as       model.Options
	embedded func() (*model.Model, error)
}

// locate finds the model of a name, and fetches it if need be.
func locate(ctx context.Context, name string, o LoadOptions) (located, error) {
	if _, err := os.Stat(name); err == nil {
		w := located{path: name, as: model.Options{NewHead: o.NewHead}}
		if o.Network != "" {
			w.as.Network, err = netfile.Lookup(o.Network)
		}
		return w, err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return located{}, err
	}
	if o.Network != "" {
		return located{}, fmt.Errorf("%s is no file, and %q only says what is in one", name, o.Network)
	}
	switch name {
	case pretrained.Name:
		return located{embedded: pretrained.Fashion}, nil
	case pretrained.PersonName:
		return located{}, errors.New("person is the model of package pretrained/person, which only programs that import it hold: pass its Model to NewDetector")
	case pretrained.PhotoName:
		return located{}, errors.New("photo is the model of package pretrained/photo, which only programs that import it hold: pass its Model to New")
	}
	if strings.HasPrefix(name, "hf-hub:") || strings.HasPrefix(name, "hf_hub:") {
		return onHub(ctx, name, o)
	}
	spec, err := netfile.Lookup(name)
	if err != nil {
		return located{}, fmt.Errorf("%s is no file, and: %w", name, err)
	}
	published, err := publishedName(spec, name)
	if err != nil {
		return located{}, err
	}
	path, err := o.Hub.Get(ctx, published)
	return located{path: path, as: model.Options{Network: spec, NewHead: o.NewHead}}, err
}

// onHub fetches the weights that timm names by their place on the hub, such as
// hf-hub:timm/mixnet_s.ft_in1k. Of timm's own, the name says the network.
func onHub(ctx context.Context, name string, o LoadOptions) (located, error) {
	w := located{as: model.Options{NewHead: o.NewHead}}
	if _, own, ok := strings.Cut(name, ":timm/"); ok {
		spec, err := zoo.Lookup(own)
		if err != nil {
			return w, fmt.Errorf("%s: %w", name, err)
		}
		w.as.Network = spec
	}
	var err error
	w.path, err = o.Hub.Get(ctx, name)
	return w, err
}

// publishedName returns the name with the tag of published weights.
func publishedName(spec zoo.Spec, name string) (string, error) {
	info := spec.About()
	for _, w := range info.Weights {
		if full := info.Name + "." + w.Tag; full == name || info.Name == name {
			return full, nil
		}
	}
	return "", fmt.Errorf("%s: %w: give a weight file, or train the network", name, ErrNoWeights)
}
