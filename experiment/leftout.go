package experiment

import (
	"fmt"
	"slices"
	"strings"
)

// LeftOut are networks that a preset does without.
type LeftOut struct {
	Panels   []string `json:"panels"`
	Networks []string `json:"networks"` // by series, from the first to the last
	Why      string   `json:"why"`

	series []labels
}

// String names the networks and the reason.
func (l LeftOut) String() string {
	return fmt.Sprintf("%s of %s: %s", strings.Join(l.Networks, ", "), strings.Join(l.Panels, " and "), l.Why)
}

// of returns the arms of an experiment at a preset's size, and those that it
// does without.
func (p Preset) of(e Experiment) (arms []Arm, out []LeftOut, err error) {
	last := map[string]int{}
	for _, a := range e.arms {
		why, err := p.excludes(&a, e.XLabel)
		if err != nil {
			return nil, nil, err
		}
		if why != "" {
			out = leave(out, &a, why)
			continue
		}
		arms = append(arms, a)
		last[a.Panel+a.Series] = len(arms) - 1
	}
	if !p.Few {
		return arms, out, nil
	}
	var few []Arm
	for i, a := range arms {
		if a.Change == "" || last[a.Panel+a.Series] == i {
			few = append(few, a)
			continue
		}
		out = leave(out, &a, "the preset takes the last of a series")
	}
	return few, out, nil
}

// excludes says why a preset does without an arm; "" if it does not.
func (p Preset) excludes(a *Arm, over string) (why string, err error) {
	if p.Kernel > 0 && a.largest > p.Kernel {
		return fmt.Sprintf("the preset has kernels up to %d×%d, lest its maps are smaller than they", p.Kernel, p.Kernel), nil
	}
	if p.Panel != "" && a.Panel != p.Panel {
		return "the preset has " + p.Panel + " alone", nil
	}
	if over != layerLabel {
		return "", nil
	}
	start, err := a.base(p.Paper)
	if err != nil {
		return "", err
	}
	if layers := len(start.Unrolled().Stages); a.X >= layers {
		return fmt.Sprintf("the network has %d layers", layers), nil
	}
	return "", nil
}

// leave adds an arm to those that are left out.
func leave(out []LeftOut, a *Arm, why string) []LeftOut {
	i := slices.IndexFunc(out, func(l LeftOut) bool { return l.Why == why })
	if i < 0 {
		out, i = append(out, LeftOut{Why: why}), len(out)
	}
	l := &out[i]
	if !slices.Contains(l.Panels, a.Panel) {
		l.Panels = append(l.Panels, a.Panel)
	}
	l.add(strings.TrimSuffix(a.Series, equalSeries), a.Label)
	return out
}

// labels are those of a series.
type labels struct {
	series string
	all    []string
}

// add adds a network, which may be there.
func (l *LeftOut) add(series, label string) {
	i := slices.IndexFunc(l.series, func(s labels) bool { return s.series == series })
	if i < 0 {
		l.series, i = append(l.series, labels{series: series}), len(l.series)
	}
	if s := &l.series[i]; !slices.Contains(s.all, label) {
		s.all = append(s.all, label)
	}
	l.Networks = nil
	for _, s := range l.series {
		name, n := s.series+" "+s.all[0], len(s.all)
		switch {
		case n == 2:
			name += " and " + s.all[1]
		case n > 2:
			name += " to " + s.all[n-1]
		}
		l.Networks = append(l.Networks, name)
	}
}
