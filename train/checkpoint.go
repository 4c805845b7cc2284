package train

import (
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/weights"
)

// A checkpoint holds the model under the parameters' own names, as any weight
// file does, and what a resume needs besides under the names below.
const (
	keyRun       = "mixnet.train"
	valuesPrefix = "train/values/" // the weights, where the model is their moving average
	slotPrefix   = "train/slots/"
)

// saveOrWarn saves. A full disk is no reason to stop: what was saved before is
// still there, and there will be another time.
func (t *Trainer) saveOrWarn() {
	t.saved = time.Now()
	if t.records() {
		t.warn(t.save())
	}
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
	t.state.Sums, t.state.Images = t.step.sums, t.step.images
	run, err := json.Marshal(runMeta{t.record(), t.state})
	if err != nil {
		return err
	}
	meta, err := t.cfg.Model.Metadata()
	if err != nil {
		return err
	}
	meta[keyRun] = string(run)
	tensors := t.tensors("", t.step.Result())
	if t.step.ema != nil {
		tensors = append(tensors, t.tensors(valuesPrefix, t.step.Values())...)
	}
	for _, s := range t.step.slots() {
		tensors = append(tensors, t.tensors(slotPrefix+s.Name+"/", s.Values)...)
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
	for i, p := range t.cfg.Model.Graph.Params {
		if values[i] != nil {
			out = append(out, weights.NewTensor(prefix+p.Name, p.Shape, values[i]))
		}
	}
	return out
}
