package command

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
)

type compareCmd struct {
	Names []string      `arg:"" name:"name" help:"Networks to set side by side; weight files, quantized ones too, or ONNX files."`
	Batch int           `short:"b" default:"1" placeholder:"N" help:"Images in a call, for the time."`
	Time  time.Duration `default:"1s" help:"How long to measure each; 0 means not at all."`
	JSON  bool          `name:"json" help:"Print JSON."`
	precisionFlag
}

// Help explains the columns.
func (c *compareCmd) Help() string {
	return `MACS are the multiply-adds of one image, ACTIVATIONS the values that all its convolutions write, and MEMORY is what the engine needs for
one call besides the parameters: the activations that are alive at the same time, and scratch. PAPER is the published top-1, or mAP on COCO, where there
is one. The networks are measured in turns; SPREAD is by how much the median of the slowest turn is above that of the fastest.`
}

// comparison is one network of a comparison.
type comparison struct {
	Network      string  `json:"network"`
	Params       int64   `json:"params"`
	MACs         int64   `json:"macs"`
	Input        [2]int  `json:"input"`
	Activations  int64   `json:"activations"`          // outputs of all convolutions, elements an image
	MemoryMB     float64 `json:"memory_mb"`            // of the engine for one call: activations alive at the same time
	PaperTop1    float64 `json:"paper_top1,omitempty"` // a fraction
	PaperMAP     float64 `json:"paper_map,omitempty"`  // a fraction
	MedianMS     float64 `json:"median_ms,omitempty"`
	MinMS        float64 `json:"min_ms,omitempty"`
	Spread       float64 `json:"spread,omitempty"` // the slowest turn's median above the fastest's, a fraction of that
	ImagesPerSec float64 `json:"images_per_s,omitempty"`
}

// compared is a network that is measured.
type compared struct {
	comparison
	job
	info  zoo.Info
	own   bool // weights, of a file
	turns [][]time.Duration
}

func (c *compareCmd) Run(e *env) error {
	if c.Batch < 1 || c.Batch > maxBatch {
		return usagef("--batch %d: between 1 and %d", c.Batch, maxBatch)
	}
	all := make([]*compared, len(c.Names))
	for i, name := range c.Names {
		r, err := c.prepare(e, name)
		if err != nil {
			return err
		}
		defer r.close()
		all[i] = r
	}
	if c.Time > 0 {
		if err := c.measure(e, all); err != nil {
			return err
		}
	}
	rows := make([]comparison, len(all))
	for i, r := range all {
		rows[i] = r.comparison
	}
	if c.JSON {
		return e.json(rows)
	}
	table := [][]string{{"NETWORK", "INPUT", "PARAMS", "MACS", "ACTIVATIONS", "MEMORY", "PAPER", "MEDIAN", "MIN", "SPREAD", "IMAGES/S"}}
	for _, r := range rows {
		row := []string{r.Network, fmt.Sprintf("%d×%d", r.Input[0], r.Input[1]), millions(r.Params), millions(r.MACs), millions(r.Activations), fmt.Sprintf("%.1f MB", r.MemoryMB), statedAccuracy(&paperFigures{Top1: r.PaperTop1, MAP: r.PaperMAP})}
		if r.MedianMS > 0 {
			row = append(row, fmt.Sprintf("%.2f ms", r.MedianMS), fmt.Sprintf("%.2f ms", r.MinMS), fmt.Sprintf("%.0f %%", 100*r.Spread), formatRate(r.ImagesPerSec))
		} else {
			row = append(row, "", "", "", "")
		}
		table = append(table, row)
	}
	if err := e.table(table, "INPUT", "ACTIVATIONS", "PAPER", "IMAGES/S", "SPREAD", "MEMORY", "MIN"); err != nil {
		return err
	}
	e.stated(all)
	if c.Time > 0 {
		e.printf("\nbatch %d, %d threads, %s, measured in turns\n", c.Batch, e.cores(), weightsOf(all))
		c.doubt(e, rows)
	}
	return nil
}

// stated prints what publications count of networks that find objects, and why
// that is not what is counted here.
func (e *env) stated(all []*compared) {
	text, note := "", ""
	for _, r := range all {
		if p := r.info.Paper; p != nil && p.MAP > 0 {
			text += fmt.Sprintf("%s: %s\n", r.Network, published(p))
			note = r.info.Note
		}
	}
	if text != "" {
		e.printf("\n%s%s\n", text, note)
	}
}

