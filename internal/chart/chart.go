// Package chart draws the plots of the command: accuracy over cost, and curves
// of a training run. The drawing is gonum's.
package chart

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

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
	Strong bool // drawn thicker
}

// Point is a value with an optional label beside it.
type Point struct {
	X, Y  float64
	Label string
}

// size of a drawing with the margin on each side, and the resolution of a PNG
// in dots per inch.
const (
	width, height = 9 * vg.Inch, 6 * vg.Inch
	margin        = vg.Inch / 8
	dpi           = 160
)

// palette holds the colours of the series: Okabe and Ito's, which people with
// any colour vision can tell apart, and darker ones.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xB2, 255},
	color.RGBA{0xD5, 0x5E, 0x00, 255},
	color.RGBA{0x00, 0x9E, 0x73, 255},
	color.RGBA{0xCC, 0x79, 0xA7, 255},
	color.RGBA{0x2F, 0x8F, 0xC8, 255},
	color.RGBA{0xC7, 0x8A, 0x00, 255},
	color.RGBA{0x33, 0x33, 0x33, 255},
	color.RGBA{0x80, 0x00, 0x20, 255},
	color.RGBA{0x5A, 0x3E, 0x9E, 255},
	color.RGBA{0xB2, 0x18, 0x2B, 255},
	color.RGBA{0x6B, 0x6B, 0x00, 255},
	color.RGBA{0x00, 0x6D, 0x77, 255},
}

var grey = color.Gray{0x55}

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
	c.style(p)
	for i, s := range c.Series {
		if err := c.add(p, s, i); err != nil {
			return fmt.Errorf("chart: %s: %w", s.Name, err)
		}
	}
	if c.Points {
		p.Add(labels{c.Series})
	}
	widen(&p.X, 0.08)
	widen(&p.Y, 0.07)
	out, err := canvas(format)
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	p.Draw(draw.Crop(draw.New(out), margin, -margin, margin, -margin))
	var b bytes.Buffer
	if _, err := out.WriteTo(&b); err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	_, err = w.Write(bytes.ReplaceAll(b.Bytes(), []byte(svgFont), []byte(svgFonts)))
	return err
}

// An SVG names the font; machines without it have another of the same widths.
const (
	svgFont  = "font-family:Liberation Sans"
	svgFonts = "font-family:'Liberation Sans',Arial,Helvetica,sans-serif"
)

// canvas returns an empty drawing.
func canvas(format string) (vg.CanvasWriterTo, error) {
	if format == "png" {
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))}, nil
	}
	return draw.NewFormattedCanvas(width, height, format)
}

// sans returns a font that comes with gonum.
func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// style sets the texts, fonts and axes.
func (c *Chart) style(p *plot.Plot) {
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	p.Title.TextStyle.Font, p.Title.Padding = sans(14), vg.Points(10)
	p.Legend.Top = !c.Rising
	p.Legend.TextStyle.Font = sans(9)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Label.Padding = sans(11), vg.Points(6)
		a.Tick.Label.Font, a.Tick.Label.Color = sans(9), grey
		a.Tick.Marker = ticks{}
		a.Tick.Length, a.LineStyle.Color, a.Padding = 0, grey, 0
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xE4}, color.Gray{0xE4}
	p.Add(grid)
}

func (c *Chart) add(p *plot.Plot, s Series, i int) error {
	if len(s.Points) == 0 {
		return nil
	}
	xys := make(plotter.XYs, len(s.Points))
	for j, v := range s.Points {
		xys[j] = plotter.XY{X: v.X, Y: v.Y}
	}
	line, points, err := plotter.NewLinePoints(xys)
	if err != nil {
		return err
	}
	line.Color, points.Color = palette[i%len(palette)], palette[i%len(palette)]
	line.Width = vg.Points(1.5)
	if s.Strong {
		line.Width = vg.Points(3)
	}
	p.Add(line)
	if !c.Points {
		p.Legend.Add(s.Name, line)
		return nil
	}
	points.Shape, points.Radius = draw.CircleGlyph{}, vg.Points(markerRadius)
	p.Add(points)
	return nil
}

// widen leaves room around the data.
func widen(a *plot.Axis, part float64) {
	room := part * (a.Max - a.Min)
	if room == 0 {
		room = 1
	}
	a.Min, a.Max = a.Min-room, a.Max+room
}

// ticks places labels at multiples of 1, 2 or 5 times a power of ten.
type ticks struct{}

// Ticks returns four to ten of them.
func (ticks) Ticks(lo, hi float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/4)))
	for _, f := range []float64{5, 2} {
		if (hi-lo)/(step*f) >= 4 {
			step *= f
			break
		}
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var out []plot.Tick
	for k := math.Ceil(lo / step); k*step <= hi && len(out) < 50; k++ {
		out = append(out, plot.Tick{Value: k * step, Label: fmt.Sprintf("%.*f", decimals, k*step)})
	}
	return out
}
