// Package near finds the words that a mistyped one may have meant.
package near

import (
	"math"
	"slices"
	"strings"
)

// Words returns the words within a few edits of word, and then those that
// contain it, up to three.
func Words(word string, words []string) []string {
	if len(word) > 100 {
		return nil
	}
	word = strings.ToLower(word)
	type match struct {
		word     string
		distance int
	}
	var found []match
	for _, w := range words {
		d := Distance(Plain(word), Plain(w))
		switch {
		case d <= max(1, len(w)/3):
		case len(word) >= 3 && strings.Contains(w, word):
			d = math.MaxInt - len(words) + len(w)
		default:
			continue
		}
		found = append(found, match{w, d})
	}
	slices.SortStableFunc(found, func(a, b match) int { return a.distance - b.distance })
	var out []string
	for _, m := range found[:min(len(found), 3)] {
		out = append(out, m.word)
	}
	return out
}

// Plain drops the separators that people mix up.
func Plain(s string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(s)
}

// Distance is Levenshtein's.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal = row[j+1]
			row[j+1] = cost
		}
	}
	return row[len(b)]
}
