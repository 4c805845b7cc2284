// Package chart draws the pictures of the command: curves of training runs,
// accuracy over cost, and confusion matrices, as SVG, PNG or PDF.
//
// SVG drawings are light or dark as the reader's system is; PNG and PDF are
// light.
package chart

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// Chart is a plot of several series over one x axis.
type Chart struct {
	Title string
	X, Y  Axis
	// Series are the curves.
	Series []Series
	// Below is a lower panel over the same x axis, such as the learning rate's;
	// the zero value is none.
	Below Panel
	// Labels writes the points' labels beside them, for series of few points;
	// they then stand for a legend, unless Legend asks for one.
	Labels, Legend bool
	// Mark is a vertical line at a value of x; nil for none.
	Mark *Mark
	// Note is printed below the plot, in lines as long as it is wide.
	Note string
	// Width is that of the drawing in pixels of a screen, at least 320; 0 means
	// 720.
	Width float64
}

// Axis describes one direction.
type Axis struct {
	Label string
	// Log spaces values by their logarithm; all must be above zero.
	Log bool
	// Whole puts marks at whole numbers only, as for epochs.
	Whole bool
	// FromZero begins the axis at zero, wherever the values lie.
	FromZero bool
}

// Panel is a plot that shares the x axis of another.
type Panel struct {
	Y      Axis
	Series []Series
}

// Series is a line through points, in the order given.
type Series struct {
	Name   string
	Points []Point
	Strong bool // drawn thicker
	// Scatter draws the points without a line. In SVG their labels are shown
	// under the pointer.
	Scatter bool
	// Spread has for each point how far a bar reaches below and above it; nil
	// means none.
	Spread []float64
}

// spread returns how far the bar of a point reaches.
func (s *Series) spread(i int) float64 {
	if i < len(s.Spread) {
		return s.Spread[i]
	}
	return 0
}

// Point is a value with an optional label beside it.
type Point struct {
	X, Y  float64
	Label string
}

// Mark is a vertical line with a text above it.
type Mark struct {
	X     float64
	Label string
}

// Formats are the extensions of the files that a drawing can be written to.
var formats = []string{".png", ".svg", ".pdf"}

// CheckPath reports a file that no drawing can be written to, by its extension.
func CheckPath(path string) error {
	ext := strings.ToLower(filepath.Ext(path))
	for _, f := range formats {
		if f == ext {
			return nil
		}
	}
	return fmt.Errorf("%s: a drawing is one of %s", path, strings.Join(formats, ", "))
}

// WriteFile draws the chart into a file, PNG, SVG or PDF by its extension.
func (c *Chart) WriteFile(path string) error { return writeFile(path, c.Write) }

func writeFile(path string, write func(w io.Writer, format string) error) error {
	if err := CheckPath(path); err != nil {
		return err
	}
	ext := strings.ToLower(filepath.Ext(path))
	return atomicfile.Write(path, func(w io.Writer) error { return write(w, ext[1:]) })
}

// Write draws the chart in a format: "png", "svg" or "pdf".
func (c *Chart) Write(w io.Writer, format string) error {
	l, err := c.layout()
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	s, err := newSurface(format, l.width, l.height, c.Title, c.describe())
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	l.draw(s)
	if err := s.writeTo(w); err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	return nil
}

// describe says in words what the chart shows, for readers who do not see it.
func (c *Chart) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s over %s.", c.Y.title(), c.X.title())
	for _, s := range c.Series {
		if len(s.Points) == 0 {
			continue
		}
		last := s.Points[len(s.Points)-1]
		fmt.Fprintf(&b, " %s: %d points, the last %.4g at %.4g.", s.Name, len(s.Points), last.Y, last.X)
	}
	if c.Mark != nil {
		fmt.Fprintf(&b, " %s.", c.Mark.Label)
	}
	return b.String()
}

// title is the label with what the scale is.
func (a Axis) title() string {
	if a.Log {
		return a.Label + " (log scale)"
	}
	return a.Label
}
