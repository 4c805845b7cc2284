package train

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/weights"
)

// Files of a run folder.
const (
	LastFile    = "last.safetensors"             // the newest state, with all that a resume needs
	BestFile    = "best.safetensors"             // the model of the epoch with the highest top-1
	ConfigFile  = "config.json"                  // Record
	MetricsFile = "metrics.jsonl"                // one Epoch a line
	EventsFile  = "events.out.tfevents.1.mixnet" // the same for TensorBoard
)

// A checkpoint holds the model under the parameters' own names, as any weight
// file does, and what a resume needs besides under the names below.
const (
	keyRun        = "mixnet.train"
	valuesPrefix  = "train/values/" // the weights, where the model is their moving average
	slotPrefix    = "train/slots/"
	recordVersion = 1
)

// Record is what is written down of a run.
type Record struct {
	Version int           `json:"version"`
	Recipe  recipe.Recipe `json:"recipe"`
	Source  string        `json:"source"`
	Images  int           `json:"images"` // of the training data
	Labels  string        `json:"labels"` // a hash of its classes and labels
	Threads int           `json:"threads"`

	Args map[string]string `json:"args,omitempty"`
}

// runMeta is the metadata of a checkpoint.
type runMeta struct {
	Record
	State state `json:"state"`
}

func (t *Trainer) recordOf() Record {
	return Record{
		Version: recordVersion, Recipe: t.cfg.Recipe, Source: t.cfg.Source,
		Images: t.cfg.Train.Len(), Labels: t.labels, Threads: t.memory.Pool().Threads(), Args: t.cfg.Args,
	}
}

// hashLabels tells one data set from another.
func hashLabels(d data.Dataset) string {
	h := fnv.New64a()
	for _, c := range d.Classes() {
		fmt.Fprintf(h, "%q", c)
	}
	var b []byte
	for i := range d.Len() {
		b = binary.AppendUvarint(b[:0], uint64(d.Label(i)))
		_, _ = h.Write(b) // a hash has no errors
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

// save writes the last checkpoint. The best one comes first, should it be due:
// what the last one says of it is then true, whatever happens in between.
func (t *Trainer) save() error {
	if t.bestDue {
		if err := t.saveBest(); err != nil {
			return err
		}
		t.bestDue = false
	}
	run, err := json.Marshal(runMeta{t.recordOf(), t.state})
	if err != nil {
		return err
	}
	meta, err := t.cfg.Model.Metadata()
	if err != nil {
		return err
	}
	meta[keyRun] = string(run)
	tensors := t.tensors("", t.best())
	if t.ema != nil {
		tensors = append(tensors, t.tensors(valuesPrefix, t.values)...)
	}
	for _, s := range t.updater.slots {
		tensors = append(tensors, t.tensors(slotPrefix+s.name+"/", s.values)...)
	}
	return weights.WriteFile(filepath.Join(t.cfg.Dir, LastFile), tensors, meta)
}

// saveBest writes the model alone.
func (t *Trainer) saveBest() error {
	meta, err := t.cfg.Model.Metadata()
	if err != nil {
		return err
	}
	return weights.WriteFile(filepath.Join(t.cfg.Dir, BestFile), t.tensors("", t.kept), meta)
}

// tensors describes values for writing, leaving out those that are nil.
func (t *Trainer) tensors(prefix string, values graph.Values[float32]) []weights.Tensor {
	var out []weights.Tensor
	for i, p := range t.graph.Params {
		if values[i] != nil {
			out = append(out, weights.NewTensor(prefix+p.Name, p.Shape, values[i]))
		}
	}
	return out
}

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

// Open reads the state of the run in a folder. Resume continues it.
func Open(dir string) (*Saved, error) {
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
	m, err := model.FromFile(f, model.Options{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return &Saved{Record: meta.Record, Model: m, dir: dir, state: meta.State}, nil
}

// Done reports whether the run has ended.
func (s *Saved) Done() bool { return finished(s.Recipe, s.state.History) }

// Epochs returns what was recorded.
func (s *Saved) Epochs() []Epoch { return slices.Clone(s.state.History) }

// Resume prepares the rest of the run. Of cfg, the data, the functions and
// SaveEvery are used, and Threads if it is not 0; all else is as it was. The
// run goes on as if it had not been interrupted, to the bit, provided that the
// data and the number of threads are the same.
func (s *Saved) Resume(cfg Config) (*Trainer, error) {
	cfg.Model, cfg.Recipe, cfg.Source, cfg.Args, cfg.Dir = s.Model, s.Recipe, s.Source, s.Args, s.dir
	if cfg.Threads == 0 {
		cfg.Threads = s.Threads
	}
	if cfg.Train != nil && cfg.Train.Len() != s.Images {
		return nil, fmt.Errorf("%w: the data has %d images, the run began with %d", ErrCheckpoint, cfg.Train.Len(), s.Images)
	}
	t, err := New(cfg)
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
	f, err := weights.Open(filepath.Join(s.dir, LastFile))
	if err != nil {
		return err
	}
	defer f.Close()
	read := func(prefix string, values graph.Values[float32]) error {
		for i, p := range t.graph.Params {
			if values[i] == nil {
				continue
			}
			if err := f.Read(prefix+p.Name, values[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if t.ema != nil {
		if err := errors.Join(read("", t.ema), read(valuesPrefix, t.values)); err != nil {
			return err
		}
	}
	for _, slot := range t.updater.slots {
		if err := read(slotPrefix+slot.name+"/", slot.values); err != nil {
			return err
		}
	}
	perEpoch := t.stepsPerEpoch()
	if done := s.state.Step - len(s.state.History)*perEpoch; done < 0 || done > perEpoch {
		return fmt.Errorf("step %d does not follow %d epochs of %d steps", s.state.Step, len(s.state.History), perEpoch)
	}
	t.state, t.resumed = s.state, true
	return t.restoreBest(s.dir)
}

// restoreBest reads the parameters of the best epoch so far, for KeepBest.
func (t *Trainer) restoreBest(dir string) error {
	if !t.cfg.KeepBest || !slices.ContainsFunc(t.state.History, func(e Epoch) bool { return e.Best }) {
		return nil
	}
	m, err := model.Open(filepath.Join(dir, BestFile), model.Options{})
	if err != nil {
		return err
	}
	t.kept = m.Values
	return nil
}