// weightsOf says which weights networks are measured with.
func weightsOf(all []*compared) string {
	var random []string
	for _, r := range all {
		if !r.own {
			random = append(random, r.Network)
		}
	}
	switch len(random) {
	case 0:
		return "the weights of the files"
	case len(all):
		return "random weights"
	}
	return "random weights of " + strings.Join(random, ", ")
}

// doubt warns of times that say little.
func (c *compareCmd) doubt(e *env, rows []comparison) {
	const much = 0.25
	var names []string
	for _, r := range rows {
		if r.Spread > much || r.MedianMS > (1+2*much)*r.MinMS {
			names = append(names, r.Network)
		}
	}
	if len(names) > 0 {
		e.warn("the times of %s vary much: is the machine busy? a longer --time helps", strings.Join(names, ", "))
	}
}

// prepare compiles a network and counts what it is made of.
func (c *compareCmd) prepare(e *env, name string) (*compared, error) {
	spec, options, err := (&infoCmd{Name: name}).network()
	if err != nil {
		return nil, err
	}
	info, g, d, err := describe(spec, options)
	if err != nil {
		return nil, err
	}
	r := &compared{comparison: comparison{Network: g.Name, Params: d.Params, MACs: d.MACs, Input: info.Input.Size, Activations: d.Activations}}
	r.info = info
	if p := figuresOf(info.Paper); p != nil {
		r.PaperTop1, r.PaperMAP = p.Top1, p.MAP
	}
	how := engine.Options{Threads: e.cores(), MaxConcurrent: 1, Precision: c.Precision}
	program := (*measured)(nil)
	if namesModel(name) {
		r.Network, r.own = name, true
		program, err = (&benchNetwork{Name: name}).program(how)
	} else {
		program, err = randomProgram(name, how)
	}
	if err != nil {
		return nil, err
	}
	x := tensor.New[float32](tensor.Shape{N: c.Batch, H: r.Input[0], W: r.Input[1], C: g.Channels()})
	pattern(x)
	profile, err := program.Profile(e.ctx, x, 1)
	if err != nil {
		program.Close()
		return nil, err
	}
	r.MemoryMB = float64(profile.ArenaBytes+profile.ScratchBytes) / (1 << 20)
	own, err := program.caller(x.Shape, mixnet.DefaultScore)
	if err != nil {
		program.Close()
		return nil, err
	}
	r.job = job{run: func() error { return own.run(e.ctx, x) }, close: program.Close}
	return r, nil
}

// comparisonTurns is how often every network has its turn.
const comparisonTurns = 8

// measure takes the times of all networks in turns, so that what else the
// machine does meets all of them.
func (c *compareCmd) measure(e *env, all []*compared) error {
	bar := e.newProgress("measuring", "turns", int64(comparisonTurns*len(all)))
	defer bar.done()
	for turn := range comparisonTurns {
		for i, r := range all {
			bar.update(int64(turn*len(all)+i), r.Network)
			if err := r.run(); err != nil { // the caches are the network's own
				return err
			}
			var times []time.Duration
			for begin := time.Now(); len(times) == 0 || time.Since(begin) < c.Time/comparisonTurns; {
				start := time.Now()
				if err := r.run(); err != nil {
					return err
				}
				times = append(times, time.Since(start))
			}
			slices.Sort(times)
			r.turns = append(r.turns, times)
		}
	}
	for _, r := range all {
		r.settle(c.Batch)
	}
	return nil
}

// settle computes the figures from the times.
func (r *compared) settle(batch int) {
	var medians []time.Duration
	for _, t := range r.turns {
		medians = append(medians, t[len(t)/2])
	}
	times := slices.Sorted(slices.Values(slices.Concat(r.turns...)))
	median := max(times[len(times)/2], 1)
	r.MedianMS, r.MinMS, r.ImagesPerSec = ms(median), ms(times[0]), float64(batch)/median.Seconds()
	r.Spread = slices.Max(medians).Seconds()/max(slices.Min(medians), 1).Seconds() - 1
}
