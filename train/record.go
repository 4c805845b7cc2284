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
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train/classify"
	"github.com/mixnet-go/mixnet/train/task"
	"github.com/mixnet-go/mixnet/weights"
)

// recordVersion is the form of Record and state that is written. Version 1 had
// the measures of classification as fields, left out where they were 0.
const recordVersion = 2

// Record is what is written down of a run.
type Record struct {
	Version int           `json:"version"`
	Recipe  recipe.Recipe `json:"recipe"`
	// Extensions are what the run went on with after its end.
	Extensions []Extension  `json:"extensions,omitempty"`
	Metrics    task.Metrics `json:"metrics"`
	Source     string       `json:"source"`
	Images     int          `json:"images"` // of the training data
	Labels     string       `json:"labels"` // a hash of its classes and labels
	Threads    int          `json:"threads"`

	Args map[string]string `json:"args,omitempty"`
}

// length returns how long the run is.
func (r *Record) length() length { return length{&r.Recipe, r.Extensions} }

// Length returns the number of epochs that the run is to have.
func (r *Record) Length() int { return r.length().epochs() }

func (t *Trainer) record() Record {
	return Record{
		Version: recordVersion, Recipe: t.cfg.Recipe, Extensions: t.length.more, Metrics: t.metrics, Source: t.cfg.Source,
		Images: t.cfg.Train.Len(), Labels: t.labels, Threads: t.step.Threads(), Args: t.cfg.Args,
	}
}

// hashLabels tells one data set from another.
func hashLabels(d data.Dataset) string {
	h := fnv.New64a()
	for _, c := range d.Classes() {
		fmt.Fprintf(h, "%q", c)
	}
	var b []byte
	more, _ := d.(data.Digester)
	for i := range d.Len() {
		b = binary.AppendUvarint(b[:0], uint64(d.Label(i)))
		if more != nil {
			b = binary.AppendUvarint(b, more.Digest(i))
		}
		_, _ = h.Write(b) // a hash has no errors
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

// runMeta is the metadata of a checkpoint.
type runMeta struct {
	Record
	State state `json:"state"`
}

// Summary is what a run folder tells without its parameters.
type Summary struct {
	Record
	Network string
	Step    int // steps done
	Epochs  []Epoch
	// Partial is what MaxSteps left of an epoch; nil for nothing.
	Partial *Epoch
	Done    bool
}

// ReadRecord reads the record of the run in a folder.
func ReadRecord(dir string) (*Summary, error) {
	path := filepath.Join(dir, LastFile)
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	run, err := readMeta(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	about, _, err := model.ReadHeader(f)
	if err != nil {
		return nil, err
	}
	return &Summary{
		Record: run.Record, Network: about.Network, Step: run.State.Step, Epochs: run.State.History, Partial: run.State.Partial,
		Done: run.length().finished(run.State.History),
	}, nil
}

// readMeta reads what a checkpoint says of its run.
func readMeta(f *weights.File) (*runMeta, error) {
	text, ok := f.Metadata()[keyRun]
	if !ok {
		return nil, errors.New("it is a model, not the state of a run")
	}
	return parseMeta([]byte(text))
}

// parseMeta reads the metadata of a run.
func parseMeta(text []byte) (*runMeta, error) {
	run := new(runMeta)
	if err := json.Unmarshal(text, run); err != nil {
		return nil, err
	}
	switch run.Version {
	case recordVersion:
	case 1:
		if err := run.fromVersion1(text); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("it has version %d, this program reads 1 to %d", run.Version, recordVersion)
	}
	return run, run.check()
}

// check reports parts of a record that contradict each other.
func (r *runMeta) check() error {
	if r.State.Step < 0 || r.State.Images < 0 || len(r.State.Sums) > len(r.Metrics.Train) || r.Recipe.Epochs < 0 {
		return errors.New("its state contradicts itself")
	}
	from := 1
	for _, m := range r.Extensions {
		if m.From < from || m.Epochs < 1 || m.From > 1e6 || m.Epochs > 1e6 || m.From > len(r.State.History) {
			return fmt.Errorf("it goes on after %d epochs with %d more, which cannot be", m.From, m.Epochs)
		}
		from = m.From + 1
	}
	return nil
}

// fromVersion1 makes r, read from a text of version 1, one of the version that
// is written.
func (r *runMeta) fromVersion1(text []byte) error {
	var old struct {
		State struct {
			Loss    float64 `json:"loss"`
			Correct float64 `json:"correct"`
		} `json:"state"`
	}
	if err := json.Unmarshal(text, &old); err != nil {
		return err
	}
	r.Version = recordVersion
	r.Recipe = r.Recipe.WithoutUnused()
	r.Metrics = (&classify.Task{}).Metrics()
	r.State.Sums = []float64{old.State.Loss, old.State.Correct}
	for i := range r.State.History {
		e := &r.State.History[i]
		e.Train = complete(e, r.Metrics.Train, trainKey)
		if e.Val = slices.DeleteFunc(e.Val, func(Metric) bool { return !e.Validated }); e.Validated {
			e.Val = complete(e, r.Metrics.Val, valKey)
		}
	}
	return nil
}

// complete returns e's metrics of the given names, in order.
func complete(e *Epoch, names []string, key func(string) string) []Metric {
	all := make([]Metric, len(names))
	for i, name := range names {
		all[i] = Metric{key(name), e.Get(key(name))}
	}
	return all
}
