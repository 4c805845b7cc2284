package command

import (
	"fmt"

	"github.com/mixnet-go/mixnet/data/boxes"
)

// convertedBoxes is the JSON of convert --as.
type convertedBoxes struct {
	Data   string `json:"data"`
	Layout string `json:"layout"`
	Output string `json:"output"`
	As     string `json:"as"`
	*boxes.Written
	Notes []string `json:"notes"`
}

// convertBoxes writes a data set of boxes in another layout.
func (c *convertCmd) convertBoxes(e *env) error {
	reading := e.newProgress("reading", "pictures", 0)
	s, err := boxes.Open(e.ctx, c.From, boxes.Options{Progress: func(done, total int) { reading.update(int64(done), "") }})
	reading.done()
	if err != nil {
		return err
	}
	out := convertedBoxes{Data: c.From, Layout: string(s.Layout), Output: c.Output, As: c.As, Notes: append([]string{}, s.Notes...)}
	for _, f := range s.Findings {
		out.Notes = append(out.Notes, fmt.Sprintf("%s: %d, %s; the first: %v", f.Kind, f.Count, f.Fate, f.Places[0]))
	}
	bar := e.newProgress("writing", "pictures", int64(len(s.Pictures)))
	out.Written, err = s.Write(e.ctx, c.Output, boxes.Layout(c.As), func(done, _ int) { bar.update(int64(done), "") })
	bar.done()
	if err != nil {
		return err
	}
	if c.JSON {
		return e.json(out)
	}
	for _, note := range out.Notes {
		e.note("%s: %s\n", c.From, note)
	}
	for _, lost := range out.Lost {
		e.note("%s cannot say: %s\n", c.As, lost)
	}
	e.printf("%s: %s of %s, %s\n", c.Output, plural(out.Boxes, "box"), plural(out.Pictures, "picture"), s.Layout)
	return nil
}
