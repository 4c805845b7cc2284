package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/vision"
)

// models are those that are, or were, served.
type models struct {
	repository Repository
	loading    sync.Mutex // held while a model is loaded: one at a time

	mu     sync.Mutex
	order  []string
	byName map[string]*served
}

// served is a name under which a model is served. It outlives its instances.
type served struct {
	name   string
	stats  stats
	now    *instance // nil if it is not loaded
	reason string    // why not
}

// instance is a model that is loaded. It is closed when it has been replaced
// and its last user is done.
type instance struct {
	*served
	classifier *mixnet.Classifier
	version    string
	in         input.Preprocess
	classes    int
	processors sync.Pool    // of *vision.Processor
	prepared   atomic.Int64 // mean time to prepare a picture, in ns
	computed   atomic.Int64 // mean time of the network for one, in ns
	users      atomic.Int64 // and one while it is served
}

func newModels(r Repository) *models {
	return &models{repository: r, byName: map[string]*served{}}
}

// load opens a model, runs it and puts it in the place of the one there was.
func (m *models) load(ctx context.Context, name string) (version string, err error) {
	m.loading.Lock()
	defer m.loading.Unlock()
	if !modelName.MatchString(name) {
		return "", unknownModel(name)
	}
	c, version, err := m.repository.Open(ctx, name)
	if err != nil {
		return "", err
	}
	i := newInstance(c, version)
	if err := i.warm(ctx); err != nil {
		return "", errors.Join(err, c.Close())
	}
	m.mu.Lock()
	s := m.byName[name]
	if s == nil {
		s = &served{name: name}
		m.byName[name] = s
		m.order = append(m.order, name)
	}
	i.served = s
	old := s.now
	s.now, s.reason = i, ""
	m.mu.Unlock()
	if old != nil {
		old.release()
	}
	return version, nil
}

func newInstance(c *mixnet.Classifier, version string) *instance {
	i := &instance{classifier: c, version: version, in: c.Header().Preprocess(), classes: c.Program().Graph().Classes()}
	i.users.Store(1)
	i.processors.New = func() any {
		p, _ := vision.NewProcessor(i.in) // the classifier has checked it
		return p
	}
	return i
}

// warm runs the network on batches of the sizes that it will see most.
func (i *instance) warm(ctx context.Context) error {
	if i.classes == 0 {
		return errors.New("the network has no classes")
	}
	for _, n := range []int{1, mostTogether, 1} {
		start := time.Now()
		if err := i.run(ctx, make([]float32, n*i.classes), make([]byte, n*i.pixels()), nil, n); err != nil {
			return err
		}
		i.computed.Store(int64(time.Since(start)) / int64(n))
	}
	return nil
}

// pixels is the number of values of one input.
func (i *instance) pixels() int { return i.in.Size[0] * i.in.Size[1] * i.in.Channels }

// run computes the logits of n inputs: pixels, or normalised values.
func (i *instance) run(ctx context.Context, logits []float32, pixels []byte, values []float32, n int) error {
	x := tensor.Shape{N: n, H: i.in.Size[0], W: i.in.Size[1], C: i.in.Channels}
	y := tensor.Tensor{Shape: tensor.Shape{N: n, H: 1, W: 1, C: i.classes}, Data: logits}
	if pixels != nil {
		return i.classifier.Program().RunBytes(ctx, &y, pixels, x)
	}
	return i.classifier.Program().Run(ctx, &y, &tensor.Tensor{Shape: x, Data: values})
}

// learn takes a duration into a running mean.
func learn(mean *atomic.Int64, d time.Duration) {
	if old := mean.Load(); old != 0 {
		d = (7*time.Duration(old) + d) / 8
	}
	mean.Store(int64(max(d, 1)))
}

// acquire returns a model for use, which must be released. The name "" means
// the first one, and the version "" any.
func (m *models) acquire(name, version string) (*instance, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if name == "" && len(m.order) > 0 {
		name = m.order[0]
	}
	s := m.byName[name]
	if s == nil {
		return nil, unknownModel(name)
	}
	if s.now == nil {
		return nil, fmt.Errorf("%w: %q is %s", errUnavailable, name, s.reason)
	}
	if version != "" && version != s.now.version {
		return nil, fmt.Errorf("%w: %q has version %s, not %q", ErrUnknownModel, name, s.now.version, version)
	}
	s.now.users.Add(1)
	return s.now, nil
}

// errUnavailable says that a model is known but not loaded.
var errUnavailable = errors.New("the model is not loaded")

// release ends a use of the instance.
func (i *instance) release() {
	if i.users.Add(-1) == 0 {
		i.classifier.Close()
	}
}

func (m *models) unload(name string) error {
	m.mu.Lock()
	s := m.byName[name]
	if s == nil || s.now == nil {
		m.mu.Unlock()
		return unknownModel(name)
	}
	old := s.now
	s.now, s.reason = nil, "unloaded"
	m.mu.Unlock()
	old.release()
	return nil
}

// all returns every name that was ever served, in order.
func (m *models) all() []*served {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*served, len(m.order))
	for i, name := range m.order {
		list[i] = m.byName[name]
	}
	return list
}

// state returns the version of a name that is loaded, or why none is.
func (m *models) state(s *served) (version, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.now == nil {
		return "", s.reason
	}
	return s.now.version, ""
}

// available lists the names of the repository that are not served.
func (m *models) available() ([]string, error) {
	names, err := m.repository.Names()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(names, func(n string) bool { return m.byName[n] != nil }), nil
}

func (m *models) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.byName {
		if s.now != nil {
			s.now.release()
			s.now, s.reason = nil, "closed"
		}
	}
	return nil
}
