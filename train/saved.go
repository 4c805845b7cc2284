package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/weights"
)

// ErrCheckpoint is wrapped by errors about a checkpoint that a run cannot
// continue from.
var ErrCheckpoint = errors.New("cannot resume")

// Saved is a run that was saved.
type Saved struct {
	Record
	Model *model.Model // the weights to use, for a run that is done
	dir   string
	state state
}

// holdsRun reports whether a folder holds the state of a run, or what may have
// been one.
func holdsRun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, LastFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// Open reads the state of the run in a folder. Resume continues it.
func Open(dir string) (*Saved, error) { return OpenAs(dir, model.Options{}) }

// OpenAs is Open with what is known of the network besides: of one that package
// zoo does not have, how to build it.
func OpenAs(dir string, o model.Options) (*Saved, error) {
	path := filepath.Join(dir, LastFile)
	f, err := weights.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	defer f.Close()
	meta, err := readMeta(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCheckpoint, path, err)
	}
	m, err := model.FromFile(f, o)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return &Saved{Record: meta.Record, Model: m, dir: dir, state: meta.State}, nil
}

// Done reports whether the run has ended.
func (s *Saved) Done() bool { return s.length().finished(s.state.History) }

// Epochs returns what was recorded.
func (s *Saved) Epochs() []Epoch { return slices.Clone(s.state.History) }

// blank reports whether the run has not made a step.
func (s *Saved) blank() bool { return s.state.Step == 0 && len(s.state.History) == 0 }

// Extend gives a run that has ended more epochs, for Resume. Their schedule is
// counted from their beginning; the zero value means the recipe's own with a
// tenth of its rate and no warm-up. The network, its moving average and the
// optimizer go on from the last step of the run, not from its best epoch.
func (s *Saved) Extend(epochs int, schedule recipe.Schedule) error {
	if !s.Done() {
		return fmt.Errorf("%w: %s: the run has not ended: it has %d of %d epochs", ErrCheckpoint, s.dir, len(s.state.History), s.Length())
	}
	more, err := s.length().extend(len(s.state.History), epochs, schedule)
	if err != nil {
		return err
	}
	s.Extensions = more
	return nil
}

// Resume prepares the rest of the run. Of cfg, the data, the task, the
// functions, MaxSteps, SaveEvery and KeepBest are used, and Threads and the
// recipe's MaxBad if they are not 0; all else is as it was. The run goes on as
// if it had not been interrupted, to the bit, provided that the data and the
// number of threads are the same.
func (s *Saved) Resume(cfg Config) (*Trainer, error) {
	maxBad := cfg.Recipe.MaxBad
	cfg.Model, cfg.Recipe, cfg.Source, cfg.Args, cfg.Dir = s.Model, s.Recipe, s.Source, s.Args, s.dir
	if maxBad != 0 {
		cfg.Recipe.MaxBad = maxBad
	}
	if cfg.Threads == 0 {
		cfg.Threads = s.Threads
	}
	if cfg.Train != nil && cfg.Train.Len() != s.Images {
		return nil, fmt.Errorf("%w: the data has %d images, the run began with %d", ErrCheckpoint, cfg.Train.Len(), s.Images)
	}
	t, err := newTrainer(cfg, s.Extensions)
	if err != nil {
		return nil, err
	}
	if s.Labels != "" && s.Labels != t.labels {
		return nil, fmt.Errorf("%w: the data has other classes or labels than the run began with", ErrCheckpoint)
	}
	if err := t.restore(s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return t, nil
}

// restore reads the tensors of a checkpoint.
func (t *Trainer) restore(s *Saved) error {
	if want := t.metrics; !slices.Equal(want.Train, s.Metrics.Train) || !slices.Equal(want.Val, s.Metrics.Val) || want.Best != s.Metrics.Best {
		return fmt.Errorf("the run has the measures %v and %v, the task %v and %v", s.Metrics.Train, s.Metrics.Val, want.Train, want.Val)
	}
	f, err := weights.Open(filepath.Join(s.dir, LastFile))
	if err != nil {
		return err
	}
	defer f.Close()
	read := func(prefix string, values graph.Values[float32]) error {
		for i, p := range t.cfg.Model.Graph.Params {
			if values[i] == nil {
				continue
			}
			if err := f.Read(prefix+p.Name, values[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if t.step.ema != nil {
		if err := errors.Join(read("", t.step.ema), read(valuesPrefix, t.step.Values())); err != nil {
			return err
		}
	}
	for _, slot := range t.step.slots() {
		if err := read(slotPrefix+slot.Name+"/", slot.Values); err != nil {
			return err
		}
	}
	perEpoch := t.stepsPerEpoch()
	if done := s.state.Step - len(s.state.History)*perEpoch; done < 0 || done > perEpoch {
		return fmt.Errorf("step %d does not follow %d epochs of %d steps", s.state.Step, len(s.state.History), perEpoch)
	}
	t.state, t.resumed = s.state, true
	t.step.steps, t.step.images = s.state.Step, s.state.Images
	clear(t.step.sums)
	copy(t.step.sums, s.state.Sums)
	return t.restoreBest(s.dir)
}

// restoreBest reads the parameters of the best epoch so far, for KeepBest.
func (t *Trainer) restoreBest(dir string) error {
	if !t.cfg.KeepBest || !slices.ContainsFunc(t.state.History, func(e Epoch) bool { return e.Best }) {
		return nil
	}
	o, err := known(t.cfg.Model)
	if err != nil {
		return err
	}
	m, err := model.Open(filepath.Join(dir, BestFile), o)
	if err != nil {
		return err
	}
	t.kept = m.Values
	return nil
}

// known returns how to read other files of a model's network.
func known(m *model.Model) (model.Options, error) {
	spec, err := m.Spec()
	return model.Options{Network: spec}, err
}
