package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

// svg writes a drawing whose colors are classes, so that they follow the
// reader's light or dark scheme.
type svg struct{ b bytes.Buffer }

// svgFonts names fonts of about the same widths.
const svgFonts = "'Liberation Sans',Arial,Helvetica,sans-serif"

func newSVG(w, h float64, title, description string) *svg {
	s := &svg{}
	fmt.Fprintf(&s.b, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" role="img" aria-label="%s" font-family="%s">`+"\n",
		length(w), length(h), length(w), length(h), escaped(title+". "+description), svgFonts)
	fmt.Fprintf(&s.b, "<title>%s</title>\n<desc>%s</desc>\n<style>\n", escaped(title), escaped(description))
	for i, c := range colors {
		fmt.Fprintf(&s.b, ".mxf%d{fill:#%s}.mxs%d{fill:none;stroke:#%s}\n", i, c.light, i, c.light)
	}
	s.b.WriteString("@media (prefers-color-scheme:dark){\n")
	for i, c := range colors {
		fmt.Fprintf(&s.b, ".mxf%d{fill:#%s}.mxs%d{stroke:#%s}\n", i, c.dark, i, c.dark)
	}
	s.b.WriteString("}\n</style>\n")
	s.rect(0, 0, w, h, paper, 1)
	return s
}

func (s *svg) rect(x, y, w, h float64, fill ink, opacity float64) {
	fmt.Fprintf(&s.b, `<rect class="mxf%d" x="%s" y="%s" width="%s" height="%s"`, fill, length(x), length(y), length(w), length(h))
	if opacity < 1 {
		fmt.Fprintf(&s.b, ` fill-opacity="%s"`, strconv.FormatFloat(opacity, 'f', 3, 64))
	}
	s.b.WriteString("/>\n")
}

func (s *svg) line(points []point, stroke ink, width float64, dashed bool) {
	fmt.Fprintf(&s.b, `<polyline class="mxs%d" stroke-width="%s" stroke-linejoin="round"`, stroke, length(width))
	if dashed {
		s.b.WriteString(` stroke-dasharray="5 4"`)
	}
	s.b.WriteString(` points="`)
	for i, p := range points {
		if i > 0 {
			s.b.WriteByte(' ')
		}
		s.b.WriteString(length(p.x) + "," + length(p.y))
	}
	s.b.WriteString("\"/>\n")
}

func (s *svg) dot(x, y, r float64, fill ink, hint string) {
	fmt.Fprintf(&s.b, `<circle class="mxf%d" cx="%s" cy="%s" r="%s"/>`+"\n", paper, length(x), length(y), length(r+1))
	if hint == "" {
		fmt.Fprintf(&s.b, `<circle class="mxf%d" cx="%s" cy="%s" r="%s"/>`+"\n", fill, length(x), length(y), length(r))
		return
	}
	fmt.Fprintf(&s.b, `<circle class="mxf%d" cx="%s" cy="%s" r="%s"><title>%s</title></circle>`+"\n", fill, length(x), length(y), length(r), escaped(hint))
}

func (s *svg) text(x, y float64, text string, t textStyle) {
	fmt.Fprintf(&s.b, `<text class="mxf%d" x="%s" y="%s" font-size="%s"`, t.color, length(x), length(y), length(t.size))
	if t.anchor != atStart {
		fmt.Fprintf(&s.b, ` text-anchor="%s"`, map[anchor]string{atMiddle: "middle", atEnd: "end"}[t.anchor])
	}
	if t.bold {
		s.b.WriteString(` font-weight="bold"`)
	}
	if t.turned {
		fmt.Fprintf(&s.b, ` transform="rotate(-90 %s %s)"`, length(x), length(y))
	}
	fmt.Fprintf(&s.b, ">%s</text>\n", escaped(text))
}

func (s *svg) writeTo(w io.Writer) error {
	s.b.WriteString("</svg>\n")
	_, err := w.Write(s.b.Bytes())
	return err
}

// length writes a coordinate to a tenth of a pixel.
func length(v float64) string {
	return strconv.FormatFloat(float64(int(v*10+sign(v)*0.5))/10, 'f', -1, 64)
}

func sign(v float64) float64 {
	if v < 0 {
		return -1
	}
	return 1
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
