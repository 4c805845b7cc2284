package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var example = Chart{
	Title: "Accuracy", X: Axis{Label: "multiply-adds", Log: true}, Y: Axis{Label: "top-1"}, Labels: true,
	Series: []Series{
		{Name: "one", Points: []Point{{1, 2, "first & last"}, {2, 3, ""}}},
		{Name: "none"},
	},
}

// element is a shape or a text of an SVG drawing.
type element struct {
	name string
	attr map[string]string
	text string
}

func (e element) num(t *testing.T, name string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(e.attr[name], 64)
	if err != nil {
		t.Fatalf("<%s %s=%q>: %v", e.name, name, e.attr[name], err)
	}
	return v
}

// parse draws an SVG and reads its elements.
func parse(t *testing.T, write func(io.Writer, string) error) []element {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, "svg"); err != nil {
		t.Fatal(err)
	}
	var all []element
	for dec := xml.NewDecoder(&b); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("SVG: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			all = append(all, e)
		case xml.CharData:
			if n := len(all); n > 0 {
				all[n-1].text += strings.TrimSpace(string(token))
			}
		}
	}
}

func texts(all []element) []string {
	var out []string
	for _, e := range all {
		if e.name == "text" {
			out = append(out, e.text)
		}
	}
	return out
}

func TestFormats(t *testing.T) {
	for format, head := range map[string]string{"png": "\x89PNG", "pdf": "%PDF", "svg": "<svg "} {
		var b bytes.Buffer
		if err := example.Write(&b, format); err != nil || !strings.HasPrefix(b.String(), head) {
			t.Errorf("%s: %v, begins %.8q", format, err, b.String())
		}
	}
	if err := example.Write(io.Discard, "gif"); err == nil {
		t.Error("a GIF was drawn")
	}
	if all := texts(parse(t, example.Write)); !slices.Contains(all, "first & last") || !slices.Contains(all, "multiply-adds (log scale)") {
		t.Errorf("texts %q", all)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	if err := example.WriteFile(filepath.Join(dir, "a.SVG")); err != nil {
		t.Error(err)
	}
	if err := example.WriteFile(filepath.Join(dir, "a.bmp")); err == nil {
		t.Error("a BMP chart was written")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// Ticks are few round numbers, none is a negative zero, and an axis that
// begins near zero begins at it.
func TestTicks(t *testing.T) {
	for _, c := range []struct {
		axis   Axis
		values []float64
		want   string
	}{
		{Axis{}, []float64{0.004, 2.3}, "0.0 0.5 1.0 1.5 2.0 2.5"},
		{Axis{}, []float64{0, 0.00001}, "0.000000 0.000002 0.000004 0.000006 0.000008 0.000010"},
		{Axis{}, []float64{-0.1, 0.1}, "-0.10 -0.05 0.00 0.05 0.10"},
		{Axis{}, []float64{89.1, 92.7}, "89 90 91 92 93"},
		{Axis{}, []float64{50, 50}, "44 46 48 50 52 54 56"},
		{Axis{FromZero: true}, []float64{41.5, 44}, "0 10 20 30 40 50"},
		{Axis{Whole: true}, []float64{1, 2, 3}, "1 2 3"},
		{Axis{Whole: true}, []float64{1}, "0 1 2"},
		{Axis{}, []float64{0, 0}, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{Axis{}, nil, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{Axis{}, []float64{math.NaN(), math.Inf(1), 0, 1}, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{Axis{Log: true}, []float64{1, 64}, "1 2 5 10 20 50"},
		{Axis{Log: true}, []float64{77, 91}, "60 70 80 90 100"},
		{Axis{Log: true}, []float64{1e6, 2e9}, "1M 2M 5M 10M 20M 50M 100M 200M 500M 1G 2G"},
		{Axis{Log: true}, []float64{1e-5, 10}, "1e-05 0.0001 0.001 0.01 0.1 1 10"},
	} {
		s, err := newScale(c.axis, c.values, c.axis.Whole)
		if err != nil {
			t.Errorf("%v: %v", c.values, err)
			continue
		}
		var labels []string
		for _, tick := range s.ticks {
			labels = append(labels, tick.label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%+v of %v: ticks %s, want %s", c.axis, c.values, got, c.want)
		}
	}
	if _, err := newScale(Axis{Label: "time", Log: true}, []float64{0, 1}, false); err == nil || !strings.Contains(err.Error(), "time") {
		t.Errorf("zero on a logarithmic axis: %v", err)
	}
}

// curves is a chart with everything a run shows.
func curves() *Chart {
	c := &Chart{
		Title: "run", X: Axis{Label: "epoch", Whole: true}, Y: Axis{Label: "loss"},
		Below: Panel{Y: Axis{Label: "learning rate"}, Series: []Series{{Name: "rate"}}},
		Mark:  &Mark{X: 28, Label: "best: epoch 28"},
		Note:  strings.Repeat("why the two curves differ, in words of some length ", 5),
	}
	for _, name := range []string{"training", "validation", "a third one with a long name", "a fourth one with a long name", "a fifth", "a sixth one of the sort"} {
		s := Series{Name: name}
		for i := range 30 {
			s.Points = append(s.Points, Point{X: float64(i + 1), Y: 2 / float64(i+len(name))})
		}
		c.Series = append(c.Series, s)
		c.Below.Series[0].Points = s.Points
	}
	return c
}

// Every text lies within the drawing, even where the reader's font is a tenth
// wider; none overlaps another, nor does the legend lie in the frame.
func TestTextsFit(t *testing.T) {
	narrow := curves()
	narrow.Width = 360
	for name, c := range map[string]*Chart{"points": &example, "curves": curves(), "narrow": narrow} {
		all := parse(t, c.Write)
		width, height := all[0].num(t, "width"), all[0].num(t, "height")
		var boxes []box
		var written []string
		for _, e := range all {
			if e.name != "text" {
				continue
			}
			size := e.num(t, "font-size")
			w := 1.1 * textWidth(e.text, size, e.attr["font-weight"] == "bold")
			b := box{e.num(t, "x"), e.num(t, "y") - 0.8*size, w, size}
			switch e.attr["text-anchor"] {
			case "middle":
				b.x -= w / 2
			case "end":
				b.x -= w
			}
			if e.attr["transform"] != "" {
				b = box{e.num(t, "x") - 0.8*size, e.num(t, "y") - w/2, size, w}
			}
			if b.x < 0 || b.y < 0 || b.x+b.w > width || b.y+b.h > height {
				t.Errorf("%s: %q leaves the drawing: %+v", name, e.text, b)
			}
			for i, o := range boxes {
				if b.overlap(o) > 1 {
					t.Errorf("%s: %q overlaps %q", name, e.text, written[i])
				}
			}
			boxes, written = append(boxes, b), append(written, e.text)
		}
	}
}

// Curves show their learning rate, the mark and the note.
func TestCurves(t *testing.T) {
	all := texts(parse(t, curves().Write))
	for _, want := range []string{"run", "epoch", "loss", "learning rate", "best: epoch 28", "training", "validation"} {
		if !slices.Contains(all, want) {
			t.Errorf("%q is not written: %q", want, all)
		}
	}
	if note := strings.Join(all[len(all)-4:], " "); !strings.Contains(note, "in words of some length") {
		t.Errorf("no note: %q", all)
	}
	bad := curves()
	bad.Series[0].Points[3].Y = math.NaN()
	for _, e := range parse(t, bad.Write) {
		for name, v := range e.attr {
			if strings.Contains(v, "NaN") {
				t.Errorf("<%s %s=%q>", e.name, name, v)
			}
		}
	}
}

// An SVG has colors for both schemes and says in words what it shows.
func TestSchemes(t *testing.T) {
	var b bytes.Buffer
	if err := example.Write(&b, "svg"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"prefers-color-scheme:dark", `role="img"`, "<title>Accuracy</title>", "one: 2 points, the last 3 at 2."} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	// Text stands out against the paper: at least 4.5 to 1, as WCAG asks.
	for i, c := range colors {
		if ink(i) == paper || ink(i) == inkGrid || ink(i) == inkOver || ink(i) == inkHeat {
			continue
		}
		for _, pair := range [][2]string{{c.light, colors[paper].light}, {c.dark, colors[paper].dark}} {
			if r := contrast(t, pair[0], pair[1]); r < 4.5 {
				t.Errorf("color %d: %s on %s has contrast %.2f", i, pair[0], pair[1], r)
			}
		}
	}
}

// contrast is WCAG's ratio of two colors.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(hex string) float64 {
		v, err := strconv.ParseUint(hex, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
			x := float64(v>>(8*i)&255) / 255
			if x <= 0.04045 {
				x /= 12.92
			} else {
				x = math.Pow((x+0.055)/1.055, 2.4)
			}
			sum += weight * x
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// confusion returns a matrix of n classes that are mostly right.
func confusion(n int) *Confusion {
	c := &Confusion{Title: "Confusion", Counts: make([]int64, n*n)}
	for i := range n {
		c.Names = append(c.Names, "class "+strconv.Itoa(i))
		c.Counts[i*n+i] = 40
		c.Counts[i*n+(i*7+1)%n] += 3
	}
	return c
}

func TestConfusion(t *testing.T) {
	for _, n := range []int{1, 2, 10, 37, 100, 1000} {
		c := confusion(n)
		all := parse(t, c.Write)
		written := texts(all)
		for _, want := range []string{"true class", "Confusion", "class 0", "100 %", "of the true class"} {
			if !slices.Contains(written, want) {
				t.Errorf("%d classes: %q is not written", n, want)
			}
		}
		if got := slices.Contains(written, "40"); got != (n > 1 && n <= 37) {
			t.Errorf("%d classes: numbers in the cells: %v", n, got)
		}
		named := 0
		for _, text := range written {
			if strings.HasPrefix(text, "class ") {
				named++
			}
		}
		if n <= 37 && named != 2*n || n > 37 && (named < 40 || named > 2*n) {
			t.Errorf("%d classes: %d names", n, named)
		}
	}
	narrow := confusion(8)
	narrow.Width = 360
	if w := parse(t, narrow.Write)[0].num(t, "width"); w < 300 || w > 380 {
		t.Errorf("a width of 360 was asked for, the picture has %v", w)
	}
	if err := confusion(MaxConfusion+1).Write(io.Discard, "svg"); err == nil {
		t.Error("more classes than can be seen were drawn")
	}
	if err := (&Confusion{Names: []string{"a"}}).Write(io.Discard, "svg"); err == nil {
		t.Error("a matrix without counts was drawn")
	}
}

// The cells of a PNG are as dark as they are full.
func TestConfusionPixels(t *testing.T) {
	c := &Confusion{Title: "t", Names: []string{"a", "b"}, Counts: []int64{9, 1, 0, 5}}
	var b bytes.Buffer
	if err := c.Write(&b, "png"); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	m := newMatrix(c)
	at := func(row, column int) uint32 { // near the corner, off the number
		p := image.Pt(int(2*(m.left+m.cell*float64(column)+8)), int(2*(m.top+m.cell*float64(row)+8)))
		r, _, _, _ := img.At(p.X, p.Y).RGBA()
		return r >> 8
	}
	if !(at(1, 0) == 255 && at(0, 1) < 220 && at(0, 0) < at(0, 1) && at(1, 1) < at(0, 0)) {
		t.Errorf("red of the cells: %d %d / %d %d", at(0, 0), at(0, 1), at(1, 0), at(1, 1))
	}
}

// Bars are drawn around points, and the axis reaches beyond them; with Legend the
// names of series stand above labeled points.
func TestSpreadAndLegend(t *testing.T) {
	draw := func(spread []float64, legend bool) string {
		c := &Chart{
			Title: "t", Y: Axis{Label: "y"}, Labels: true, Legend: legend,
			Series: []Series{{Name: "the series", Points: []Point{{1, 10, "one"}, {2, 0, "two"}, {3, 20, "three"}}, Spread: spread}},
		}
		var b bytes.Buffer
		if err := c.Write(&b, "svg"); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	plain := draw(nil, false)
	if strings.Contains(plain, ">the series<") || !strings.Contains(draw(nil, true), ">the series<") {
		t.Error("a legend without being asked for, or none")
	}
	if within := draw([]float64{5, 0, 0}, false); strings.Count(within, "\n") != strings.Count(plain, "\n")+1 {
		t.Errorf("a bar within the axis is not one more line:\n%s\n%s", plain, within)
	}
	if beyond := draw([]float64{0, 0, 15}, false); strings.Contains(plain, ">35<") || !strings.Contains(beyond, ">35<") && !strings.Contains(beyond, ">40<") {
		t.Errorf("the axis does not reach to the end of a bar:\n%s", beyond)
	}
}
