package command

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/latency"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/spacefile"
	"github.com/mixnet-go/mixnet/report"
)

type searchLatencyCmd struct {
	Space      string `arg:"" optional:"" default:"mixnet-small" help:"The space: a name of \"mixnet search spaces\", or a TOML file."`
	Output     string `short:"o" placeholder:"FILE" help:"Where to write the times, for \"mixnet search new --latency\". Default: SPACE.latency.json."`
	Data       string `short:"d" placeholder:"DIR" help:"The images of the search: their classes and size are the networks'. Default: the built-in Fashion-MNIST subset."`
	Size       int    `placeholder:"PX" help:"Size of the networks' input, as for new."`
	ForThreads []int  `placeholder:"N,..." help:"Threads of one image; a table each. Default: 1 and all cores."`
	MaxMacs    amount `placeholder:"N" help:"Most multiply-adds of the networks that predictions are fitted to and tried on."`
	MinMacs    amount `placeholder:"N" help:"Least multiply-adds of those."`
	Networks   int    `default:"30" placeholder:"N" help:"Networks to fit to; as many others to try on, and as many of nearly equal multiply-adds."`
	Runs       int    `default:"5" placeholder:"N" help:"Runs of every network; the fastest counts."`
	Seed       uint64 `default:"0" placeholder:"N" help:"Seed of the networks' choice."`
	JSON       bool   `name:"json" help:"Print JSON."`
}

// Help explains what the figures say.
func (c *searchLatencyCmd) Help() string {
	return `Every block of the space is timed inside of networks, as they run them; a whole network is predicted from the sum of its blocks.
How good that is is tried on networks that were not in the fit: over all sizes, and within a band of nearly equal multiply-adds, where
multiply-adds alone say little. Nothing else should run meanwhile.`
}

// latencyView is how good a table is.
type latencyView struct {
	Threads int             `json:"threads"`
	Blocks  int             `json:"pieces"`
	Fit     latency.Quality `json:"fit"`
	Test    latency.Quality `json:"test"`
	Band    latency.Quality `json:"band"`
}

// latencyResult is what was measured, in short.
type latencyResult struct {
	File   string        `json:"file"`
	Space  string        `json:"space"`
	Tables []latencyView `json:"tables"`
}

func (c *searchLatencyCmd) Run(e *env) error {
	if c.Networks < 5 || c.Networks > 1000 {
		return usagef("--networks %d: between 5 and 1000", c.Networks)
	}
	if c.Runs < 1 || c.Size < 0 {
		return usagef("--runs and --size are at least 1")
	}
	threads := c.ForThreads
	if len(threads) == 0 {
		threads = slices.Compact([]int{1, e.cores()})
	}
	for _, n := range threads {
		if n < 1 || n > 1024 {
			return usagef("--for-threads %d: between 1 and 1024", n)
		}
	}
	space, err := c.adapted(e)
	if err != nil {
		return err
	}
	path := c.Output
	if path == "" {
		path = space.Name() + ".latency.json"
	}
	var tables []*latency.Table
	result := latencyResult{File: path, Space: space.Name()}
	for _, n := range threads {
		t, err := c.measure(e, space, n)
		if err != nil {
			return err
		}
		tables = append(tables, t)
		result.Tables = append(result.Tables, latencyView{n, len(t.Pieces), latency.QualityOf(t.Fit), latency.QualityOf(t.Test), latency.QualityOf(t.Band)})
	}
	text, err := json.MarshalIndent(tables, "", " ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(path, append(text, '\n')); err != nil {
		return err
	}
	if c.JSON {
		return e.json(result)
	}
	return c.print(e, &result)
}

// adapted returns the space as a search of the images would have it.
func (c *searchLatencyCmd) adapted(e *env) (*nas.TableSpace, error) {
	space, err := spacefile.Lookup(c.Space)
	if err != nil {
		return nil, usageError{err}
	}
	splits, err := e.openData(c.Data)
	if err != nil {
		return nil, err
	}
	e.tell(splits)
	table, err := search.Adapt(space.Table, splits.Train, inputSize(c.Size, space, splits.Train))
	if err != nil {
		return nil, err
	}
	return nas.NewTable(table)
}

func (c *searchLatencyCmd) measure(e *env, space *nas.TableSpace, threads int) (*latency.Table, error) {
	p := e.newProgress(plural(threads, "thread"), "networks", 0)
	defer p.done()
	return latency.Measure(e.ctx, space, latency.Options{
		Machine: fmt.Sprintf("%s/%s, %s", runtime.GOOS, runtime.GOARCH, plural(runtime.NumCPU(), "core")),
		Threads: threads, Runs: c.Runs, Networks: c.Networks, Seed: c.Seed,
		Limits: nas.Limits{MACs: int64(c.MaxMacs), MinMACs: int64(c.MinMacs)},
		Progress: func(done, total int) {
			p.total = int64(total)
			p.update(int64(done), "")
		},
	})
}

