package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/zoo"
)

// The networks to train where none is named.
const (
	smallNetwork = "mixnet_tiny" // at its own 28 pixels, and up to those of photoSide
	photoNetwork = "mixnet_s"
	photoSide    = 64  // pictures from this size on are photos
	photoInput   = 128 // the largest input that trains in reasonable time on two cores
)

// defaultNetwork returns the network for a recipe and pictures of a size: the
// one that the recipe is for, else one that does not shrink them to nothing.
func defaultNetwork(r recipe.Recipe, h, w int) string {
	if r.Network != "" {
		return r.Network
	}
	switch side := min(h, w); {
	case side < 32:
		return smallNetwork
	case side < photoSide:
		return fmt.Sprintf("%s@size=%d", smallNetwork, side/4*4)
	default:
		return fmt.Sprintf("%s@size=%d", photoNetwork, min(side/32*32, photoInput))
	}
}

// weightFiles are the extensions of what finetune takes and train does not.
var weightFiles = []string{".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar"}

// checkUntrained refuses the name of weights: training starts from random ones.
func (e *env) checkUntrained(name string) error {
	base, _, _ := strings.Cut(name, "@")
	ext := strings.ToLower(filepath.Ext(base))
	if ext == ".toml" {
		return nil
	}
	weights := slices.Contains(weightFiles, ext) || exists(base) || slices.Contains(builtInNames(), base)
	if s, err := zoo.Lookup(base); err == nil && strings.Contains(base, ".") {
		weights = weights || s.About().Name != base
	}
	if !weights {
		return nil
	}
	return usagef("--model %s names weights, and train starts from random ones: to train those further, use %q", name, e.command("finetune", "--weights", name))
}

// newModel builds a network for the classes and the channels of a set, with
// auxiliary classifiers if they are asked for and fit.
func newModel(spec zoo.Spec, o zoo.Options, d data.Dataset, seed uint64) (*model.Model, error) {
	if _, finds := zoo.Finds(spec); finds {
		return nil, errFindsObjects(spec.About().Name)
	}
	o.Classes = len(d.Classes())
	info := spec.About()
	if sized, ok := d.(data.Sized); ok {
		if _, _, channels := sized.Size(); channels != info.Input.WithDefaults().Channels {
			o.Channels = channels
		}
	} else if info.Input.WithDefaults().Channels == 1 {
		o.Channels = 3
	}
	o.Aux = o.Aux && zoo.AuxFits(spec, o)
	return model.New(spec, o, d.Classes(), seed)
}

// errFindsObjects refuses a network that finds objects where one that
// classifies is needed.
func errFindsObjects(name string) error {
	return fmt.Errorf("%s finds objects and does not classify images: use it with detect, or train it with --task detect", name)
}

// checkClassifies refuses a model that finds objects.
func checkClassifies(h model.Header) error {
	if spec, err := h.Spec(); err == nil {
		if _, finds := zoo.Finds(spec); finds {
			return errFindsObjects(h.Network)
		}
	}
	return nil
}
