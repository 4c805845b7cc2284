package command

import (
	"io"
	"strings"

	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/report"
)

// drawing is a picture of the package chart.
type drawing interface {
	Write(w io.Writer, format string) error
}

// drawn returns a drawing as SVG.
func drawn(d drawing) (string, error) {
	var b strings.Builder
	err := d.Write(&b, "svg")
	return b.String(), err
}

// narrowWidth is the width of charts for the screens of telephones.
const narrowWidth = 360

// twoWidths draws a chart for wide screens and for narrow ones.
func twoWidths(c *chart.Chart, caption string) (report.Figure, error) {
	wide, err := drawn(c)
	if err != nil {
		return report.Figure{}, err
	}
	slim := *c
	slim.Width = narrowWidth
	narrow, err := drawn(&slim)
	return report.Figure{Caption: caption, Wide: wide, Narrow: narrow}, err
}
