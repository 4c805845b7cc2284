// Package report writes what a training run has come to for people to read: a
// page of HTML that needs nothing else, a page of a model's mistakes, and a
// model card.
package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
)

// Run is a run as its page shows it. Sections without content are left out.
type Run struct {
	Name    string // of the run
	Summary string // one or two sentences
	// Result, Settings, Data and Environment are listed by name.
	Result, Settings, Data, Environment []Fact
	// Command is the command line that made the run.
	Command string
	// Curves are drawings of the course of training.
	Curves []Figure
	// Tables are further comparisons.
	Tables []Table
	// Judgement is how the result did on images it was not trained on.
	Judgement
}

// Judgement is how a model did on a set of images.
type Judgement struct {
	Set       string // the images in words
	Images    int64
	Wrong     int64 // of the images
	Classes   []Class
	Pairs     []Pair
	Confusion *Figure
	Mistakes  []Mistake // the worst, the worst first
}

// Fact is a value with its name.
type Fact struct{ Name, Value string }

// Table is a table with a header.
type Table struct {
	Caption string
	Header  []string
	Rows    [][]string
}

// Figure is a drawing as SVG, which is written into the page as it is: it must
// come from a program that escapes its texts.
type Figure struct {
	Caption string
	Wide    string // for screens of 700 pixels and more
	Narrow  string // for smaller ones; "" for the same, which then scrolls
}

// Class is how a class was recognized.
type Class struct {
	Name    string
	Trained int64 // images of it that were trained on; 0 if not known
	Images  int64
	Right   int64
}

// Part returns the fraction recognized.
func (c Class) Part() float64 { return float64(c.Right) / float64(max(c.Images, 1)) }

// Pair says how often images of one class were taken for another.
type Pair struct {
	Truth, Predicted string
	Count            int64
	Part             float64 // of the images of Truth
}

// Mistake is an image that was taken for another class than its own.
type Mistake struct {
	File             string
	Truth, Predicted string
	Probability      float64 // of Predicted
	TrueProbability  float64 // of Truth
	Rank             int     // of Truth among the choices, 0 for the first
	// Picture and Map are image files, JPEG or PNG: the image, and what in it
	// spoke for Predicted. Either may be missing.
	Picture, Map []byte
}

//go:embed page.html
var pageText string

//go:embed style.css
var styleText string

var pages = template.Must(template.New("page").Funcs(template.FuncMap{
	"percent": func(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) },
	"short":   func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) },
	"place":   func(rank int) int { return rank + 1 },
	"svg":     func(s string) template.HTML { return template.HTML(s) },
	"style":   func() template.CSS { return template.CSS(styleText) },
	"picture": dataURL,
}).Parse(pageText))

// dataURL writes an image file into the page. Other files than JPEG and PNG are
// left out.
func dataURL(file []byte) template.URL {
	kind := ""
	switch {
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		kind = "image/jpeg"
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n")):
		kind = "image/png"
	default:
		return ""
	}
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(file))
}

// WriteHTML writes the page of the run.
func (r *Run) WriteHTML(w io.Writer) error { return write(w, "run", r) }

// WriteHTML writes a page of the mistakes alone, under a title.
func (j *Judgement) WriteHTML(w io.Writer, title string) error {
	return write(w, "mistakes-page", struct {
		Title string
		*Judgement
	}{title, j})
}

func write(w io.Writer, page string, data any) error { return writePage(pages, w, page, data) }

func writePage(from *template.Template, w io.Writer, page string, data any) error {
	var b bytes.Buffer
	if err := from.ExecuteTemplate(&b, page, data); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
