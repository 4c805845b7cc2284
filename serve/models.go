package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/input"
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
	network    mixnet.Network
	classifier *mixnet.Classifier // nil if it finds objects
	detector   *mixnet.Detector   // nil if it classifies
	version    string
	in         input.Preprocess
	classes    int          // logits of a classifier
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
	n, version, err := m.repository.Open(ctx, name)
	if err != nil {
		return "", err
	}
	i := newInstance(n, version)
	if err := i.warm(ctx); err != nil {
		return "", errors.Join(err, n.Close())
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

func newInstance(n mixnet.Network, version string) *instance {
	i := &instance{network: n, version: version, in: n.Header().Preprocess()}
	i.detector, _ = n.(*mixnet.Detector)
	if i.classifier, _ = n.(*mixnet.Classifier); i.classifier != nil {
		i.classes = n.Program().Graph().Classes()
	}
	i.users.Store(1)
	i.processors.New = func() any {
		p, _ := vision.NewProcessor(i.in) // the network has checked it
		return p
	}
	return i
}

// warm runs the network on batches of the sizes that it will see most.
func (i *instance) warm(ctx context.Context) error {
	if i.classes == 0 && i.detector == nil {
		return errors.New("the network neither has classes nor finds objects")
	}
	for _, n := range []int{1, mostTogether, 1} {
		start := time.Now()
		if err := i.try(ctx, n); err != nil {
			return err
		}
		i.computed.Store(int64(time.Since(start)) / int64(n))
	}
	return nil
}

// try runs the network on n black pictures.
func (i *instance) try(ctx context.Context, n int) error {
	if i.detector == nil {
		return i.run(ctx, make([]float32, n*i.classes), make([]byte, n*i.pixels()), nil, n)
	}
	for range n {
		if _, err := i.detector.DetectPixels(ctx, make([]byte, i.pixels()), vision.Transform{}, vision.Upright, mixnet.DetectOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// labels are the names of the classes.
func (i *instance) labels() []string {
	if i.detector != nil {
		return i.detector.Classes()
	}
	return i.classifier.Classes()
}

// pixels is the number of values of one input.
func (i *instance) pixels() int { return i.in.Size[0] * i.in.Size[1] * i.in.Channels }

// run computes the logits of n inputs: pixels, or normalised values.
func (i *instance) run(ctx context.Context, logits []float32, pixels []byte, values []float32, n int) error {
	if pixels != nil {
		return i.classifier.LogitsPixels(ctx, logits, pixels, n)
	}
	return i.classifier.LogitsValues(ctx, logits, values, n)
}

// learn takes a duration into a running mean.
func learn(mean *atomic.Int64, d time.Duration) {
	if old := mean.Load(); old != 0 {
		d = (7*time.Duration(old) + d) / 8
	}
	mean.Store(int64(max(d, 1)))
}

// acquireFor is acquire of a model that does something: of the first one that
// does, if the name is "".
func (m *models) acquireFor(name string, does func(*instance) error) (*instance, error) {
	var err error
	for _, s := range m.all() {
		if name != "" && s.name != name {
			continue
		}
		i, problem := m.acquire(s.name, "")
		if problem == nil {
			if problem = does(i); problem == nil {
				return i, nil
			}
			i.release()
		}
		err = cmp.Or(err, problem)
	}
	if err == nil {
		err = unknownModel(name)
	}
	return nil, err
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
		i.network.Close()
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
