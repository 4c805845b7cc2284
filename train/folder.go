package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/cpu"
	"github.com/mixnet-go/mixnet/internal/tfevents"
	"github.com/mixnet-go/mixnet/model"
)

// ErrOccupied says that a run folder holds another run.
var ErrOccupied = errors.New("the folder holds another run: resume it or choose another folder")

// startFolder makes the run folder and writes what is known before the first
// step. After a resume it brings the metrics in line with the state, which
// they may be one epoch ahead of or behind.
func (t *Trainer) startFolder() error {
	if t.cfg.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(t.cfg.Dir, 0o777); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	if !t.resumed {
		last := filepath.Join(t.cfg.Dir, LastFile)
		if _, err := os.Stat(last); err == nil {
			return fmt.Errorf("%w: %s", ErrOccupied, last)
		}
		if err := t.save(); err != nil {
			return err
		}
	}
	config, err := json.MarshalIndent(struct {
		model.Header
		Record
		Environment environment `json:"environment"`
	}{t.cfg.Model.Header, t.recordOf(), currentEnvironment()}, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(filepath.Join(t.cfg.Dir, ConfigFile), append(config, '\n')); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	var metrics bytes.Buffer
	for _, e := range t.state.History {
		if err := json.NewEncoder(&metrics).Encode(e); err != nil {
			return err
		}
	}
	if err := atomicfile.WriteBytes(filepath.Join(t.cfg.Dir, MetricsFile), metrics.Bytes()); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	events := tfevents.Header(time.Now())
	for _, e := range t.state.History {
		events = append(events, event(e)...)
	}
	if err := atomicfile.WriteBytes(filepath.Join(t.cfg.Dir, EventsFile), events); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	return nil
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

// event returns the TensorBoard record of an epoch.
func event(e Epoch) []byte {
	scalars := map[string]float64{"loss/train": e.TrainLoss, "top1/train": e.TrainTop1, "lr": e.LR, "seconds": e.Seconds}
	if e.Validated {
		scalars["loss/val"], scalars["top1/val"], scalars["top5/val"] = e.ValLoss, e.Top1, e.Top5
	}
	return tfevents.Event{Time: time.Now(), Step: int64(e.Epoch), Scalars: scalars}.Record()
}

// record appends an epoch to the metrics.
func (t *Trainer) record(e Epoch) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return errors.Join(
		appendTo(filepath.Join(t.cfg.Dir, MetricsFile), append(line, '\n')),
		appendTo(filepath.Join(t.cfg.Dir, EventsFile), event(e)),
	)
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
