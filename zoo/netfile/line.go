package netfile

import (
	"bytes"
	"regexp"
	"strings"
)

var (
	headerLine = regexp.MustCompile(`^\s*\[(\[?)\s*([A-Za-z0-9_.-]+)\s*\]`)
	keyLine    = regexp.MustCompile(`^\s*["']?([A-Za-z0-9_.-]+)["']?\s*=`)
)

// locate finds the lines of tables and keys. It knows the way network files
// are written, not all of TOML: what it misses gets the line of its table.
func locate(data []byte) map[place]int {
	lines := map[place]int{}
	at, stages, line := place{}, 0, 0
	for text := range bytes.Lines(data) {
		line++
		if m := headerLine.FindSubmatch(text); m != nil {
			at = place{table: string(m[2])}
			switch {
			case at.table == "stage" && len(m[1]) > 0:
				at.index = stages
				stages++
			case strings.HasPrefix(at.table, "stage."):
				at.index = max(stages-1, 0)
			}
			lines[at] = line
			continue
		}
		if m := keyLine.FindSubmatch(text); m != nil {
			p := at
			p.key = string(m[1])
			switch first, rest, dotted := strings.Cut(p.key, "."); {
			case dotted && at.table == "":
				p.table, p.key = first, rest
			case dotted:
				p.key = first
			}
			lines[p] = line
		}
	}
	return lines
}
