package command

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// progress is one line on a terminal that shows how far a job is, its rate and
// the time left. It appears only after two seconds and only on a terminal.
type progress struct {
	e       *env
	label   string
	unit    string // such as "images"
	total   int64
	width   int
	enabled bool
	start   time.Time
	drawn   time.Time
	shown   bool
}

const (
	progressDelay = 2 * time.Second
	progressEvery = 100 * time.Millisecond
)

func (e *env) newProgress(label, unit string, total int64) *progress {
	width, ok := terminal(e.stderr)
	return &progress{e: e, label: label, unit: unit, total: total, width: width, enabled: ok, start: time.Now()}
}

// update redraws the line. Note is what a wide terminal shows besides.
func (p *progress) update(done int64, note string) {
	p.draw(func() []piece { return p.parts(done, time.Since(p.start), note) })
}

// piece is a part of a progress line. Where the terminal is too narrow for all,
// those of the lowest weight are left out first.
type piece struct {
	text   string
	weight int
}

// draw replaces the line by what parts returns, if it is time to.
func (p *progress) draw(parts func() []piece) {
	now := time.Now()
	if !p.enabled || now.Sub(p.start) < progressDelay || now.Sub(p.drawn) < progressEvery {
		return
	}
	p.drawn, p.shown = now, true
	if width, ok := terminal(p.e.stderr); ok {
		p.width = width
	}
	p.e.note("%s%s", styled("\r\x1b[K"), fitPieces(parts(), p.width-1))
}

// fitPieces joins the parts for a number of columns, and cuts the last one that
// remains if it alone is too long.
func fitPieces(parts []piece, columns int) string {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p piece) bool { return p.text == "" })
	for {
		texts := make([]string, len(parts))
		least := 0
		for i, p := range parts {
			texts[i] = oneLine(p.text)
			if p.weight <= parts[least].weight {
				least = i
			}
		}
		line := strings.Join(texts, "  ")
		if displayWidth(line) <= columns || len(parts) < 2 {
			return cut(line, columns)
		}
		parts = slices.Delete(parts, least, least+1)
	}
}

// parts describes the state after elapsed time.
func (p *progress) parts(done int64, elapsed time.Duration, note string) []piece {
	rate := float64(done) / max(elapsed.Seconds(), 1e-9)
	parts := []piece{{p.label, 6}}
	if p.total > 0 {
		const cells = 20
		full := int(cells * min(done, p.total) / p.total)
		parts = append(parts, piece{"[" + strings.Repeat("█", full) + strings.Repeat("·", cells-full) + "]", 1},
			piece{fmt.Sprintf("%d %%", 100*done/p.total), 7})
	} else {
		parts = append(parts, piece{fmt.Sprint(done), 7})
	}
	if rate > 0 {
		parts = append(parts, piece{fmt.Sprintf("%s %s/s", formatRate(rate), p.unit), 3})
	}
	if p.total > 0 && done > 0 {
		left := time.Duration(float64(p.total-done) / rate * float64(time.Second))
		parts = append(parts, piece{formatDuration(left) + " left", 5})
	}
	return append(parts, piece{note, 2})
}

// done removes the line.
func (p *progress) done() {
	if p.shown {
		p.e.note("%s", styled("\r\x1b[K"))
		p.shown = false
	}
}

func formatRate(r float64) string {
	switch {
	case r >= 100:
		return fmt.Sprintf("%.0f", r)
	case r >= 10:
		return fmt.Sprintf("%.1f", r)
	default:
		return fmt.Sprintf("%.2f", r)
	}
}

// formatDuration writes 75 s as "1m15s" and longer times without seconds.
func formatDuration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()+0.5))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// formatBytes writes a size with a binary unit.
func formatBytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	default:
		return fmt.Sprintf("%d B", n)
	}
}
