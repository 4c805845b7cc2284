package chart

import (
	"fmt"
	"io"
	"math"
	"strconv"
)

// Confusion is a picture of how often images of one class were taken for
// another: true classes downwards, predicted ones to the right, each cell as
// dark as its part of the images of the true class.
type Confusion struct {
	Title string
	Names []string // of the classes
	// Counts holds, row by row for the true class, how many images were put
	// in each class: Counts[truth·len(Names)+predicted].
	Counts []int64
	// Width is about that of the picture in pixels of a screen, where its
	// classes have room in it; 0 for one that suits the number of classes.
	Width float64
}

// MaxConfusion is the most classes that a picture shows; more are no more than
// dots.
const MaxConfusion = 1024

// Lengths of a matrix in pixels.
const (
	matrixSide  = 620
	matrixLeast = 520 // width of the picture, for its title
	nameRoom    = 150
	barRoom     = 96
)

// WriteFile draws the matrix into a file, PNG, SVG or PDF by its extension.
func (c *Confusion) WriteFile(path string) error { return writeFile(path, c.Write) }

// Write draws the matrix in a format: "png", "svg" or "pdf".
func (c *Confusion) Write(w io.Writer, format string) error {
	n := len(c.Names)
	switch {
	case n == 0 || len(c.Counts) != n*n:
		return fmt.Errorf("confusion matrix: %d counts for %d classes", len(c.Counts), n)
	case n > MaxConfusion:
		return fmt.Errorf("confusion matrix: %d classes are too many for a picture, which shows up to %d: write it as a table", n, MaxConfusion)
	}
	m := newMatrix(c)
	s, err := newSurface(format, m.width, m.top+m.side+m.below, c.Title, c.describe())
	if err != nil {
		return fmt.Errorf("confusion matrix: %w", err)
	}
	m.axes(s)
	m.cells(s)
	m.bar(s)
	if err := s.writeTo(w); err != nil {
		return fmt.Errorf("confusion matrix: %w", err)
	}
	return nil
}

// describe says in words what the matrix shows.
func (c *Confusion) describe() string {
	var right, all int64
	for i, v := range c.Counts {
		all += v
		if i/len(c.Names) == i%len(c.Names) {
			right += v
		}
	}
	return fmt.Sprintf("Confusion matrix of %d classes: %d of %d images on the diagonal, which is right", len(c.Names), right, all)
}

// matrix is a confusion matrix in its place.
type matrix struct {
	*Confusion
	n          int
	cell, side float64
	left, top  float64
	below      float64
	width      float64
	every      int // class whose name is written
	font       float64
	totals     []int64
}

func newMatrix(c *Confusion) *matrix {
	m := &matrix{Confusion: c, n: len(c.Names), totals: make([]int64, len(c.Names))}
	side, least := float64(matrixSide), float64(matrixLeast)
	if c.Width > 0 {
		side, least = max(c.Width-barRoom-nameRoom/2, nameRoom), c.Width
	}
	m.cell = min(88, max(1, side/float64(m.n)))
	if m.cell > 4 {
		m.cell = math.Floor(m.cell)
	}
	m.side = m.cell * float64(m.n)
	m.font = min(12, max(9, 0.72*m.cell))
	m.every = max(1, int(math.Ceil((m.font+2)/m.cell)))
	widest := 0.0
	for i := 0; i < m.n; i += m.every {
		widest = max(widest, textWidth(c.Names[i], m.font, false))
	}
	widest = min(widest, nameRoom)
	m.left, m.top, m.below = widest*1.1+44, 44, widest*1.1+44
	m.width = max(m.left+m.side+barRoom, least)
	for i := range m.n {
		for _, v := range c.Counts[i*m.n:][:m.n] {
			m.totals[i] += v
		}
	}
	return m
}

