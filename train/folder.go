package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
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
	}{t.cfg.Model.Header, t.recordOf()}, "", "  ")
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
	return nil
}

// record appends an epoch to the metrics.
func (t *Trainer) record(e Epoch) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(t.cfg.Dir, MetricsFile), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}
