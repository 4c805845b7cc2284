package mixnet

import (
	"context"
	"io/fs"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
)

// Network is a *Classifier or a *Detector, for programs that take both.
type Network interface {
	// Header returns what is known of the model besides its parameters.
	Header() model.Header
	// Program returns the compiled network.
	Program() *engine.Program
	// Close ends its threads. No call may be running.
	Close() error
}

// OpenNetwork makes what the model with a name is for, a *Classifier or a
// *Detector, and finds it as Open does.
func OpenNetwork(ctx context.Context, name string, o OpenOptions) (Network, error) {
	return opened(ctx, name, o, NewNetwork, networkOfStored)
}

// NewNetwork makes what a model is for: a *Classifier or a *Detector.
func NewNetwork(m *model.Model, o Options) (Network, error) {
	if finds(m.Header) {
		return asNetwork(NewDetector(m, o))
	}
	return asNetwork(New(m, o))
}

// OpenNetworkFS makes what a weight file in a file system is for, as OpenFS
// reads it.
func OpenNetworkFS(fsys fs.FS, name string, o Options) (Network, error) {
	return openFS(fsys, name, o, networkOfStored)
}

func networkOfStored(s *model.Stored, o Options) (Network, error) {
	if finds(s.Header) {
		return asNetwork(detectorOfStored(s, o))
	}
	return asNetwork(fromStored(s, o))
}

// asNetwork makes no interface of a pointer that is nil.
func asNetwork[T Network](n T, err error) (Network, error) {
	if err != nil {
		return nil, err
	}
	return n, nil
}

// finds reports whether a model finds objects.
func finds(h model.Header) bool {
	spec, err := h.Spec()
	if err != nil {
		return false
	}
	_, ok := zoo.Finds(spec)
	return ok
}
