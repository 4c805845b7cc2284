package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/recipe"
)

// seedGroup are finished runs that differ in their seed alone.
type seedGroup struct {
	Network string    `json:"network"`
	Source  string    `json:"source"`
	Split   string    `json:"split"`
	Runs    []string  `json:"runs"`
	Seeds   []uint64  `json:"seeds"`
	Top1    []float64 `json:"top1"`
	Mean    float64   `json:"mean_top1"`
	SD      float64   `json:"sd_top1"` // of a sample: divided by one less than their number
}

// seedGroups returns the groups of at least two runs.
func seedGroups(all []runSummary) []seedGroup {
	var keys []string
	found := map[string]*seedGroup{}
	for _, r := range all {
		if r.Error != "" || !r.Done || r.Top1 == nil {
			continue
		}
		settings := recipeSettings(r.Recipe)
		delete(settings, "seed")
		text, err := json.Marshal([]any{r.Network, r.Source, r.Split, settings})
		if err != nil {
			continue
		}
		key := string(text)
		g := found[key]
		if g == nil {
			g = &seedGroup{Network: r.Network, Source: r.Source, Split: r.Split}
			found[key] = g
			keys = append(keys, key)
		}
		g.Runs, g.Seeds, g.Top1 = append(g.Runs, r.Run), append(g.Seeds, r.Recipe.Seed), append(g.Top1, *r.Top1)
	}
	groups := []seedGroup{}
	for _, key := range keys {
		if g := found[key]; len(g.Runs) > 1 {
			g.Mean, g.SD = meanSD(g.Top1)
			groups = append(groups, *g)
		}
	}
	return groups
}

// meanSD returns the mean and the standard deviation of a sample.
func meanSD(v []float64) (mean, sd float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		sd += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(sd / float64(len(v)-1))
}

func groupTable(groups []seedGroup) [][]string {
	rows := [][]string{{"NETWORK", "DATA", "TOP-1", "N", "OF", "RANGE", "SEEDS", "RUNS"}}
	for _, g := range groups {
		seeds := make([]string, len(g.Seeds))
		for i, s := range g.Seeds {
			seeds[i] = strconv.FormatUint(s, 10)
		}
		rows = append(rows, []string{
			g.Network, g.Source, fmt.Sprintf("%.2f ± %.2f %%", 100*g.Mean, 100*g.SD), strconv.Itoa(len(g.Runs)), g.Split,
			fmt.Sprintf("%.2f to %.2f %%", 100*slices.Min(g.Top1), 100*slices.Max(g.Top1)), strings.Join(seeds, " "), strings.Join(g.Runs, " "),
		})
	}
	return rows
}

// differences returns a table of the settings that are not the same in all
// runs.
func differences(all []runSummary) [][]string {
	header := []string{"SETTING"}
	var settings []map[string]string
	names := map[string]bool{}
	for _, r := range all {
		if r.Error != "" {
			continue
		}
		header = append(header, r.Run)
		s := recipeSettings(r.Recipe)
		for name := range s {
			names[name] = true
		}
		settings = append(settings, s)
	}
	rows := [][]string{header}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		row := []string{name}
		for _, s := range settings {
			row = append(row, cmp.Or(s[name], "-"))
		}
		if len(slices.Compact(slices.Clone(row[1:]))) > 1 {
			rows = append(rows, row)
		}
	}
	return rows
}

// recipeSettings returns the settings of a recipe, with those of a table below
// its name.
func recipeSettings(r recipe.Recipe) map[string]string {
	settings := map[string]string{}
	text, err := json.Marshal(r)
	var tree map[string]any
	if err != nil || json.Unmarshal(text, &tree) != nil {
		return settings
	}
	var walk func(prefix string, tree map[string]any)
	walk = func(prefix string, tree map[string]any) {
		for name, v := range tree {
			if inner, ok := v.(map[string]any); ok {
				walk(prefix+name+".", inner)
				continue
			}
			settings[prefix+name] = fmt.Sprint(v)
		}
	}
	walk("", tree)
	return settings
}
