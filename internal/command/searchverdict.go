package command

import (
	"fmt"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/report"
)

// heldOutMean is a candidate's score on the images that choose, over its seeds.
func heldOutMean(trained []retrained) float64 {
	sum := 0.0
	for _, t := range trained {
		sum += t.score
	}
	return sum / float64(len(trained))
}

// winnerOf returns the best of what was found by its mean on held-out images.
func winnerOf(candidates []search.Candidate, trained [][]retrained) int {
	winner := -1
	for i, c := range candidates {
		if c.Group == search.Found && (winner < 0 || heldOutMean(trained[i]) > heldOutMean(trained[winner])) {
			winner = i
		}
	}
	return winner
}

// judgeGroups lists the candidates with their scores on held-out images, and
// marks the winner.
func judgeGroups(candidates []search.Candidate, trained [][]retrained) []finishedRow {
	rows := make([]finishedRow, len(candidates))
	for i, c := range candidates {
		rows[i] = finishedRow{Group: c.Group, Network: c.Name, MACs: c.Cost.MACs, Params: c.Cost.Params, HeldOut: heldOutMean(trained[i])}
	}
	rows[winnerOf(candidates, trained)].Winner = true
	return rows
}

// open judges the winner, the best of the random search, and all that were not
// chosen among others, on images that nothing has seen.
func (f *finished) open(e *env, candidates []search.Candidate, trained [][]retrained, judge data.Dataset) error {
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
		for _, t := range trained[i] {
			j, err := measure(e, t.model, judge, 0)
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
	return e.table(append([][]string{header}, rows...), "PARAMS", "HELD OUT")
}

// reported is the table of the report.
func (f *finished) reported() report.Table {
	header, rows := f.table()
	for i := range header {
		header[i] = strings.ToLower(header[i])
	}
	return report.Table{
		Caption: fmt.Sprintf("Trained again from scratch; held-out training images chose the winner, %s judged, once. Test: mean over the seeds ± their standard deviation; differences in points, paired by seed, with 95 %% intervals.", plural(f.Images, "test image")),
		Header:  header, Rows: rows,
	}
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
