package experiment

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/store"
)

// Record is an experiment as it is kept beside its page: with the table of its
// trials it is all that the page is made of.
type Record struct {
	Plan    *Plan  `json:"plan"`
	Command string `json:"command"` // that makes it
	Data    string `json:"data"`    // what it was trained on, in words
	// Date is of the last trial; Version and Machine are those that did them.
	Date    string `json:"date"`
	Version string `json:"version"`
	Machine string `json:"machine,omitempty"`
}

// Page is the page of the record's experiment after some trials.
func (r *Record) Page(trials []store.Trial) (*Page, error) {
	e, err := Lookup(r.Plan.Experiment)
	if err != nil {
		return nil, err
	}
	all, err := Results(r.Plan, trials)
	if err != nil {
		return nil, err
	}
	g := &Page{Experiment: e, Plan: r.Plan, Results: all, Claims: Judge(e, r.Plan, all), Command: r.Command, Data: "the training images of the " + r.Data, Judged: grouped(int64(Judged(all))) + " images", Figures: e.Figures(all)}
	g.Made = fmt.Sprintf("Made %s by mixnet %s", r.Date, r.Version)
	if r.Machine != "" {
		g.Made += " on " + r.Machine
	}
	return g, nil
}

// Write writes the record as JSON.
func (r *Record) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// ReadRecord reads a record that Write wrote.
func ReadRecord(text []byte) (*Record, error) {
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("experiment: %w", err)
	}
	if r.Plan == nil {
		return nil, fmt.Errorf("experiment: %w: there is no plan", ErrOther)
	}
	return &r, r.Plan.known()
}

// columns of the table of trials.
var columns = []string{
	"experiment", "preset", "panel", "series", "arm", "params", "macs", "seed", "top1", "run",
	"paper_params", "paper_macs", "paper_mflops", "paper_top1", "seconds", "images", "right", "details",
}

// WriteCSV writes the table of an experiment, as a rule a row for every trial
// that is done. The run is relative to the
// experiment's folder; right has a bit for every image, as base64, the first in
// the lowest bit of the first byte.
func WriteCSV(w io.Writer, p *Plan, all []Result) error {
	if e, err := Lookup(p.Experiment); err != nil || e.kind.csv != nil {
		if err != nil {
			return err
		}
		return e.kind.csv(w, p)
	}
	rows := [][]string{columns}
	for _, r := range all {
		if r.Listed {
			row, err := p.listed(&r)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		for i, v := range r.Top1 {
			o := r.outcomes[i]
			rows = append(rows, []string{
				p.Experiment, p.Preset, r.Panel, r.Series, r.Label, strconv.FormatInt(r.Params, 10), strconv.FormatInt(r.MACs, 10),
				strconv.FormatUint(p.Seed+uint64(r.seeds[i]), 10), strconv.FormatFloat(v, 'f', -1, 64), p.relative(o.Run),
				number(r.PaperParams), number(r.PaperMACs), decimal(r.FLOPS), decimal(r.Arm.Top1),
				strconv.FormatFloat(o.Seconds, 'f', 1, 64), number(int64(o.Images)), base64.StdEncoding.EncodeToString(o.Right), string(o.Details),
			})
		}
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("experiment %s: %w", p.Experiment, err)
	}
	return nil
}

// listed is the row of an arm without trials: of those are no seed, top-1 and
// what else they lead to. What is printed of it is among the details.
func (p *Plan) listed(r *Result) ([]string, error) {
	details, err := json.Marshal(r.Row)
	if r.Row == nil {
		details = nil
	}
	return []string{
		p.Experiment, p.Preset, r.Panel, r.Series, r.Label, number(r.Params), number(r.MACs), "", "", "",
		number(r.PaperParams), number(r.PaperMACs), decimal(r.FLOPS), decimal(r.Arm.Top1), "", "", "", string(details),
	}, err
}

// relative returns a run folder as seen from the experiment's.
func (p *Plan) relative(run string) string {
	if rel, err := filepath.Rel(filepath.Dir(p.Dir), run); p.Dir != "" && err == nil {
		return filepath.ToSlash(rel)
	}
	return run
}

// ReadCSV reads the trials of a plan that WriteCSV wrote; none of a plan without.
func ReadCSV(r io.Reader, p *Plan) ([]store.Trial, error) {
	if p.Trials() == 0 {
		return nil, nil
	}
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("experiment %s: %w", p.Experiment, err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], columns) {
		return nil, fmt.Errorf("experiment %s: this is no table of its trials", p.Experiment)
	}
	var trials []store.Trial
	for i, row := range rows[1:] {
		if row[slices.Index(columns, "seed")] == "" {
			continue // an arm that is only listed
		}
		t, err := p.read(row)
		if err != nil {
			return nil, fmt.Errorf("experiment %s: row %d: %w", p.Experiment, i+2, err)
		}
		t.Number = len(trials)
		trials = append(trials, t)
	}
	return trials, nil
}

// read reads a row of the table of trials.
func (p *Plan) read(row []string) (store.Trial, error) {
	value := func(column string) string { return row[slices.Index(columns, column)] }
	t := store.Trial{State: store.Done, Parent: -1}
	arm := slices.IndexFunc(p.Arms, func(a Planned) bool {
		return a.Panel == value("panel") && a.Series == value("series") && a.Label == value("arm")
	})
	seed, err := strconv.ParseUint(value("seed"), 10, 64)
	if err != nil {
		return t, err
	}
	if arm < 0 || seed < p.Seed || seed-p.Seed >= uint64(p.Seeds) {
		return t, fmt.Errorf("the plan has no %s, %s %s with seed %d", value("panel"), value("series"), value("arm"), seed)
	}
	t.Arch = p.arch(arm, int(seed-p.Seed))
	if t.Score, err = strconv.ParseFloat(value("top1"), 64); err != nil {
		return t, err
	}
	o := Outcome{Run: value("run"), Details: json.RawMessage(value("details"))}
	if o.Seconds, err = strconv.ParseFloat(value("seconds"), 64); err != nil {
		return t, err
	}
	if v := value("images"); v != "" {
		if o.Images, err = strconv.Atoi(v); err != nil {
			return t, err
		}
	}
	if o.Right, err = base64.StdEncoding.DecodeString(value("right")); err != nil {
		return t, err
	}
	if len(o.Details) == 0 {
		o.Details = nil
	}
	t.Info, err = json.Marshal(o)
	return t, err
}

// arch is the trial of an arm with a seed.
func (p *Plan) arch(arm, seed int) nas.Arch {
	return nas.Arch{uint8(arm / digit), uint8(arm % digit), uint8(seed / digit), uint8(seed % digit)}
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func decimal(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
