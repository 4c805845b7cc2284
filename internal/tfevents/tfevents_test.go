package tfevents

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The bytes are those that TensorBoard 2.21.0's own writer makes of the event.
func TestRecordBytes(t *testing.T) {
	e := Event{Time: time.UnixMicro(1500000), Step: 300, Scalars: map[string]float64{"loss": 0.5}}
	const want = "1b000000000000001a0d9e1309000000000000f83f10ac022a0d0a0b0a046c6f7373150000003f69f9315b"
	if got := hex.EncodeToString(e.Record()); got != want {
		t.Errorf("record %s, want %s", got, want)
	}
}

// TestTensorBoardReads has TensorBoard read a file back. It needs a Python
// with the package tensorboard, named by MIXNET_TENSORBOARD_PYTHON.
func TestTensorBoardReads(t *testing.T) {
	python := os.Getenv("MIXNET_TENSORBOARD_PYTHON")
	if python == "" {
		t.Skip("set MIXNET_TENSORBOARD_PYTHON to a Python that has tensorboard")
	}
	dir := t.TempDir()
	now := time.Unix(1e9, 0)
	file := Header(now)
	for step := range int64(3) {
		file = append(file, Event{Time: now, Step: step, Scalars: map[string]float64{"top1/val": 0.25 * float64(step), "loss/train": 1}}.Record()...)
	}
	if err := os.WriteFile(filepath.Join(dir, "events.out.tfevents.1.mixnet"), file, 0o666); err != nil {
		t.Fatal(err)
	}
	const script = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]); a.Reload()
print(json.dumps({t: [[s.step, s.value] for s in a.Scalars(t)] for t in a.Tags()['scalars']}))`
	out, err := exec.Command(python, "-c", script, dir).Output()
	if err != nil {
		t.Fatalf("%s: %v", python, err)
	}
	var got map[string][][2]float64
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	want := [][2]float64{{0, 0}, {1, 0.25}, {2, 0.5}}
	if len(got) != 2 || len(got["top1/val"]) != 3 || got["top1/val"][2] != want[2] || got["top1/val"][1] != want[1] {
		t.Errorf("TensorBoard read %v", got)
	}
}
