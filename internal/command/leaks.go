package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
)

// leakFlags say what to do about images that are both trained on and judged by.
type leakFlags struct {
	AllowLeaks bool `help:"Go on although images are both trained on and used to choose or to judge; that is only warned of."`
}

// The part of the images to choose or to judge by that may be leaks before that
// is an error, and the number of images up to which leaks are looked for: that
// reads all files.
const (
	fewLeaks  = 0.01
	leakLimit = 60_000
)

// checkLeaks looks for images that are trained on and stand in another part as
// well, as the same files or, decoded, as the same pixels. A few are warned of,
// more are an error.
func (f *leakFlags) checkLeaks(e *env, parts []data.Part, decoded bool) error {
	images, others := 0, 0
	for _, p := range parts {
		images += p.Set.Len()
		if !p.Fit {
			others += p.Set.Len()
		}
	}
	if others == 0 || others == images {
		return nil
	}
	if images > leakLimit {
		e.note("%s images are too many to look for the same ones in training and outside of it at every start\n", thousands(int64(images)))
		return nil
	}
	bar := e.newProgress("looking for duplicates", "images", int64(images))
	r, err := data.Check(e.ctx, parts, data.CheckOptions{Decode: decoded, Workers: e.cores(), Progress: func(done, _ int) { bar.update(int64(done), "") }})
	bar.done()
	if err != nil {
		return err
	}
	leaks := r.Leaks()
	if len(leaks) == 0 {
		return nil
	}
	text, leaked := describeLeaks(leaks)
	text = fmt.Sprintf("%d of %s to choose or to judge by are training images as well, so that the figures on them say little: %s", leaked, plural(others, "image"), text)
	if f.AllowLeaks || float64(leaked) <= fewLeaks*float64(others) {
		e.warn("%s", text)
		return nil
	}
	return fmt.Errorf("%s: remove them, or give --allow-leaks", text)
}

// describeLeaks names some of the images, and counts those that are not trained
// on.
func describeLeaks(leaks []data.Duplicates) (text string, leaked int) {
	const some = 3
	var names []string
	for _, d := range leaks {
		trained := slices.IndexFunc(d.Members, func(m data.Member) bool { return m.Fit() })
		for _, m := range d.Members {
			if m.Fit() {
				continue
			}
			if leaked++; len(names) < some {
				names = append(names, oneLine(m.Name)+" is "+oneLine(d.Members[trained].Name))
			}
		}
	}
	if leaked > some {
		names = append(names, "…")
	}
	return strings.Join(names, ", "), leaked
}

// classSizes says how many images the classes have.
func classSizes(d data.Dataset) string {
	counts := data.ClassCounts(d)
	if len(counts) == 0 {
		return ""
	}
	least, most := slices.Min(counts), slices.Max(counts)
	text := fmt.Sprintf("%s of %s", plural(d.Len(), "image"), plural(len(counts), "class"))
	switch {
	case least == most && len(counts) > 1:
		return text + fmt.Sprintf(", %s of each", thousands(int64(least)))
	case least != most:
		return text + fmt.Sprintf(", from %s (%s) to %s (%s)", thousands(int64(least)), oneLine(d.Classes()[slices.Index(counts, least)]),
			thousands(int64(most)), oneLine(d.Classes()[slices.Index(counts, most)]))
	}
	return text
}
