package chart

import (
	imagecolor "image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// raster draws on gonum's canvases, for PNG and PDF. Its unit, a point, stands
// for a pixel of the drawing, and y grows upwards.
type raster struct {
	canvas vg.CanvasWriterTo
	height float64
	bold   bool // whether the canvas has bold fonts, which gonum's PDF has not
}

// dotsPerInch makes two dots of a PNG out of a pixel of the drawing, for
// screens of high resolution.
const dotsPerInch = 144

func newRaster(format string, w, h float64) *raster {
	r := &raster{height: h}
	if format == "pdf" {
		r.canvas = vgpdf.New(vg.Length(w), vg.Length(h))
	} else {
		r.canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(vg.Length(w), vg.Length(h)), vgimg.UseDPI(dotsPerInch))}
		r.bold = true
	}
	r.rect(0, 0, w, h, paper, 1)
	return r
}

func (r *raster) at(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(x), Y: vg.Length(r.height - y)}
}

func (r *raster) color(c ink, opacity float64) {
	v, _ := strconv.ParseUint(colors[c].light, 16, 32)
	r.canvas.SetColor(imagecolor.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: uint8(opacity*255 + 0.5)})
}

func (r *raster) rect(x, y, w, h float64, fill ink, opacity float64) {
	r.color(fill, opacity)
	var p vg.Path
	p.Move(r.at(x, y))
	p.Line(r.at(x+w, y))
	p.Line(r.at(x+w, y+h))
	p.Line(r.at(x, y+h))
	p.Close()
	r.canvas.Fill(p)
}

func (r *raster) line(points []point, stroke ink, width float64, dashed bool) {
	if len(points) == 0 {
		return
	}
	r.color(stroke, 1)
	r.canvas.SetLineWidth(vg.Length(width))
	var dash []vg.Length
	if dashed {
		dash = []vg.Length{5, 4}
	}
	r.canvas.SetLineDash(dash, 0)
	var p vg.Path
	p.Move(r.at(points[0].x, points[0].y))
	for _, q := range points[1:] {
		p.Line(r.at(q.x, q.y))
	}
	r.canvas.Stroke(p)
}

func (r *raster) dot(x, y, radius float64, fill ink, _ string) {
	for _, ring := range []struct {
		r float64
		c ink
	}{{radius + 1, paper}, {radius, fill}} {
		r.color(ring.c, 1)
		var p vg.Path
		p.Move(r.at(x+ring.r, y))
		p.Arc(r.at(x, y), vg.Length(ring.r), 0, 2*math.Pi)
		p.Close()
		r.canvas.Fill(p)
	}
}

func (r *raster) text(x, y float64, s string, t textStyle) {
	f := face(t.size, t.bold && r.bold)
	shift := 0.0
	switch t.anchor {
	case atMiddle:
		shift = float64(f.Width(s)) / 2
	case atEnd:
		shift = float64(f.Width(s))
	}
	r.color(t.color, 1)
	if !t.turned {
		r.canvas.FillString(f, r.at(x-shift, y), s)
		return
	}
	r.canvas.Push()
	r.canvas.Translate(r.at(x, y+shift))
	r.canvas.Rotate(math.Pi / 2)
	r.canvas.FillString(f, vg.Point{}, s)
	r.canvas.Pop()
}

func (r *raster) writeTo(w io.Writer) error {
	_, err := r.canvas.WriteTo(w)
	return err
}
