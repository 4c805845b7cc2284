package data

// Summary says what a set is made of.
type Summary struct {
	Layout  string        `json:"layout"`
	Classes []string      `json:"classes"`
	Parts   []PartSummary `json:"parts"`
	LeftOut []LeftOut     `json:"left_out"`
	Notes   []string      `json:"notes"`
}

// PartSummary says what a part is made of.
type PartSummary struct {
	Part   string `json:"part"`
	Images int    `json:"images"`
	// Counts are the images of every class.
	Counts []int `json:"images_per_class"`
	// Missing are the classes without an image, Single those with one.
	Missing []string `json:"missing_classes"`
	Single  []string `json:"classes_of_one_image"`
}

// Summary describes the set.
func (s *Splits) Summary() Summary {
	out := Summary{Layout: s.Kind, Classes: s.Classes(), LeftOut: append([]LeftOut{}, s.LeftOut...), Notes: append([]string{}, s.Notes...)}
	for _, p := range s.Parts() {
		out.Parts = append(out.Parts, p.summary())
	}
	return out
}

// summary describes a part.
func (p *Part) summary() PartSummary {
	out := PartSummary{Part: p.Name, Images: p.Set.Len(), Counts: ClassCounts(p.Set), Missing: []string{}, Single: []string{}}
	for i, n := range out.Counts {
		switch class := p.Set.Classes()[i]; n {
		case 0:
			out.Missing = append(out.Missing, class)
		case 1:
			out.Single = append(out.Single, class)
		}
	}
	return out
}