// axes writes the title, the names of the classes and of the axes.
func (m *matrix) axes(s surface) {
	s.text(16, 26, clip(m.Title, titleSize, m.width-32), textStyle{size: titleSize, color: inkText, bold: true})
	for i := 0; i < m.n; i += m.every {
		middle := (float64(i) + 0.5) * m.cell
		name := clip(m.Names[i], m.font, nameRoom)
		s.text(m.left-6, m.top+middle+0.35*m.font, name, textStyle{size: m.font, color: inkDim, anchor: atEnd})
		s.text(m.left+middle+0.35*m.font, m.top+m.side+6, name, textStyle{size: m.font, color: inkDim, anchor: atEnd, turned: true})
	}
	s.text(20, m.top+m.side/2, "true class", textStyle{size: labelSize, color: inkText, anchor: atMiddle, turned: true})
	s.text(m.left+m.side/2, m.top+m.side+m.below-12, m.predicted(), textStyle{size: labelSize, color: inkText, anchor: atMiddle})
}

// predicted names the lower axis, and says where names are left out.
func (m *matrix) predicted() string {
	if m.every == 1 {
		return "predicted class"
	}
	return fmt.Sprintf("predicted class (every %s of %d is named)", ordinal(m.every), m.n)
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// strength is how dark a part of a class is drawn: its square root, so that
// rare confusions can be seen.
func strength(part float64) float64 { return math.Sqrt(part) }

// faintest is the least strength of a cell that is not empty; small cells need
// more to be seen.
func (m *matrix) faintest() float64 {
	if m.cell < 6 {
		return 0.35
	}
	return 0.08
}

// cells draws what is not zero, with numbers where they fit.
func (m *matrix) cells(s surface) {
	size := min(12, 0.42*m.cell)
	for i := range m.n {
		for j := range m.n {
			v := m.Counts[i*m.n+j]
			if v == 0 {
				continue
			}
			t := max(strength(float64(v)/float64(m.totals[i])), m.faintest())
			x, y := m.left+float64(j)*m.cell, m.top+float64(i)*m.cell
			s.rect(x, y, m.cell, m.cell, inkHeat, t)
			text := strconv.FormatInt(v, 10)
			if fit := min(size, 0.9*m.cell*size/max(textWidth(text, size, false), 1)); fit >= 6 {
				color := inkText
				if t > 0.5 {
					color = inkOver
				}
				s.text(x+m.cell/2, y+m.cell/2+0.35*fit, text, textStyle{size: fit, color: color, anchor: atMiddle})
			}
		}
	}
	frame := []point{{m.left, m.top}, {m.left + m.side, m.top}, {m.left + m.side, m.top + m.side}, {m.left, m.top + m.side}, {m.left, m.top}}
	s.line(frame, inkDim, 1, false)
	if m.cell >= 9 {
		for i := 1; i < m.n; i++ {
			at := float64(i) * m.cell
			s.line([]point{{m.left + at, m.top}, {m.left + at, m.top + m.side}}, inkGrid, 0.5, false)
			s.line([]point{{m.left, m.top + at}, {m.left + m.side, m.top + at}}, inkGrid, 0.5, false)
		}
	}
}

// bar explains the shades.
func (m *matrix) bar(s surface) {
	const steps, width = 26, 14
	x, h := m.left+m.side+20, steps*math.Floor(min(m.side, 260)/steps) // whole pixels a step
	for i := range steps {
		t := (float64(i) + 0.5) / steps
		s.rect(x, m.top+h*(1-float64(i+1)/steps), width, h/steps, inkHeat, t)
	}
	s.line([]point{{x, m.top}, {x + width, m.top}, {x + width, m.top + h}, {x, m.top + h}, {x, m.top}}, inkDim, 1, false)
	last := math.Inf(1)
	for _, part := range []float64{0, 0.01, 0.05, 0.1, 0.25, 0.5, 1} {
		y := m.top + h*(1-strength(part))
		if last-y < tickSize+1 {
			continue
		}
		last = y
		s.text(x+width+5, y+4, strconv.FormatFloat(100*part, 'f', -1, 64)+" %", textStyle{size: tickSize, color: inkDim})
	}
	s.text(x+width+52, m.top+h/2, "of the true class", textStyle{size: tickSize, color: inkDim, anchor: atMiddle, turned: true})
}
