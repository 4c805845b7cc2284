package command

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"

	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/zoo"
)

// paper prints table 2 of the MixConv paper beside our counts.
func (c *modelsCmd) paper(e *env) error {
	rows, err := zoo.PaperTable()
	if err != nil {
		return err
	}
	if c.Plot != "" {
		if err := figure7(rows).WriteFile(c.Plot); err != nil {
			return err
		}
	}
	switch {
	case c.JSON:
		return e.json(paperRows(rows))
	case c.CSV:
		return paperCSV(e, rows)
	}
	table := [][]string{{"SYSTEM", "TYPE", "PARAMS", "COUNTED", "FLOPS", "COUNTED MACS", "TOP-1", "TOP-5", "NETWORK"}}
	for _, r := range rows {
		name := r.System
		if r.Figure {
			name += " (figure 7)"
		}
		table = append(table, []string{
			name, r.Kind, figure(r.Params, "M"), counted(r.CountedParams), figure(r.FLOPS, "M"), counted(r.CountedMACs),
			score(r.Top1), score(r.Top5), r.Network,
		})
	}
	if err := e.table(table, "TYPE", "PARAMS", "FLOPS", "TOP-5"); err != nil {
		return err
	}
	e.printf("\n")
	for _, r := range rows {
		if r.Note != "" {
			e.printf("%s: %s\n", r.System, r.Note)
		}
	}
	return nil
}

// paperRow is a row in JSON, its accuracies as fractions.
type paperRow struct {
	zoo.PaperRow
	Top1 float64 `json:"top1,omitempty"`
	Top5 float64 `json:"top5,omitempty"`
}

func paperRows(rows []zoo.PaperRow) []paperRow {
	out := make([]paperRow, len(rows))
	for i, r := range rows {
		out[i] = paperRow{r, fraction(r.Top1), fraction(r.Top5)}
	}
	return out
}

// figure writes a published number, or a dash where none is published.
func figure(v float64, unit string) string {
	if v == 0 {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + unit
}

// score writes an accuracy as figure writes a number, with one decimal.
func score(v float64) string {
	if v == 0 {
		return "–"
	}
	return percent(v)
}

func counted(n int64) string {
	if n == 0 {
		return "–"
	}
	return thousands(n)
}

func paperCSV(e *env, rows []zoo.PaperRow) error {
	w := csv.NewWriter(e.stdout)
	_ = w.Write([]string{"system", "type", "series", "figure_7_only", "params_millions", "flops_millions", "top1", "top5", "network", "counted_params", "counted_macs", "note"})
	number := func(v float64) string {
		if v == 0 {
			return ""
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	for _, r := range rows {
		_ = w.Write([]string{
			r.System, r.Kind, r.Series, strconv.FormatBool(r.Figure), number(r.Params), number(r.FLOPS), number(fraction(r.Top1)), number(fraction(r.Top5)), r.Network,
			number(float64(r.CountedParams)), number(float64(r.CountedMACs)), r.Note,
		})
	}
	w.Flush()
	return w.Error()
}

// figure7MaxFLOPS leaves out ResNet, as figure 7 does.
const figure7MaxFLOPS = 700

// figure7 draws accuracy over multiply-adds, a curve for each family.
func figure7(rows []zoo.PaperRow) *chart.Chart {
	c := &chart.Chart{Title: "ImageNet accuracy over multiply-adds (MixConv paper, figure 7)", X: chart.Axis{Label: "multiply-adds in millions, as published"}, Y: chart.Axis{Label: "ImageNet top-1 accuracy (%)"}, Labels: true}
	for _, r := range rows {
		if r.FLOPS == 0 || r.FLOPS > figure7MaxFLOPS || r.Top1 == 0 {
			continue
		}
		i := slices.IndexFunc(c.Series, func(s chart.Series) bool { return s.Name == r.Series })
		if i < 0 {
			i = len(c.Series)
			c.Series = append(c.Series, chart.Series{Name: r.Series, Strong: r.Series == "MixNet"})
		}
		c.Series[i].Points = append(c.Series[i].Points, chart.Point{X: r.FLOPS, Y: r.Top1, Label: fmt.Sprintf("%s  %.1f", r.System, r.Top1)})
	}
	for _, s := range c.Series {
		slices.SortFunc(s.Points, func(a, b chart.Point) int { return int(a.X - b.X) })
	}
	return c
}
