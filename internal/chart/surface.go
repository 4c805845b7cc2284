package chart

import (
	"fmt"
	"io"
	"sync"

	weights "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
)

// surface is what a picture is drawn on. Lengths are pixels of a screen, y
// grows downwards.
type surface interface {
	// rect fills a rectangle with a color of some opacity.
	rect(x, y, w, h float64, fill ink, opacity float64)
	// line strokes a line through points.
	line(points []point, stroke ink, width float64, dashed bool)
	// dot fills a circle with an edge in the color of the paper. A surface that
	// can shows the hint under the pointer.
	dot(x, y, r float64, fill ink, hint string)
	// text writes a line whose baseline is at y, anchored at x.
	text(x, y float64, s string, t textStyle)
	writeTo(w io.Writer) error
}

type point struct{ x, y float64 }

// textStyle is how a text looks.
type textStyle struct {
	size   float64
	color  ink
	anchor anchor
	bold   bool
	turned bool // reads from below to above
}

// anchor is the part of a text that lies at its place.
type anchor int

const (
	atStart anchor = iota
	atMiddle
	atEnd
)

// ink is a color, by its role: what it is depends on the paper being light or
// dark.
type ink int

const (
	paper ink = iota // the background
	inkText
	inkDim  // axes and their numbers
	inkGrid // grid lines
	inkHeat // the cells of a matrix, at full strength
	inkOver // text upon inkHeat
	inkSeries
)

// color is a role's color on light and on dark paper, as RRGGBB.
type color struct{ light, dark string }

// colors holds the roles' colors; those of series follow. The first eight of
// them are Okabe and Ito's, which people with any color vision can tell apart,
// made darker or lighter for contrast with the paper.
var colors = [...]color{
	paper:   {"ffffff", "14171a"},
	inkText: {"16191c", "e8eaec"},
	inkDim:  {"555b61", "a4abb2"},
	inkGrid: {"e3e5e8", "2c3238"},
	inkHeat: {"08306b", "9ecbff"},
	inkOver: {"ffffff", "0b1420"},

	inkSeries: {"0072b2", "56b4e9"},
	{"b84f00", "ff8c42"},
	{"007a58", "2ed3a2"},
	{"a84880", "e59ac6"},
	{"7a6200", "e6c229"},
	{"5a3e9e", "a990f0"},
	{"333333", "d0d0d0"},
	{"800020", "ff7b95"},
	{"1f78ae", "7fd0ff"},
	{"6b6b00", "cfcf5a"},
	{"006d77", "58c9d4"},
	{"b2182b", "ff6f61"},
}

// seriesInk returns the color of series i.
func seriesInk(i int) ink { return inkSeries + ink(i%(len(colors)-int(inkSeries))) }

// newSurface returns an empty drawing of a format. The title and the
// description go to readers who do not see it, where the format can say them.
func newSurface(format string, w, h float64, title, description string) (surface, error) {
	switch format {
	case "svg":
		return newSVG(w, h, title, description), nil
	case "png", "pdf":
		return newRaster(format, w, h), nil
	}
	return nil, fmt.Errorf("format %q is not known: want png, svg or pdf", format)
}

// fonts holds the fonts for measuring and for PNG and PDF.
var fonts = sync.OnceValue(func() *font.Cache { return font.NewCache(liberation.Collection()) })

// face returns a font of a size in pixels.
func face(size float64, bold bool) font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: font.Length(size)}
	if bold {
		f.Weight = weights.WeightBold
	}
	return fonts().Lookup(f, f.Size)
}

// textWidth returns how wide a text is in the font that SVG readers may or may
// not have; others are up to a tenth wider.
func textWidth(s string, size float64, bold bool) float64 {
	f := face(size, bold)
	return float64(f.Width(s))
}

// clip shortens a text to a width.
func clip(s string, size, width float64) string {
	if textWidth(s, size, false) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 1 && textWidth(string(runes)+"…", size, false) > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}
