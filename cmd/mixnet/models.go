package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

type modelsCmd struct {
	Filter string `arg:"" optional:"" help:"Only networks whose name or family contains this."`
	Paper  bool   `help:"Table 2 of the MixConv paper, with the paper's figures beside counted ones."`
	Plot   string `placeholder:"FILE" help:"With --paper: draw accuracy over multiply-adds, as figure 7 (.png, .svg, .pdf)."`
	CSV    bool   `name:"csv" help:"With --paper: print CSV."`
	JSON   bool   `name:"json" help:"Print JSON."`

	Vocabulary bool `help:"Describe network files: how to write a network of your own."`
}

// Help says where networks come from.
func (c *modelsCmd) Help() string {
	return `A network of your own is a TOML file in the vocabulary of the zoo's tables: stem, stages with kernels, expansion, squeeze-excite, activation,
stride and repeats, head. Every command takes its path where it takes a name. "mixnet models --vocabulary" describes the file, and
"mixnet info mixnet_s --toml" prints one to start from.`
}

// modelRow is one network in the list.
type modelRow struct {
	zoo.Info
	Params int64 `json:"params"`
	MACs   int64 `json:"macs"`
}

func (c *modelsCmd) Run(e *env) error {
	switch {
	case c.Paper:
		return c.paper(e)
	case c.Vocabulary:
		e.printf("%s", netfile.Vocabulary())
		return nil
	}
	if c.Plot != "" || c.CSV {
		return usagef("--plot and --csv go with --paper")
	}
	rows := []modelRow{}
	for _, s := range zoo.List() {
		info := s.About()
		if !strings.Contains(info.Name, c.Filter) && !strings.Contains(info.Family, c.Filter) {
			continue
		}
		info, _, d, err := describe(s, zoo.Options{})
		if err != nil {
			return err
		}
		info.Weights = slices.Clone(info.Weights)
		for i, w := range info.Weights {
			if w.Input != nil {
				in := w.Input.WithDefaults()
				info.Weights[i].Input = &in
			}
		}
		rows = append(rows, modelRow{info, d.Params, d.MACs})
	}
	if c.JSON {
		return e.json(rows)
	}
	if len(rows) == 0 {
		return fmt.Errorf("no network matches %q; \"mixnet models\" lists all", c.Filter)
	}
	table := [][]string{{"NAME", "PARAMS", "MACS", "INPUT", "PAPER TOP-1", "TOP-5", "PUBLISHED WEIGHTS"}}
	for _, r := range rows {
		in := r.Input
		var top1, top5 string
		if r.Paper != nil {
			top1, top5 = percent(r.Paper.Top1), percent(r.Paper.Top5)
		}
		var tags []string
		for _, w := range r.Weights {
			tags = append(tags, "."+w.Tag)
		}
		table = append(table, []string{
			r.Name, millions(r.Params), millions(r.MACs),
			fmt.Sprintf("%d×%d×%d", in.Size[0], in.Size[1], in.Channels), top1, top5, strings.Join(tags, " "),
		})
	}
	return e.table(table)
}

// describe builds a network and lists its layers at its own input size.
func describe(s zoo.Spec, o zoo.Options) (zoo.Info, *graph.Graph, *zoo.Description, error) {
	info, err := zoo.Adapt(s, o)
	if err != nil {
		return info, nil, nil, err
	}
	g, err := s.Build(o)
	if err != nil {
		return info, nil, nil, err
	}
	size := info.Input.Size
	d, err := zoo.Describe(g, tensor.Shape{N: 1, H: size[0], W: size[1], C: g.Channels()})
	return info, g, d, err
}

func percent(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", v)
}

// millions writes a count in millions, or in thousands below one.
func millions(n int64) string {
	switch {
	case n >= 100e6:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	case n >= 1e6:
		return fmt.Sprintf("%.2fM", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.1fk", float64(n)/1e3)
	}
}
