package search

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/mixnet-go/mixnet/nas/store"
)

// Operations, directions and states of Optuna's journal.
const (
	opCreateStudy  = 0
	opStudyAttr    = 2
	opCreateTrial  = 4
	maximize       = 2
	minimize       = 1
	optunaRunning  = 0
	optunaComplete = 1
	optunaFail     = 3
	optunaWaiting  = 4
)

// WriteOptuna writes a search as a journal file of Optuna, which its storage
// JournalFileBackend reads: a study with two objectives, the score, to be
// maximised, and multiply-adds, to be minimised; every decision is a categorical
// parameter.
func (s *Search) WriteOptuna(w io.Writer, all []store.Trial) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	line := func(op int, fields map[string]any) error {
		fields["op_code"], fields["worker_id"] = op, "mixnet"
		return enc.Encode(fields)
	}
	if err := line(opCreateStudy, map[string]any{"study_name": s.Name, "directions": []int{maximize, minimize}}); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	for key, value := range map[string]any{"space": s.Space.Name(), "strategy": s.Strategy, "seed": s.Seed} {
		if err := line(opStudyAttr, map[string]any{"study_id": 0, "user_attr": map[string]any{key: value}}); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	distributions, err := s.distributions()
	if err != nil {
		return err
	}
	for _, t := range all {
		fields, err := s.optunaTrial(t)
		if err != nil {
			return err
		}
		fields["distributions"] = distributions
		if err := line(opCreateTrial, fields); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	return out.Flush()
}

// distributions describes the decisions.
func (s *Search) distributions() (map[string]string, error) {
	all := map[string]string{}
	for _, d := range s.Space.Decisions() {
		text, err := json.Marshal(map[string]any{"name": "CategoricalDistribution", "attributes": map[string]any{"choices": d.Options}})
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		all[d.Name] = string(text)
	}
	return all, nil
}

func (s *Search) optunaTrial(t store.Trial) (map[string]any, error) {
	o := OutcomeOf(t)
	if o.MACs == 0 {
		cost, err := s.Costs.Of(t.Arch)
		if err != nil {
			return nil, err
		}
		o.Cost = cost
	}
	params := map[string]int{}
	for i, d := range s.Space.Decisions() {
		params[d.Name] = int(t.Arch[i])
	}
	curve := map[string]float64{}
	for i, v := range o.Curve {
		curve[fmt.Sprint(i+1)] = v
	}
	attrs := map[string]any{
		"arch": t.Key, "epochs": t.Fidelity, "macs": o.MACs, "params": o.Params, "activations": o.Activations, "parent": t.Parent,
	}
	for key, text := range map[string]string{"run": o.Run, "network": o.Network, "error": t.Error} {
		if text != "" {
			attrs[key] = text
		}
	}
	fields := map[string]any{
		"study_id": 0, "params": params, "user_attrs": attrs, "system_attrs": map[string]any{}, "intermediate_values": curve,
		"value": nil, "values": nil, "datetime_start": optunaTime(t.Started),
	}
	fields["state"] = map[store.State]int{store.Waiting: optunaWaiting, store.Running: optunaRunning, store.Done: optunaComplete, store.Failed: optunaFail}[t.State]
	if t.State == store.Done {
		fields["values"] = []float64{t.Score, float64(o.MACs)}
	}
	if t.State == store.Done || t.State == store.Failed {
		fields["datetime_complete"] = optunaTime(t.Finished)
	}
	return fields, nil
}

// optunaTime is a time as Optuna reads it, null for none.
func optunaTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Format("2006-01-02T15:04:05.000000")
}
