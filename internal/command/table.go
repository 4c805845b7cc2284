package command

import (
	"slices"
	"strings"
)

// tableGap is the number of spaces between columns.
const tableGap = 2

// table writes rows in columns; the first row is the header. Where the terminal
// is too narrow for all, the columns named in spare are left out, the first
// ones first, and if that is not enough the widest are wrapped.
func (e *env) table(rows [][]string, spare ...string) error {
	columns, _ := terminal(e.stdout)
	lines, left := layout(rows, columns, spare)
	for i, line := range lines {
		if i == 0 {
			e.printf("%s\n", e.style(e.stdout, bold, line))
			continue
		}
		e.printf("%s\n", line)
	}
	if len(left) > 0 {
		for _, line := range wrap("not shown in "+plural(columns, "column")+": "+strings.Join(left, ", "), columns) {
			e.note("%s\n", e.style(e.stderr, faint, line))
		}
	}
	return nil
}

// layout returns the lines of a table, at most so many columns wide, and the
// headers of columns left out; 0 columns mean any number.
func layout(rows [][]string, columns int, spare []string) (lines, left []string) {
	if len(rows) == 0 {
		return nil, nil
	}
	cells := make([][]string, len(rows))
	for i, r := range rows {
		for _, c := range r {
			cells[i] = append(cells[i], oneLine(c))
		}
	}
	widths := columnWidths(cells)
	for _, name := range spare {
		if columns == 0 || total(widths) <= columns {
			break
		}
		at := slices.Index(cells[0], name)
		if at < 0 || widths[at] == 0 {
			continue
		}
		left = append(left, name)
		for i, r := range cells {
			if at < len(r) {
				cells[i] = slices.Delete(r, at, at+1)
			}
		}
		widths = columnWidths(cells)
	}
	if columns > 0 {
		narrow(widths, columns)
	}
	for _, r := range cells {
		lines = append(lines, rowLines(r, widths)...)
	}
	return lines, left
}

func columnWidths(cells [][]string) []int {
	var widths []int
	for _, r := range cells {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], displayWidth(c))
		}
	}
	return widths
}

// total is the width of a row, where empty columns take none.
func total(widths []int) int {
	n := -tableGap
	for _, w := range widths {
		if w > 0 {
			n += w + tableGap
		}
	}
	return n
}

// narrow takes from the widest columns what is too much, down to a width in
// which words can be read.
func narrow(widths []int, columns int) {
	const least = 12
	for over := total(widths) - columns; over > 0; over-- {
		at := 0
		for i, w := range widths {
			if w > widths[at] {
				at = i
			}
		}
		if widths[at] <= least {
			return
		}
		widths[at]--
	}
}

// rowLines writes a row, in several lines where a cell is wider than its column.
func rowLines(row []string, widths []int) []string {
	parts := make([][]string, len(row))
	height := 1
	for i, c := range row {
		parts[i] = wrap(c, widths[i])
		height = max(height, len(parts[i]))
	}
	lines := make([]string, height)
	for l := range lines {
		var b strings.Builder
		for i := range row {
			text := ""
			if l < len(parts[i]) {
				text = parts[i][l]
			}
			if widths[i] > 0 {
				b.WriteString(text + strings.Repeat(" ", widths[i]-displayWidth(text)+tableGap))
			}
		}
		lines[l] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// wrap cuts text into lines of a width, at spaces where there are some.
func wrap(text string, width int) []string {
	var lines []string
	for displayWidth(text) > width {
		used, space, end := 0, 0, len(text)
		for i, r := range text {
			if used += runeWidth(r); used > width {
				end = i
				break
			}
			if r == ' ' {
				space = i
			}
		}
		if text[end] == ' ' {
			space = end
		}
		if space > 0 {
			end = space
		}
		lines = append(lines, strings.TrimRight(text[:end], " "))
		text = strings.TrimLeft(text[end:], " ")
	}
	return append(lines, text)
}

// plural writes a count of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if strings.HasSuffix(thing, "s") || strings.HasSuffix(thing, "x") {
		thing += "e"
	}
	return thousands(int64(n)) + " " + thing + "s"
}
