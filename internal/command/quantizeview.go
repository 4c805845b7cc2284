package command

import (
	"fmt"
	"os"
	"strings"

	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/quantize"
	"github.com/mixnet-go/mixnet/report"
)

// quantized is the JSON of quantize.
type quantized struct {
	File    string `json:"file"`
	Network string `json:"network"`
	Data    string `json:"data"`
	Bytes   int64  `json:"bytes"`
	Floats  int64  `json:"float_bytes"` // of the same weights as floats
	*quantize.Result

	of quantizeSets
}

func (c *quantizeCmd) outcome(r *quantize.Result, sets *quantizeSets) (*quantized, error) {
	info, err := os.Stat(c.To)
	if err != nil {
		return nil, err
	}
	out := &quantized{File: c.To, Network: r.Model.Network, Data: c.Data, Bytes: info.Size(), Result: r, of: *sets}
	for _, p := range r.Model.Graph.Params {
		out.Floats += 4 * int64(p.Len())
	}
	return out, nil
}

// reasons say why a layer stays in floats.
var reasons = map[quantize.Reason]string{
	quantize.ReasonAsked:   "as asked",
	quantize.ReasonNoise:   "it loses most",
	quantize.ReasonFactors: "its scales do not fit",
}

// lines are what is said of the result, with names.
func (q *quantized) lines() []report.Fact {
	whole := len(q.Layers) - q.Float
	facts := []report.Fact{{Name: "layers in whole numbers", Value: fmt.Sprintf("%d of %d", whole, len(q.Layers))}}
	if q.Float > 0 {
		var names []string
		for _, l := range q.Layers {
			if l.Float {
				names = append(names, l.Name+" ("+reasons[l.Why]+")")
			}
		}
		facts = append(facts, report.Fact{Name: "layers in floats", Value: strings.Join(names, ", ")})
	}
	facts = append(facts, report.Fact{Name: "size", Value: fmt.Sprintf("%.1f MB, as floats %.1f MB", float64(q.Bytes)/1e6, float64(q.Floats)/1e6)})
	on := fmt.Sprintf("%d others", q.Judged)
	if q.of.same {
		on = "the same"
	}
	facts = append(facts, report.Fact{Name: "images", Value: fmt.Sprintf("%d for ranges, %s to judge by", q.Images, on)})
	if a := q.Agreement; a != nil {
		facts = append(facts, report.Fact{Name: "same class as before", Value: between(*a)})
	}
	if a := q.Accuracy; a != nil {
		facts = append(facts, report.Fact{Name: "top-1 before", Value: between(a.Before)}, report.Fact{Name: "top-1 after", Value: between(a.After)},
			report.Fact{Name: "change", Value: fmt.Sprintf("%+.2f points (%+.2f to %+.2f)", 100*a.Change.Value, 100*a.Change.Low, 100*a.Change.High)})
	}
	return append(facts, report.Fact{Name: "signal to noise of results", Value: fmt.Sprintf("%.1f dB", q.SignalToNoise)})
}

// between writes a part with its bounds.
func between(i evaluate.Interval) string {
	return fmt.Sprintf("%.2f %% (%.2f to %.2f)", 100*i.Value, 100*i.Low, 100*i.High)
}

// layerRows are the layers as a table.
func (q *quantized) layerRows() [][]string {
	var rows [][]string
	for _, l := range q.Layers {
		kind := "int8"
		if l.Float {
			kind = "float32, " + reasons[l.Why]
		}
		rows = append(rows, []string{l.Name, l.Kind, kind, fmt.Sprintf("%.1f dB", l.SignalToNoise)})
	}
	return rows
}

func (q *quantized) print(e *env, layers bool) error {
	if layers {
		if err := e.table(append([][]string{{"LAYER", "OP", "COMPUTED IN", "SIGNAL TO NOISE"}}, q.layerRows()...)); err != nil {
			return err
		}
		e.printf("\n")
	}
	e.printf("%s: %s\n", q.File, q.Network)
	for _, f := range q.lines() {
		e.printf("%-27s %s\n", f.Name, f.Value)
	}
	return nil
}

// page is the result as a page.
func (q *quantized) page(e *env) *report.Run {
	return &report.Run{
		Name:    q.Network + ", quantized",
		Summary: fmt.Sprintf("%s in whole numbers of 8 bits: %s.", q.Network, q.File),
		Result:  q.lines(),
		Data:    []report.Fact{{Name: "images", Value: q.Data}},
		Command: e.command(e.args...),
		Tables:  []report.Table{{Caption: "Layers, with what follows each", Header: []string{"layer", "operator", "computed in", "signal to noise"}, Rows: q.layerRows()}},
	}
}
