// Package chart draws the plots of the command: accuracy over cost, and curves
// of a training run. The drawing is gonum's.
package chart

import (
	"fmt"
	"image/color"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// Chart is a plot of several series.
type Chart struct {
	Title, X, Y string
	Series      []Series
	// Points marks and labels every value, for series of few; the labels then
	// stand for a legend.
	Points bool
	// Rising says that the series end at the top, and puts the legend below.
	Rising bool
}

// Series is a line through points, in the order given.
type Series struct {
	Name   string
	Points []Point
}

// Point is a value with an optional label beside it.
type Point struct {
	X, Y  float64
	Label string
}

// size of a drawing.
const width, height = 9 * vg.Inch, 6 * vg.Inch

// palette holds the colours of the series: Okabe and Ito's, which people with
// any colour vision can tell apart, and darker ones.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xB2, 255},
	color.RGBA{0xD5, 0x5E, 0x00, 255},
	color.RGBA{0x00, 0x9E, 0x73, 255},
	color.RGBA{0xCC, 0x79, 0xA7, 255},
	color.RGBA{0x56, 0xB4, 0xE9, 255},
	color.RGBA{0xE6, 0x9F, 0x00, 255},
	color.RGBA{0x33, 0x33, 0x33, 255},
	color.RGBA{0x80, 0x00, 0x20, 255},
	color.RGBA{0x5A, 0x3E, 0x9E, 255},
	color.RGBA{0x6B, 0x6B, 0x00, 255},
}

// formats are the files that WriteFile knows, by extension.
var formats = []string{".png", ".svg", ".pdf"}

// WriteFile draws the chart into a file, PNG, SVG or PDF by its extension.
func (c *Chart) WriteFile(path string) error {
	ext := strings.ToLower(filepath.Ext(path))
	for _, f := range formats {
		if f == ext {
			return atomicfile.Write(path, func(w io.Writer) error { return c.Write(w, ext[1:]) })
		}
	}
	return fmt.Errorf("%s: a chart is one of %s", path, strings.Join(formats, ", "))
}

// Write draws the chart in a format: "png", "svg" or "pdf".
func (c *Chart) Write(w io.Writer, format string) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	p.Legend.Top = !c.Rising
	p.Legend.TextStyle.Font.Size = 9
	p.Add(plotter.NewGrid())
	for i, s := range c.Series {
		if err := c.add(p, s, i); err != nil {
			return fmt.Errorf("chart: %s: %w", s.Name, err)
		}
	}
	out, err := p.WriterTo(width, height, format)
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	_, err = out.WriteTo(w)
	return err
}

func (c *Chart) add(p *plot.Plot, s Series, i int) error {
	if len(s.Points) == 0 {
		return nil
	}
	xys := make(plotter.XYs, len(s.Points))
	labels := make([]string, len(s.Points))
	for j, v := range s.Points {
		xys[j] = plotter.XY{X: v.X, Y: v.Y}
		labels[j] = v.Label
	}
	line, points, err := plotter.NewLinePoints(xys)
	if err != nil {
		return err
	}
	line.Color, points.Color = palette[i%len(palette)], palette[i%len(palette)]
	line.Width = vg.Points(1.5)
	points.Shape = plotutil.Shape(i)
	p.Add(line)
	if !c.Points {
		p.Legend.Add(s.Name, line)
		return nil
	}
	names, err := plotter.NewLabels(plotter.XYLabels{XYs: xys, Labels: labels})
	if err != nil {
		return err
	}
	names.Offset = vg.Point{X: 4, Y: -10}
	for j := range names.TextStyle {
		names.TextStyle[j].Font.Size = 7
	}
	p.Add(points, names)
	return nil
}
