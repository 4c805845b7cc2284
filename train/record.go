package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/weights"
)

// Summary is what a run folder tells without its parameters.
type Summary struct {
	Record
	Network string
	Epochs  []Epoch
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
	return &Summary{Record: run.Record, Network: about.Network, Epochs: run.State.History, Done: finished(run.Recipe, run.State.History)}, nil
}

// readMeta reads what a checkpoint says of its run.
func readMeta(f *weights.File) (*runMeta, error) {
	text, ok := f.Metadata()[keyRun]
	if !ok {
		return nil, errors.New("it is a model, not the state of a run")
	}
	var run runMeta
	if err := json.Unmarshal([]byte(text), &run); err != nil {
		return nil, err
	}
	if run.Version != recordVersion {
		return nil, fmt.Errorf("it has version %d, this program reads %d", run.Version, recordVersion)
	}
	return &run, nil
}
