package command

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/data/garments"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/zoo"
)

// madePictures names the pictures with boxes that come with the command.
const madePictures = "made pictures of garments"

// openObjects opens the labelled pictures at a path, or for "" makes some, of
// which the set is nil.
func (e *env) openObjects(path string, o boxes.Options) (*data.Splits, *boxes.Set, error) {
	if path == "" {
		s, err := garments.New(garments.Config{})
		return s, nil, err
	}
	bar := e.newProgress("reading headers", "images", 0)
	defer bar.done()
	o.Workers = e.cores()
	o.Progress = func(done, total int) {
		bar.total = int64(total)
		bar.update(int64(done), "")
	}
	s, err := boxes.Open(e.ctx, path, o)
	if err != nil {
		return nil, nil, err
	}
	return s.Splits(), s, nil
}

// objectSummary says what a set of labelled pictures is made of.
type objectSummary struct {
	Layout   string          `json:"layout"`
	Classes  []string        `json:"classes"`
	Parts    []objectPart    `json:"parts"`
	Findings []boxes.Finding `json:"findings"`
	Notes    []string        `json:"notes"`
	Anchors  *anchorFit      `json:"anchor_fit,omitempty"`
}

// objectPart says what a part is made of.
type objectPart struct {
	Part    string `json:"part"`
	Images  int    `json:"images"`
	Without int    `json:"images_without_objects"`
	Objects int    `json:"objects"`
	Crowds  int    `json:"crowds"` // among the objects
	Counts  []int  `json:"objects_per_class"`
}

// anchorFit says how well a network's anchors cover the boxes of a set.
type anchorFit struct {
	Network string `json:"network"`
	// Covered is the part of the boxes with an anchor of IoU 0.5 or more, and
	// PerClass that of every class; nil for a class without boxes.
	Covered  float64    `json:"covered"`
	PerClass []*float64 `json:"covered_per_class"`
}

// summarizeObjects describes parts of a set.
func summarizeObjects(kind string, set *boxes.Set, parts []data.Part) objectSummary {
	s := objectSummary{Layout: kind, Classes: parts[0].Set.Classes(), Findings: []boxes.Finding{}, Notes: []string{}}
	if set != nil {
		s.Findings, s.Notes = set.Findings, append(s.Notes, set.Notes...)
	}
	for _, p := range parts {
		d, ok := p.Set.(boxes.Labelled)
		if !ok {
			continue
		}
		out := objectPart{Part: p.Name, Images: d.Len(), Counts: boxes.Counts(d)}
		for i := range d.Len() {
			objects := d.Objects(i)
			if len(objects) == 0 {
				out.Without++
			}
			for _, o := range objects {
				out.Objects++
				if o.Crowd {
					out.Crowds++
				}
			}
		}
		s.Parts = append(s.Parts, out)
	}
	return s
}

// lines is the summary in words, what was dropped with the first places.
func (s *objectSummary) lines() []string {
	var lines []string
	for _, p := range s.Parts {
		text := fmt.Sprintf("%s: %s, %s", p.Part, plural(p.Images, "image"), plural(p.Objects, "box"))
		if p.Without > 0 {
			text += fmt.Sprintf(", %s without objects", thousands(int64(p.Without)))
		}
		if p.Crowds > 0 {
			text += fmt.Sprintf(", %s among them", plural(p.Crowds, "crowd region"))
		}
		lines = append(lines, text)
	}
	const places = 3
	for _, f := range s.Findings {
		lines = append(lines, fmt.Sprintf("%s × %s: %s", thousands(int64(f.Count)), f.Kind, f.Fate))
		if f.Fate == boxes.Kept && f.Kind != boxes.CutBox && f.Kind != boxes.ScaledPicture {
			continue
		}
		for _, p := range f.Places[:min(len(f.Places), places)] {
			lines = append(lines, "  "+oneLine(p.String()))
		}
		if f.Count > places {
			lines = append(lines, "  …")
		}
	}
	for _, n := range s.Notes {
		lines = append(lines, "note: "+n)
	}
	return lines
}

// rows is a table of the classes.
func (s *objectSummary) rows() [][]string {
	header := []string{"CLASS"}
	for _, p := range s.Parts {
		header = append(header, strings.ToUpper(p.Part))
	}
	if s.Anchors != nil {
		header = append(header, "ANCHOR FIT")
	}
	rows := [][]string{header}
	order := make([]int, len(s.Classes))
	for i := range order {
		order[i] = i
	}
	cut := len(order) > shownClasses
	if cut && len(s.Parts) > 0 {
		counts := s.Parts[0].Counts
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(counts[b], counts[a]) })
		order = slices.Concat(order[:shownClasses/2], order[len(order)-shownClasses/2:])
	}
	for i, class := range order {
		if cut && i == shownClasses/2 {
			rows = append(rows, []string{fmt.Sprintf("… %d more", len(s.Classes)-shownClasses)})
		}
		row := []string{s.Classes[class]}
		for _, p := range s.Parts {
			row = append(row, thousands(int64(p.Counts[class])))
		}
		if s.Anchors != nil {
			fit := ""
			if v := s.Anchors.PerClass[class]; v != nil {
				fit = inPercent(*v)
			}
			row = append(row, fit)
		}
		rows = append(rows, row)
	}
	return rows
}

// fitBoxes bounds the boxes that the fit is measured on.
const fitBoxes = 5000

// fitAnchors measures how well a model's anchors cover the boxes of a set as the
// network sees them.
func fitAnchors(m *model.Model, d boxes.Labelled) (*anchorFit, error) {
	spec, err := m.Spec()
	if err != nil {
		return nil, err
	}
	of, _ := zoo.Finds(spec)
	in := m.Preprocess()
	maps, err := zoo.Maps(m.Graph, in.Size[0], in.Size[1])
	if err != nil {
		return nil, err
	}
	p, err := vision.NewProcessor(in)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, n := range boxes.Counts(d) {
		total += n
	}
	every := max(total/fitBoxes, 1)
	anchors := of.On(maps)
	seen, covered := make([]int, len(d.Classes())), make([]int, len(d.Classes()))
	at, all, fits := 0, 0, 0
	for i := range d.Len() {
		w, h := d.Bounds(i)
		for _, o := range d.Objects(i).Under(p.Transform(w, h)).(boxes.Objects) {
			if at++; o.Crowd || at%every != 0 {
				continue
			}
			b := detect.Box{
				X1: float32(o.Box.X0 / float64(in.Size[1])), Y1: float32(o.Box.Y0 / float64(in.Size[0])),
				X2: float32(o.Box.X1 / float64(in.Size[1])), Y2: float32(o.Box.Y1 / float64(in.Size[0])),
			}
			all++
			seen[o.Class]++
			if detect.Best(anchors, b) >= 0.5 {
				fits++
				covered[o.Class]++
			}
		}
	}
	fit := &anchorFit{Network: m.Network, PerClass: make([]*float64, len(seen))}
	if all > 0 {
		fit.Covered = float64(fits) / float64(all)
	}
	for i, n := range seen {
		if n > 0 {
			v := float64(covered[i]) / float64(n)
			fit.PerClass[i] = &v
		}
	}
	return fit, nil
}
