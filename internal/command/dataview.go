package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/data"
)

// How much is listed in text; JSON has it all.
const (
	shownClasses    = 40
	shownNames      = 5
	shownBroken     = 10
	shownDuplicates = 10
)

// print writes the report as text.
func (r *dataReport) print(e *env) error {
	for _, line := range setLines(r.Summary) {
		e.printf("%s\n", line)
	}
	e.printf("\n")
	if err := e.table(r.classRows()); err != nil {
		return err
	}
	e.printf("\n")
	if s := r.Sizes; s != nil {
		e.printf("width %s; height %s; width over height %s\n", s.Width.text(0), s.Height.text(0), s.Aspect.text(2))
	}
	r.printBroken(e)
	r.printDuplicates(e)
	return nil
}

// text writes the spread with so many decimals.
func (s spread) text(decimals int) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', decimals, 64) }
	if s.Min == s.Max {
		return number(s.Min)
	}
	return fmt.Sprintf("%s to %s, median %s", number(s.Min), number(s.Max), number(s.Median))
}

// setLines describes a set: its layout and parts, then what is worth to know.
func setLines(s data.Summary) []string {
	lines := []string{fmt.Sprintf("%s, %s", s.Layout, plural(len(s.Classes), "class"))}
	if len(s.Classes) != 1 {
		lines[0] = fmt.Sprintf("%s, %s classes", s.Layout, thousands(int64(len(s.Classes))))
	}
	for _, p := range s.Parts {
		counts := slices.Sorted(slices.Values(p.Counts))
		least, most := counts[0], counts[len(counts)-1]
		each := fmt.Sprintf("%d of each class", least)
		if least < most {
			each = fmt.Sprintf("%d to %d of a class, median %d", least, most, counts[len(counts)/2])
		}
		lines = append(lines, fmt.Sprintf("%s: %s, %s", p.Part, plural(p.Images, "image"), each))
	}
	for _, p := range s.Parts {
		if len(p.Missing) > 0 {
			lines = append(lines, fmt.Sprintf("no image in %s: %s", p.Part, listed(p.Missing)))
		}
		if len(p.Single) > 0 && p.Part == "train" {
			lines = append(lines, fmt.Sprintf("one image only in %s: %s", p.Part, listed(p.Single)))
		}
	}
	for _, n := range s.Notes {
		lines = append(lines, "note: "+n)
	}
	for _, l := range s.LeftOut {
		lines = append(lines, "left out: "+l.String())
	}
	return lines
}

// listed joins the first few names.
func listed(names []string) string {
	if len(names) <= shownNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shownNames], ", "), len(names)-shownNames)
}

// classRows is the table of classes, of many those with the most and the fewest
// images.
func (r *dataReport) classRows() [][]string {
	header := []string{"CLASS"}
	for _, p := range r.Parts {
		header = append(header, strings.ToUpper(p.Part))
	}
	rows := [][]string{header}
	order := make([]int, len(r.Classes))
	for i := range order {
		order[i] = i
	}
	cut := len(order) > shownClasses
	if cut {
		slices.SortStableFunc(order, func(a, b int) int { return r.Parts[0].Counts[b] - r.Parts[0].Counts[a] })
		order = slices.Concat(order[:shownClasses/2], order[len(order)-shownClasses/2:])
	}
	for i, class := range order {
		if cut && i == shownClasses/2 {
			rows = append(rows, []string{fmt.Sprintf("… %d more", len(r.Classes)-shownClasses)})
		}
		row := []string{r.Classes[class]}
		for _, p := range r.Parts {
			row = append(row, strconv.Itoa(p.Counts[class]))
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *dataReport) printBroken(e *env) {
	if len(r.Broken) == 0 {
		return
	}
	e.printf("%s cannot be read:\n", plural(len(r.Broken), "image"))
	for _, b := range r.Broken[:min(len(r.Broken), shownBroken)] {
		if strings.HasPrefix(b.Error, b.Name) {
			e.printf("  %s\n", oneLine(b.Error))
		} else {
			e.printf("  %s: %s\n", oneLine(b.Name), oneLine(b.Error))
		}
	}
	e.more(len(r.Broken) - shownBroken)
}

// more says that there are others.
func (e *env) more(n int) {
	if n > 0 {
		e.printf("  and %s more (--json lists all)\n", thousands(int64(n)))
	}
}

// printDuplicates writes the groups, the leaks first.
func (r *dataReport) printDuplicates(e *env) {
	kinds := []struct {
		title string
		has   func(d *duplicateResult) bool
	}{
		{"the same image is trained on and in another part", func(d *duplicateResult) bool { return d.Exact && d.Leak }},
		{"the same image is in several classes", func(d *duplicateResult) bool { return d.Exact && !d.Leak && d.Classes() > 1 }},
		{"the same image comes several times", func(d *duplicateResult) bool { return d.Exact && !d.Leak && d.Classes() == 1 }},
		{"images look the same, of which some are trained on and others not", func(d *duplicateResult) bool { return !d.Exact && d.Leak }},
		{"images look the same and are of several classes", func(d *duplicateResult) bool { return !d.Exact && !d.Leak && d.Classes() > 1 }},
		{"images look the same", func(d *duplicateResult) bool { return !d.Exact && !d.Leak && d.Classes() == 1 }},
	}
	for _, k := range kinds {
		n := 0
		for i := range r.Duplicates {
			if !k.has(&r.Duplicates[i]) {
				continue
			}
			if n == 0 {
				e.printf("%s:\n", k.title)
			}
			if n++; n <= shownDuplicates {
				e.printf("  %s\n", oneLine(sameNames(r.Duplicates[i].Members)))
			}
		}
		e.more(n - shownDuplicates)
	}
	switch {
	case len(r.Duplicates) > 0:
	case r.Decoded:
		e.printf("no two images are the same or look it\n")
	default:
		e.printf("no two files are the same\n")
	}
}

// sameNames lists the images of a group, with their classes where they differ.
func sameNames(members []data.Member) string {
	d := data.Duplicates{Members: members}
	var names []string
	for _, m := range members[:min(len(members), shownNames)] {
		name := m.Name
		switch parts, classes := d.Parts() > 1, d.Classes() > 1; {
		case parts && classes:
			name += fmt.Sprintf(" (%s, %s)", m.Part, m.Class)
		case classes:
			name += fmt.Sprintf(" (%s)", m.Class)
		case parts:
			name += fmt.Sprintf(" (%s)", m.Part)
		}
		names = append(names, name)
	}
	text := strings.Join(names, " = ")
	if n := len(members) - shownNames; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
