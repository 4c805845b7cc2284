package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/filelock"
	"github.com/mixnet-go/mixnet/internal/tfevents"
	"github.com/mixnet-go/mixnet/model"
)

// Files of a run folder.
const (
	LastFile    = "last.safetensors"             // the newest state, with all that a resume needs
	BestFile    = "best.safetensors"             // the model of the epoch with the best result
	ConfigFile  = "config.json"                  // Record
	MetricsFile = "metrics.jsonl"                // one Epoch a line
	EventsFile  = "events.out.tfevents.1.mixnet" // the same for TensorBoard
	lockFile    = "run.lock"                     // there while a run works
)

// ErrOccupied says that a run folder holds another run.
var ErrOccupied = errors.New("the folder holds another run: resume it or choose another folder")

// ErrBusy says that another process, or another run of this one, works in a
// run folder.
var ErrBusy = errors.New("another process is training in this folder")

// Claim makes a new folder for a run in parent, which is made too: name or, if
// that is taken, name with a number. No two callers get the same.
func Claim(parent, name string) (dir string, err error) {
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return "", fmt.Errorf("run folder: %w", err)
	}
	for i := 1; i < 1e6; i++ {
		dir := filepath.Join(parent, fmt.Sprintf("%s-%d", name, i))
		err := os.Mkdir(dir, 0o777)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("run folder: %w", err)
		}
	}
	return "", fmt.Errorf("run folder: %s is full of runs of %s", parent, name)
}

// Unclaim removes a claimed folder again, unless there is something in it.
func Unclaim(dir string) { _ = os.Remove(dir) }

// folder is a run folder.
type folder string

func (t *Trainer) folder() folder { return folder(t.cfg.Dir) }

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

// lock keeps other runs out until release is called.
func (f folder) lock() (release func(), err error) {
	l, err := filelock.Try(f.path(lockFile))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("%w: %s", ErrBusy, string(f))
	}
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	return l.Remove, nil
}

// records reports whether this process keeps a run folder.
func (t *Trainer) records() bool { return t.cfg.Dir != "" && t.ranks.leads() }

// open meets the other ranks, which must be about to do the same, and opens the
// run folder: no rank has more to read of it then.
func (t *Trainer) open() (release func(), err error) {
	if t.ranks == nil {
		return t.openFolder()
	}
	facts, err := t.facts()
	if err := t.ranks.meet(atBegin, t.state.Step, err); err != nil {
		return nil, err
	}
	if err := t.ranks.agree(facts); err != nil {
		return nil, err
	}
	release, err = t.openFolder()
	if err := t.ranks.meet(atFolder, t.state.Step, err); err != nil {
		if release != nil {
			release()
		}
		return nil, err
	}
	return release, nil
}

// openFolder makes and locks the run folder, and writes what is known before
// the next step.
func (t *Trainer) openFolder() (release func(), err error) {
	if !t.records() {
		return func() {}, nil
	}
	if err := os.MkdirAll(t.cfg.Dir, 0o777); err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	if release, err = t.folder().lock(); err != nil {
		return nil, err
	}
	if err := t.startFolder(); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// startFolder writes the first state of a run, or checks that the folder holds
// the state that it goes on from. The metrics, which may be one epoch ahead of
// or behind that, are brought in line with it.
func (t *Trainer) startFolder() error {
	for _, name := range []string{LastFile, BestFile, ConfigFile, MetricsFile, EventsFile} {
		atomicfile.RemoveStale(t.folder().path(name))
	}
	if err := t.checkFolder(); err != nil {
		return err
	}
	if !t.resumed {
		if err := t.save(); err != nil {
			return err
		}
	}
	return t.folder().begin(t.cfg.Model.Header, t.record(), t.state.History)
}

// checkFolder reports a folder that holds another run, or another state of this
// one. A run that has made no step is none.
func (t *Trainer) checkFolder() error {
	last := t.folder().path(LastFile)
	if !holdsRun(t.cfg.Dir) {
		return nil
	}
	saved, err := ReadRecord(t.cfg.Dir)
	if !t.resumed {
		if err != nil || saved.Step > 0 || len(saved.Epochs) > 0 {
			return fmt.Errorf("%w: %s", ErrOccupied, last)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if saved.Step != t.state.Step || len(saved.Epochs) != len(t.state.History) {
		return fmt.Errorf("%w: %s: it has gone on since it was opened", ErrBusy, last)
	}
	return nil
}

// abandonFolder removes the files of a run that came to nothing.
func (t *Trainer) abandonFolder() {
	if !t.records() {
		return
	}
	for _, name := range []string{LastFile, BestFile, ConfigFile, MetricsFile, EventsFile} {
		_ = os.Remove(t.folder().path(name))
	}
}

// begin writes what a run is, and its metrics so far.
func (f folder) begin(h model.Header, r Record, history []Epoch) error {
	config, err := json.MarshalIndent(struct {
		model.Header
		Record
		Environment environment `json:"environment"`
	}{h, r, currentEnvironment()}, "", "  ")
	if err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	var metrics bytes.Buffer
	events := tfevents.Header(time.Now())
	for _, e := range history {
		if err := json.NewEncoder(&metrics).Encode(e); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
		events = append(events, event(e)...)
	}
	for name, content := range map[string][]byte{ConfigFile: append(config, '\n'), MetricsFile: metrics.Bytes(), EventsFile: events} {
		if err := atomicfile.WriteBytes(f.path(name), content); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	return nil
}

// append adds an epoch to the metrics.
func (f folder) append(e Epoch) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return errors.Join(appendTo(f.path(MetricsFile), append(line, '\n')), appendTo(f.path(EventsFile), event(e)))
}

func appendTo(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// event returns the TensorBoard record of an epoch.
func event(e Epoch) []byte {
	scalars := map[string]float64{"lr": e.LR, "seconds": e.Seconds}
	for _, list := range [][]Metric{e.Train, e.Val} {
		for _, m := range list {
			scalars[tag(m.Name)] = m.Value
		}
	}
	return tfevents.Event{Time: time.Now(), Step: int64(e.Epoch), Scalars: scalars}.Record()
}

// environment is where a run was computed.
type environment struct {
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Kernels  string `json:"kernels"` // the instruction set they are written for
	Cores    int    `json:"cores"`
}

func currentEnvironment() environment {
	return environment{
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Kernels: cpu.Current().String(), Cores: runtime.NumCPU(),
	}
}
