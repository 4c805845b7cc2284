package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Metric is a measure with its name: "train_loss", "train_top1" and what else
// the task sums in training; "val_loss", "top1", "top5" and what else it
// measures on validation images.
type Metric struct {
	Name  string
	Value float64
}

// trainKey returns the name in records of a metric of the training images.
func trainKey(name string) string { return "train_" + name }

// valKey returns the name in records of a metric of the images that are
// measured after an epoch.
func valKey(name string) string {
	if name == "loss" || slices.Contains(epochKeys, name) {
		return "val_" + name
	}
	return name
}

// tag returns the name of a metric in TensorBoard: "loss/train", "top1/val".
func tag(key string) string {
	if name, ok := strings.CutPrefix(key, "train_"); ok {
		return name + "/train"
	}
	return strings.TrimPrefix(key, "val_") + "/val"
}

// Epoch is what is recorded of an epoch.
type Epoch struct {
	// Stage names the run where an epoch is told of among those of others. It is
	// no part of the run's own record.
	Stage     string
	Epoch     int      // counted from 1
	Step      int      // steps done since the start
	LR        float64  // of the last step
	Train     []Metric // means over the epoch's training images
	Validated bool     // Val was measured
	Val       []Metric // on the validation images, fractions where they are parts
	Best      bool     // the best result so far
	Seconds   float64
	// Partial says that the run ended within the epoch, after a number of steps
	// that was asked for.
	Partial bool
}

// Get returns the metric of a name, see Metric; 0 if it was not measured.
func (e *Epoch) Get(name string) float64 {
	v, _ := e.Find(name)
	return v
}

// Find is Get, and reports whether the metric was measured.
func (e *Epoch) Find(name string) (float64, bool) {
	return find(name, e.Train, e.Val)
}

func find(name string, lists ...[]Metric) (float64, bool) {
	for _, list := range lists {
		for _, m := range list {
			if m.Name == name {
				return m.Value, true
			}
		}
	}
	return 0, false
}

// epochKeys are the names in an Epoch's JSON that are no metrics.
var epochKeys = []string{"stage", "epoch", "step", "lr", "validated", "best", "seconds", "partial"}

// MarshalJSON writes one object with the metrics by their names. Values of 0
// are written too: what is missing was not measured.
func (e Epoch) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	var err error
	add := func(name string, v any) {
		text, e := json.Marshal(v)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, e))
		}
		key, _ := json.Marshal(name) // a string is no error
		b.WriteByte([2]byte{'{', ','}[min(b.Len(), 1)])
		b.Write(key)
		b.WriteByte(':')
		b.Write(text)
	}
	if e.Stage != "" {
		add("stage", e.Stage)
	}
	add("epoch", e.Epoch)
	add("step", e.Step)
	add("lr", e.LR)
	for _, m := range e.Train {
		add(m.Name, m.Value)
	}
	add("validated", e.Validated)
	for _, m := range e.Val {
		add(m.Name, m.Value)
	}
	add("best", e.Best)
	add("seconds", e.Seconds)
	if e.Partial {
		add("partial", true)
	}
	b.WriteByte('}')
	return b.Bytes(), err
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Epoch) UnmarshalJSON(text []byte) error {
	*e = Epoch{}
	known := map[string]any{
		"epoch": &e.Epoch, "step": &e.Step, "lr": &e.LR, "validated": &e.Validated,
		"best": &e.Best, "seconds": &e.Seconds, "partial": &e.Partial, "stage": &e.Stage,
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("an epoch is no JSON object"), err)
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string) // keys are strings
		if p := known[key]; p != nil {
			if err := dec.Decode(p); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			continue
		}
		var any any
		if err := dec.Decode(&any); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		v, ok := any.(float64)
		if !ok {
			continue // as encoding/json passes over what it does not know
		}
		if strings.HasPrefix(key, "train_") {
			e.Train = append(e.Train, Metric{key, v})
		} else {
			e.Val = append(e.Val, Metric{key, v})
		}
	}
	return nil
}
