package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

// Search is an architecture search as its page shows it. Sections without content
// are left out.
type Search struct {
	Name    string
	Summary string // one or two sentences
	// Protocol says what chose and what judged, with how many trials and seeds.
	Protocol []Fact
	Result   []Fact
	// Tables are the outcome on images that nothing was chosen by.
	Tables []Table
	// Figures are drawings: the front of scores over costs, the course of the
	// search, learning curves.
	Figures []Figure
	// Latency is how well latency is predicted; nil where it was not.
	Latency *SearchLatency
	Trials  []SearchTrial
	Kernels []KernelRow
	Effects []SearchEffect
	// Workers are who ran trials, and when.
	Workers []WorkerRow
}

// SearchLatency is predicted beside measured latency.
type SearchLatency struct {
	Figure  Figure
	Quality Table
}

// SearchTrial is a row of the table of trials.
type SearchTrial struct {
	Number      int
	State       string
	Score       float64 // a fraction, where HasScore is
	HasScore    bool
	Front       bool // no cheaper trial is as good
	Epochs      int
	MACs        int64
	Params      int64
	Activations int64
	Seconds     float64
	Arch        string
	Run         string // its folder
	Why         string // it failed
}

// KernelRow is the kernel sizes of a network, layer by layer, as figure 8 of the
// MixConv paper draws them.
type KernelRow struct {
	Network string
	Score   float64
	Layers  []KernelLayer
}

// KernelLayer is a depthwise convolution.
type KernelLayer struct {
	Kernels []int
	Stride  int
	Out     int // channels of the block
}

// Width is that of a kernel in the drawing.
func (l KernelLayer) Width(kernel int) int { return 3 * kernel }

// WorkerRow is what a worker did, from the first trial's start to the last one's
// end.
type WorkerRow struct {
	Name   string
	Trials int
	Busy   float64 // share of the time
	Spans  []WorkerSpan
}

// WorkerSpan is a trial; From and To are parts of the time of the search.
type WorkerSpan struct {
	From, To float64
	Failed   bool
	About    string
}

// SearchEffect is by how much an option moves the score, as a fraction.
type SearchEffect struct {
	Decision, Option string
	Trials           int
	Mean, Low, High  float64
	// From and To are where the interval lies in the drawing, and At the mean,
	// as parts of its width.
	From, To, At float64
}

// Clear reports whether the interval holds no zero.
func (e SearchEffect) Clear() bool { return e.Low > 0 || e.High < 0 }

//go:embed search.html
var searchText string

//go:embed search.js
var searchScript string

var searchPages = template.Must(template.Must(pages.Clone()).Funcs(template.FuncMap{
	"script":  func() template.JS { return template.JS(searchScript) },
	"million": func(n int64) string { return fmt.Sprintf("%.2f", float64(n)/1e6) },
	"signed":  func(v float64) string { return fmt.Sprintf("%+.2f", 100*v) },
	"place100": func(v float64) string {
		return fmt.Sprintf("%.1f", 200*v)
	},
	"place600": func(v float64) string { return fmt.Sprintf("%.1f", 600*v) },
	"minus":    func(a, b float64) float64 { return a - b },
	"columns": func() []string {
		return []string{"trial", "score", "epochs", "macs", "params", "activations", "time", "state", "architecture"}
	},
}).Parse(searchText))

// WriteHTML writes the page of the search.
func (s *Search) WriteHTML(w io.Writer) error { return writePage(searchPages, w, "search", s) }
