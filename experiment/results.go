package experiment

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/nas/store"
)

// Result is what is known of an arm.
type Result struct {
	Planned
	Top1 []float64 `json:"top1"` // by seed, as fractions; of those that are done
	Mean float64   `json:"mean"`
	SD   float64   `json:"sd"`
	// Difference is to the base, as a rule the panel's first arm: paired by seed, with the
	// interval of Student's distribution. Images is the same with the interval of
	// samples of seeds and images. Nil for the base and before there are two seeds.
	Difference *stats.Interval `json:"difference,omitempty"`
	Images     *stats.Interval `json:"difference_by_images,omitempty"`

	seeds    []int
	outcomes []Outcome
	runs     []string
}

// Resolved reports whether both intervals hold no zero.
func (r *Result) Resolved() bool {
	return r.Difference != nil && r.Difference.Resolved() && r.Images.Resolved()
}

// Judged is how many images the trials were judged by.
func Judged(all []Result) int {
	for _, r := range all {
		for _, o := range r.outcomes {
			return o.Images
		}
	}
	return 0
}

// samples are those of bootstrap intervals.
const samples = 1000

// Results sums up the trials of a plan, arm by arm.
func Results(p *Plan, trials []store.Trial) ([]Result, error) {
	all := make([]Result, len(p.Arms))
	for i, a := range p.Arms {
		all[i].Planned = a
	}
	for _, t := range trials {
		if t.State != store.Done {
			continue
		}
		arm, seed, err := p.trial(t.Arch)
		if err != nil {
			return nil, err
		}
		o, err := OutcomeOf(t)
		if err != nil {
			return nil, err
		}
		r := &all[arm]
		r.Top1, r.seeds, r.outcomes, r.runs = append(r.Top1, t.Score), append(r.seeds, seed), append(r.outcomes, o), append(r.runs, o.Run)
	}
	e, err := Lookup(p.Experiment)
	if err != nil {
		return nil, err
	}
	same := e.kind.base
	if same == nil {
		same = func(of, arm *Planned) bool { return of.Panel == arm.Panel }
	}
	for i := range all {
		r := &all[i]
		if len(r.Top1) > 0 {
			r.Mean, r.SD = stats.MeanAndSD(r.Top1)
		}
		for j := range i {
			if same(&r.Planned, &all[j].Planned) {
				r.compare(&all[j], p.Seed)
				break
			}
		}
	}
	return all, nil
}

// compare sets the differences to another arm, from the seeds that both have.
func (r *Result) compare(base *Result, seed uint64) {
	var own, other []float64
	var rows [][]int8
	for i, s := range r.seeds {
		for j, t := range base.seeds {
			a, b := &r.outcomes[i], &base.outcomes[j]
			if s != t || a.Images != b.Images || a.Images == 0 {
				continue
			}
			own, other = append(own, r.Top1[i]), append(other, base.Top1[j])
			row := make([]int8, a.Images)
			for k := range row {
				switch x, y := a.right(k), b.right(k); {
				case x && !y:
					row[k] = 1
				case y && !x:
					row[k] = -1
				}
			}
			rows = append(rows, row)
		}
	}
	if d, ok := stats.Paired(own, other); ok {
		by := stats.Bootstrap(rows, samples, seed)
		r.Difference, r.Images = &d, &by
	}
}

// WriteCSV writes a row for every trial that is done.
func WriteCSV(w io.Writer, p *Plan, all []Result) error {
	out := csv.NewWriter(w)
	rows := [][]string{{
		"experiment", "preset", "panel", "series", "arm", "params", "macs", "seed", "top1", "run",
		"paper_params", "paper_macs", "paper_mflops", "paper_top1",
	}}
	for _, r := range all {
		for i, v := range r.Top1 {
			rows = append(rows, []string{
				p.Experiment, p.Preset, r.Panel, r.Series, r.Label, strconv.FormatInt(r.Params, 10), strconv.FormatInt(r.MACs, 10),
				strconv.FormatUint(p.Seed+uint64(r.seeds[i]), 10), strconv.FormatFloat(v, 'f', -1, 64), r.runs[i],
				number(r.PaperParams), number(r.PaperMACs), decimal(r.FLOPS), decimal(r.Arm.Top1),
			})
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("experiment %s: %w", p.Experiment, err)
	}
	return nil
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
