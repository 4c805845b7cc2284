package command

import (
	"fmt"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/report"
)

// judgeGroups lists the contenders with their scores on held-out images, and
// marks the winner.
func judgeGroups(field []contender) []finishedRow {
	rows := make([]finishedRow, len(field))
	for i := range field {
		c := &field[i]
		rows[i] = finishedRow{Group: c.Group, Network: c.Name, MACs: c.Cost.MACs, Params: c.Cost.Params, HeldOut: c.heldOut()}
	}
	rows[winnerOf(field)].Winner = true
	return rows
}

// open judges the winner, the best of the random search, and all that were not
// chosen among others, on images that nothing has seen.
func (f *finished) open(e *env, field []contender, judge data.Dataset) error {
	f.Images = judge.Len()
	bestRandom := -1
	for i, r := range f.Rows {
		if r.Group == search.RandomSearch && (bestRandom < 0 || r.HeldOut > f.Rows[bestRandom].HeldOut) {
			bestRandom = i
		}
	}
	var winner *finishedRow
	for i := range f.Rows {
		r := &f.Rows[i]
		if r.Group == search.Found && !r.Winner || r.Group == search.RandomSearch && i != bestRandom {
			continue
		}
		for _, t := range field[i].trained {
			j, err := measure(e, t.Model, judge, 0)
			if err != nil {
				return err
			}
			r.tests = append(r.tests, j.Top(1))
		}
		mean, sd := stats.MeanAndSD(r.tests)
		r.Test, r.SD = &mean, sd
		if r.Winner {
			winner = r
		}
	}
	f.Rows = withMean(f.Rows, search.RandomDraw)
	for i := range f.Rows {
		if f.Rows[i].Winner {
			winner = &f.Rows[i]
		}
	}
	for i := range f.Rows {
		if r := &f.Rows[i]; r.Test != nil && !r.Winner {
			if d, ok := stats.Paired(winner.tests, r.tests); ok {
				r.Difference = &d
			}
		}
	}
	return nil
}

// withMean adds the mean of a group, seed by seed.
func withMean(rows []finishedRow, group string) []finishedRow {
	mean := finishedRow{Group: group, Network: "mean of these"}
	n := 0.0
	for _, r := range rows {
		if r.Group != group {
			continue
		}
		n++
		mean.HeldOut, mean.MACs, mean.Params = mean.HeldOut+r.HeldOut, mean.MACs+r.MACs, mean.Params+r.Params
		if mean.tests == nil {
			mean.tests = make([]float64, len(r.tests))
		}
		for k, v := range r.tests {
			mean.tests[k] += v
		}
	}
	if n == 0 {
		return rows
	}
	mean.HeldOut, mean.MACs, mean.Params = mean.HeldOut/n, mean.MACs/int64(n), mean.Params/int64(n)
	for k := range mean.tests {
		mean.tests[k] /= n
	}
	m, sd := stats.MeanAndSD(mean.tests)
	mean.Test, mean.SD = &m, sd
	return append(rows, mean)
}

// verdict says what a difference tells.
func verdict(v *stats.Interval) string {
	switch {
	case v == nil:
		return ""
	case v.Low > 0:
		return "the winner is better"
	case v.High < 0:
		return "the winner is worse"
	}
	return "not distinguishable"
}

func (f *finished) show(e *env, asJSON bool) error {
	if asJSON {
		return e.json(f)
	}
	e.printf("%s trained from scratch for %s with %s each; held-out training images chose the winner, %s judged, once\n\n",
		plural(len(f.Rows), "row"), plural(f.Epochs, "epoch"), plural(f.Seeds, "seed"), plural(f.Images, "test image"))
	header, rows := f.table()
	if err := e.table(append([][]string{header}, rows...), "PARAMS", "HELD OUT"); err != nil || len(f.Parts) == 0 {
		return err
	}
	e.printf("\n")
	header, rows = f.took()
	return e.table(append([][]string{header}, rows...))
}

// took lists what the search and its judgement took.
func (f *finished) took() (header []string, rows [][]string) {
	total := 0.0
	for _, p := range f.Parts {
		name := p.Part
		if p.Shared {
			name += " (shared with other searches)"
		}
		rows = append(rows, []string{name, thousands(int64(p.Networks)), thousands(int64(p.Trainings)), fmt.Sprintf("%.2f", p.Hours)})
		total += p.Hours
	}
	return []string{"PART", "NETWORKS", "TRAININGS", "HOURS OF A THREAD"}, append(rows, []string{"in all", "", "", fmt.Sprintf("%.2f", total)})
}

// reported are the tables of the report.
func (f *finished) reported() []report.Table {
	header, rows := f.table()
	for i := range header {
		header[i] = strings.ToLower(header[i])
	}
	judged := report.Table{
		Caption: fmt.Sprintf("Trained again from scratch; held-out training images chose the winner, %s judged, once. Test: mean over the seeds ± their standard deviation; differences in points, paired by seed, with 95 %% intervals.", plural(f.Images, "test image")),
		Header:  header, Rows: rows,
	}
	if len(f.Parts) == 0 {
		return []report.Table{judged}
	}
	header, rows = f.took()
	for i := range header {
		header[i] = strings.ToLower(header[i])
	}
	return []report.Table{judged, {Caption: "What it took: trainings of one seed each, and hours of one thread.", Header: header, Rows: rows}}
}

// table lists the outcome, for the terminal and the report.
func (f *finished) table() (header []string, rows [][]string) {
	header = []string{"GROUP", "NETWORK", "MACS", "PARAMS", "HELD OUT", "TEST", "WINNER LESS THIS", ""}
	for _, r := range f.Rows {
		test, difference := "–", ""
		if r.Test != nil {
			test = fmt.Sprintf("%s ± %.2f", inPercent(*r.Test), 100*r.SD)
		}
		verdict := verdict(r.Difference)
		if r.Winner {
			verdict = "winner"
		}
		if d := r.Difference; d != nil {
			difference = fmt.Sprintf("%+.2f (%+.2f … %+.2f)", 100*d.Value, 100*d.Low, 100*d.High)
		}
		rows = append(rows, []string{r.Group, r.Network, millions(r.MACs), millions(r.Params), inPercent(r.HeldOut), test, difference, strings.TrimSpace(verdict)})
	}
	return header, rows
}
