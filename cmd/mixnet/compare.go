package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

type compareCmd struct {
	Names []string      `arg:"" name:"name" help:"Networks to set side by side."`
	Batch int           `short:"b" default:"1" placeholder:"N" help:"Images in a call, for the time."`
	Time  time.Duration `default:"1s" help:"How long to measure each; 0 means not at all."`
	JSON  bool          `name:"json" help:"Print JSON."`
}

// comparison is one network of a comparison.
type comparison struct {
	Network      string  `json:"network"`
	Params       int64   `json:"params"`
	MACs         int64   `json:"macs"`
	Input        [2]int  `json:"input"`
	Activations  int64   `json:"activations"` // outputs of all convolutions, elements an image
	MemoryMB     float64 `json:"memory_mb"`   // of the engine for one call: activations alive at the same time
	PaperTop1    float64 `json:"paper_top1,omitempty"`
	MedianMS     float64 `json:"median_ms,omitempty"`
	MinMS        float64 `json:"min_ms,omitempty"`
	ImagesPerSec float64 `json:"images_per_s,omitempty"`
}

func (c *compareCmd) Run(e *env) error {
	if c.Batch < 1 {
		return usagef("--batch %d: at least 1", c.Batch)
	}
	rows := make([]comparison, 0, len(c.Names))
	bar := e.newProgress("measuring", "networks", int64(len(c.Names)))
	for i, name := range c.Names {
		bar.update(int64(i), name)
		r, err := c.one(e, name)
		if err != nil {
			bar.done()
			return err
		}
		rows = append(rows, r)
	}
	bar.done()
	if c.JSON {
		return e.json(rows)
	}
	table := [][]string{{"NETWORK", "INPUT", "PARAMS", "MACS", "ACTIVATIONS", "MEMORY", "PAPER TOP-1", "MEDIAN", "MIN", "IMAGES/S"}}
	for _, r := range rows {
		row := []string{r.Network, fmt.Sprintf("%d×%d", r.Input[0], r.Input[1]), millions(r.Params), millions(r.MACs), millions(r.Activations), fmt.Sprintf("%.1f MB", r.MemoryMB), percent(r.PaperTop1)}
		if r.MedianMS > 0 {
			row = append(row, fmt.Sprintf("%.2f ms", r.MedianMS), fmt.Sprintf("%.2f ms", r.MinMS), formatRate(r.ImagesPerSec))
		} else {
			row = append(row, "", "", "")
		}
		table = append(table, row)
	}
	if err := e.table(table); err != nil {
		return err
	}
	if c.Time > 0 {
		e.printf("\nbatch %d, %d threads, random weights\n", c.Batch, e.cores())
	}
	return nil
}

func (c *compareCmd) one(e *env, name string) (comparison, error) {
	spec, err := netfile.Lookup(name)
	if err != nil {
		return comparison{}, err
	}
	info, g, d, err := describe(spec, zoo.Options{})
	if err != nil {
		return comparison{}, err
	}
	r := comparison{Network: g.Name, Params: d.Params, MACs: d.MACs, Input: info.Input.Size, Activations: d.Activations}
	if info.Paper != nil {
		r.PaperTop1 = info.Paper.Top1
	}
	m, err := model.New(spec, zoo.Options{}, nil, 1)
	if err != nil {
		return r, err
	}
	program, err := engine.Compile(m.Graph, m.Values, engine.Options{Threads: e.cores(), MaxConcurrent: 1})
	if err != nil {
		return r, err
	}
	defer program.Close()
	x := tensor.New[float32](tensor.Shape{N: c.Batch, H: r.Input[0], W: r.Input[1], C: g.Channels()})
	pattern(x)
	profile, err := program.Profile(e.ctx, x, 1)
	if err != nil {
		return r, err
	}
	r.MemoryMB = float64(profile.ArenaBytes+profile.ScratchBytes) / (1 << 20)
	if c.Time <= 0 {
		return r, nil
	}
	out := tensor.New[float32](tensor.Shape{N: c.Batch, H: 1, W: 1, C: g.Classes()})
	j := &job{run: func() error { return program.Run(e.ctx, out, x) }}
	times, err := j.measure(e, c.Time)
	if err != nil {
		return r, err
	}
	slices.Sort(times)
	median := times[len(times)/2]
	r.MedianMS, r.MinMS, r.ImagesPerSec = ms(median), ms(times[0]), float64(c.Batch)/median.Seconds()
	return r, nil
}
