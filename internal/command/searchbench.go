package command

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/spacefile"
)

type searchBenchCmd struct {
	Table      string   `arg:"" help:"A CSV file with a row for each network: its key, which has a digit or letter for every decision of the space, and its score; a third column is what networks found are judged by, by default the score."`
	Space      string   `default:"nas-bench-macro" placeholder:"NAME|FILE" help:"The space of the keys."`
	Strategies []string `placeholder:"NAME,..." help:"The strategies to try; all by default."`
	Budget     []int    `default:"50,100" placeholder:"N,..." help:"After how many networks to look."`
	Runs       int      `default:"20" placeholder:"N" help:"Searches of each, with seeds from --seed on."`
	Seed       uint64   `default:"0" placeholder:"N" help:"Seed of the first search."`
	MaxMacs    amount   `placeholder:"N" help:"Most multiply-adds of a network."`
	JSON       bool     `name:"json" help:"Print JSON."`
}

// benched is a strategy on a table.
type benched struct {
	Strategy string  `json:"strategy"`
	Budget   int     `json:"budget"`
	Mean     float64 `json:"mean_score"`     // of the best network found
	SD       float64 `json:"score_sd"`       // between searches
	Error    float64 `json:"standard_error"` // of the mean
	Runs     int     `json:"runs"`
}

// scoreTable is a table of networks.
type scoreTable struct {
	chosen, judged map[string]float64 // by canonical key
}

func (c *searchBenchCmd) Run(e *env) error {
	space, err := spacefile.Lookup(c.Space)
	if err != nil {
		return usageError{err}
	}
	table, err := readScores(c.Table, space)
	if err != nil {
		return err
	}
	names := c.Strategies
	if len(names) == 0 {
		names, _ = nas.Strategies()
	}
	most := 0
	for _, b := range c.Budget {
		if b < 1 {
			return usagef("--budget %d: at least 1", b)
		}
		most = max(most, b)
	}
	if c.Runs < 1 || c.Runs > 1e6 {
		return usagef("--runs %d: between 1 and 1,000,000", c.Runs)
	}
	costs := nas.NewCosts(space)
	within := costs.Within(nas.Limits{MACs: int64(c.MaxMacs)})
	feasible := func(a nas.Arch) bool {
		_, known := table.chosen[a.String()]
		return known && (c.MaxMacs == 0 || within(a))
	}
	var all []benched
	for _, name := range names {
		found := make([][]float64, len(c.Budget))
		for run := range c.Runs {
			if err := e.ctx.Err(); err != nil {
				return err
			}
			if err := benchRun(space, name, c.Seed+uint64(run), most, feasible, table, c.Budget, found); err != nil {
				return err
			}
		}
		for i, b := range c.Budget {
			mean, sd := stats.MeanAndSD(found[i])
			all = append(all, benched{name, b, mean, sd, sd / math.Sqrt(float64(c.Runs)), c.Runs})
		}
	}
	if c.JSON {
		return e.json(all)
	}
	rows := [][]string{{"STRATEGY", "NETWORKS", "BEST FOUND", "±", "SD", "RUNS"}}
	for _, b := range all {
		rows = append(rows, []string{b.Strategy, strconv.Itoa(b.Budget), fmt.Sprintf("%.4g", b.Mean), fmt.Sprintf("%.2g", b.Error), fmt.Sprintf("%.2g", b.SD), strconv.Itoa(b.Runs)})
	}
	return e.table(rows)
}

// benchRun is one search on the table.
func benchRun(space nas.Space, name string, seed uint64, most int, feasible func(nas.Arch) bool, table *scoreTable, budgets []int, found [][]float64) error {
	strategy, err := nas.NewStrategy(name)
	if err != nil {
		return usageError{err}
	}
	p := &nas.Problem{Space: space, Feasible: feasible, Seed: seed}
	h := &nas.History{}
	for i := range most {
		next, err := strategy.Propose(p, h)
		if err != nil && !errors.Is(err, nas.ErrExhausted) {
			return err
		}
		if err == nil {
			key := next.Arch.String()
			h.Add(nas.Trial{Arch: next.Arch, Parent: next.Parent, Done: true, Score: table.chosen[key]})
		}
		for j, b := range budgets {
			if b == i+1 {
				best, ok := h.Best()
				if !ok {
					return fmt.Errorf("no network of the table is within the limits")
				}
				found[j] = append(found[j], table.judged[best.Arch.String()])
			}
		}
	}
	return nil
}

// Bounds of a table.
const maxTableRows = 1 << 22

// readScores reads a table. A first row that is no network is its header.
func readScores(path string, space nas.Space) (*scoreTable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t := &scoreTable{map[string]float64{}, map[string]float64{}}
	in := csv.NewReader(f)
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	for row := 1; ; row++ {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if row > maxTableRows {
			return nil, fmt.Errorf("%s: more than %d rows", path, maxTableRows)
		}
		if len(fields) < 2 {
			return nil, fmt.Errorf("%s:%d: want a key and a score", path, row)
		}
		a, err := nas.ParseArch(space, strings.TrimSpace(fields[0]))
		score, bad := strconv.ParseFloat(strings.TrimSpace(fields[1]), 64)
		if err != nil || bad != nil || math.IsNaN(score) {
			if row == 1 {
				continue
			}
			return nil, fmt.Errorf("%s:%d: %w", path, row, errors.Join(err, bad))
		}
		key := space.Canonical(a).String()
		t.chosen[key], t.judged[key] = score, score
		if len(fields) > 2 {
			if t.judged[key], err = strconv.ParseFloat(strings.TrimSpace(fields[2]), 64); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, row, err)
			}
		}
	}
	if len(t.chosen) == 0 {
		return nil, fmt.Errorf("%s: no network of the space %s in it", path, space.Name())
	}
	return t, nil
}