func (c *searchLatencyCmd) print(e *env, r *latencyResult) error {
	rows := [][]string{{"THREADS", "NETWORKS", "MEAN ERROR", "R²", "WITHIN 10%", "τ", "τ OF MULTIPLY-ADDS"}}
	for _, t := range r.Tables {
		for _, q := range []struct {
			name string
			latency.Quality
		}{{"fitted", t.Fit}, {"others", t.Test}, {"others in a band", t.Band}} {
			rows = append(rows, append([]string{strconv.Itoa(t.Threads)}, qualityCells(q.name, q.Quality)...))
		}
	}
	if err := e.table(rows); err != nil {
		return err
	}
	e.printf("%s: %s of the space %s\n", r.File, plural(r.Tables[0].Blocks, "block"), r.Space)
	return nil
}

// qualityCells are what tables say of some networks.
func qualityCells(name string, q latency.Quality) []string {
	return []string{
		fmt.Sprintf("%d %s", q.Networks, name), inPercent(q.MAPE), fmt.Sprintf("%.3f", q.R2), inPercent(q.Within10), fmt.Sprintf("%.2f", q.Tau), fmt.Sprintf("%.2f", q.TauMACs),
	}
}

// latencyFlags say which predicted times a search keeps to.
type latencyFlags struct {
	MaxLatency     time.Duration `placeholder:"TIME" help:"Longest predicted time of one image, such as 2ms. Needs --latency."`
	Latency        string        `placeholder:"FILE" help:"What \"mixnet search latency\" measured: predicted times are then listed, too."`
	LatencyThreads int           `default:"1" placeholder:"N" help:"The table of the file to use, by its threads."`
}

// table reads the table of predicted times, if one is given, and sees that it
// has all blocks of the space.
func (c *latencyFlags) table(t nas.Table) (*latency.Table, error) {
	if c.Latency == "" {
		if c.MaxLatency != 0 {
			return nil, usagef("--max-latency needs the file of \"mixnet search latency\": --latency FILE")
		}
		return nil, nil
	}
	all, err := readLatency(c.Latency)
	if err != nil {
		return nil, err
	}
	var threads []string
	for i := range all {
		if all[i].Threads != c.LatencyThreads {
			threads = append(threads, strconv.Itoa(all[i].Threads))
			continue
		}
		space, err := nas.NewTable(t)
		if err == nil {
			err = all[i].Check(space)
		}
		if err == nil {
			err = all[i].Covers(space)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w: measure it for this space, --data and --size", c.Latency, err)
		}
		return &all[i], nil
	}
	return nil, usagef("%s has no table for --latency-threads %d, but for %s", c.Latency, c.LatencyThreads, strings.Join(threads, " and "))
}

// maxLatencyFile bounds a file of times.
const maxLatencyFile = 64 << 20

// readLatency reads the tables of a file.
func readLatency(path string) ([]latency.Table, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxLatencyFile {
		return nil, fmt.Errorf("%s: %s: too large for a latency table", path, formatBytes(info.Size()))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []latency.Table
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s: not what \"mixnet search latency\" writes: %w", path, err)
	}
	return all, nil
}

// seconds writes a short time.
func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(10 * time.Microsecond).String()
}

// latencyReport shows predicted beside measured times.
func latencyReport(t *latency.Table) (report.Figure, report.Table, error) {
	ms := func(points []latency.Point) []chart.Point {
		var out []chart.Point
		for _, p := range points {
			out = append(out, chart.Point{X: 1000 * p.Measured, Y: 1000 * p.Predicted, Label: fmt.Sprintf("%s multiply-adds: %s, predicted %s", millions(p.MACs), seconds(p.Measured), seconds(p.Predicted))})
		}
		return out
	}
	least, most := math.Inf(1), 0.0
	for _, points := range [][]latency.Point{t.Test, t.Band} {
		for _, p := range points {
			least, most = min(least, p.Measured), max(most, p.Measured)
		}
	}
	figure, err := twoWidths(&chart.Chart{
		Title: "Latency predicted and measured", X: chart.Axis{Label: "measured (ms)"}, Y: chart.Axis{Label: "predicted (ms)"},
		Series: []chart.Series{
			{Name: "equal", Points: []chart.Point{{X: 1000 * least, Y: 1000 * least}, {X: 1000 * most, Y: 1000 * most}}},
			{Name: "others", Points: ms(t.Test), Scatter: true},
			{Name: "others of nearly equal multiply-adds", Points: ms(t.Band), Scatter: true},
		},
	}, fmt.Sprintf("Networks that the prediction was not fitted to, on %s, %s, %s kernels.", t.Machine, plural(t.Threads, "thread"), t.Kernels))
	table := report.Table{Caption: "How well latency is predicted", Header: []string{"networks", "mean error", "R²", "within 10 %", "τ", "τ of multiply-adds"}}
	for _, r := range []struct {
		name   string
		points []latency.Point
	}{{"fitted", t.Fit}, {"others", t.Test}, {fmt.Sprintf("others within ±%g %% of multiply-adds", 100*t.BandShare), t.Band}} {
		table.Rows = append(table.Rows, qualityCells(r.name, latency.QualityOf(r.points)))
	}
	return figure, table, err
}
