package command

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

type modelsCmd struct {
	Filter string `arg:"" optional:"" help:"Only networks whose name or family contains this."`
	Sort   string `default:"family" enum:"family,name,params,macs,paper,weights" help:"Order: family, name, params, macs, paper (its top-1, best first) or weights (theirs, best first)."`
	Paper  bool   `help:"Table 2 of the MixConv paper, with the paper's figures beside counted ones."`
	Plot   string `placeholder:"FILE" help:"With --paper: draw accuracy over multiply-adds, as figure 7 (.png, .svg, .pdf)."`
	CSV    bool   `name:"csv" help:"With --paper: print CSV."`
	JSON   bool   `name:"json" help:"Print JSON."`

	Vocabulary bool `help:"Describe network files: how to write a network of your own."`
}

// Help says where networks come from.
func (c *modelsCmd) Help() string {
	return `PAPER is the top-1 that the network's publication states, or of a network that finds objects the mAP on COCO. WEIGHTS are published ones, fetched by a name such as mixnet_s.ft_in1k where a
command takes a model, with the top-1 that timm measured of them and the size of the download.

A network of your own is a TOML file in the vocabulary of the zoo's tables: stem, stages with kernels, expansion, squeeze-excite, activation,
stride and repeats, head. Every command takes its path where it takes a name. "mixnet models --vocabulary" describes the file, and
"mixnet info mixnet_s --toml" prints one to start from.`
}

// modelRow is one network in the list.
type modelRow struct {
	zoo.Info
	Paper   *paperFigures  `json:"paper,omitempty"` // stands for Info's
	Weights []weightFigure `json:"weights,omitempty"`
	Params  int64          `json:"params"`
	MACs    int64          `json:"macs"`
}

// paperFigures is what a publication states of a network, accuracies as
// fractions.
type paperFigures struct {
	Source string  `json:"source"`
	Params float64 `json:"params_millions,omitempty"`
	FLOPS  float64 `json:"flops_millions,omitempty"`
	Top1   float64 `json:"top1,omitempty"`
	Top5   float64 `json:"top5,omitempty"`
	MAP    float64 `json:"map,omitempty"` // of a detector on COCO
}

func figuresOf(p *zoo.Paper) *paperFigures {
	if p == nil {
		return nil
	}
	return &paperFigures{p.Source, p.Params, p.FLOPS, fraction(p.Top1), fraction(p.Top5), fraction(p.MAP)}
}

// fraction is a share in per cent as one of 1, without the dust of a division.
func fraction(percent float64) float64 { return math.Round(percent*1e4) / 1e6 }

// weightFigure are published weights.
type weightFigure struct {
	Tag   string           `json:"tag"`
	Input input.Preprocess `json:"input"`
	Top1  float64          `json:"top1,omitempty"` // as timm measured it
	Top5  float64          `json:"top5,omitempty"`
	Bytes int64            `json:"bytes"` // of the values in the file
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
	for _, s := range everyNetwork() {
		info := s.About()
		if !strings.Contains(info.Name, c.Filter) && !strings.Contains(info.Family, c.Filter) {
			continue
		}
		r, err := newModelRow(s)
		if err != nil {
			return err
		}
		rows = append(rows, r)
	}
	c.order(rows)
	if c.JSON {
		return e.json(rows)
	}
	if len(rows) == 0 {
		return fmt.Errorf("no network matches %q; %q lists all", c.Filter, e.command("models"))
	}
	return e.table(modelTable(rows), "DOWNLOAD", "INPUT", "MACS", "PAPER")
}

// everyNetwork returns the networks that classify, then those that find objects.
func everyNetwork() []zoo.Spec {
	all := zoo.List()
	for _, d := range zoo.Detectors() {
		all = append(all, d)
	}
	return all
}

func newModelRow(s zoo.Spec) (modelRow, error) {
	info, g, d, err := describe(s, zoo.Options{})
	if err != nil {
		return modelRow{}, err
	}
	r := modelRow{Info: info, Paper: figuresOf(info.Paper), Params: d.Params, MACs: d.MACs}
	var values int64
	for _, p := range g.Params {
		values += int64(p.Len())
	}
	for _, w := range info.Weights {
		f := weightFigure{Tag: w.Tag, Input: info.Input, Bytes: 4 * values}
		if w.Input != nil {
			f.Input = w.Input.WithDefaults()
		}
		f.Top1, f.Top5, _ = zoo.Measured(info.Name + "." + w.Tag)
		r.Weights = append(r.Weights, f)
	}
	return r, nil
}

// order sorts the rows as --sort says; equal ones stay as the zoo has them.
func (c *modelsCmd) order(rows []modelRow) {
	best := func(r modelRow) float64 {
		top1 := 0.0
		for _, w := range r.Weights {
			top1 = max(top1, w.Top1)
		}
		return top1
	}
	stated := func(r modelRow) float64 {
		if r.Paper == nil {
			return 0
		}
		return r.Paper.Top1
	}
	slices.SortStableFunc(rows, func(a, b modelRow) int {
		switch c.Sort {
		case "name":
			return strings.Compare(a.Name, b.Name)
		case "params":
			return cmp.Compare(a.Params, b.Params)
		case "macs":
			return cmp.Compare(a.MACs, b.MACs)
		case "paper":
			return cmp.Compare(stated(b), stated(a))
		case "weights":
			return cmp.Compare(best(b), best(a))
		}
		return 0
	})
}

func modelTable(rows []modelRow) [][]string {
	table := [][]string{{"NAME", "PARAMS", "MACS", "INPUT", "PAPER", "WEIGHTS", "TOP-1", "DOWNLOAD"}}
	for _, r := range rows {
		stated := ""
		if r.Paper != nil {
			stated = statedAccuracy(r.Paper)
		}
		row := []string{r.Name, millions(r.Params), millions(r.MACs), fmt.Sprintf("%d×%d×%d", r.Input.Size[0], r.Input.Size[1], r.Input.Channels), stated}
		if len(r.Weights) == 0 {
			table = append(table, append(row, "", "", ""))
		}
		for _, w := range r.Weights {
			table = append(table, append(row, "."+w.Tag, percent(100*w.Top1), fmt.Sprintf("%.0f MB", float64(w.Bytes)/1e6)))
			row = []string{"", "", "", "", ""}
		}
	}
	return table
}

// statedAccuracy is what a publication says of a network, in per cent.
func statedAccuracy(p *paperFigures) string {
	if p != nil && p.MAP > 0 {
		return "mAP " + percent(100*p.MAP)
	}
	if p == nil {
		return ""
	}
	return percent(100 * p.Top1)
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
