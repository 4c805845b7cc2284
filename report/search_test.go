package report

import (
	"bytes"
	"strings"
	"testing"
)

// The page of a search has every section, escapes what comes from elsewhere and
// fetches nothing.
func TestSearchPage(t *testing.T) {
	const hostile = `<script>alert("x")</script>`
	s := Search{
		Name: "Search " + hostile, Summary: hostile,
		Protocol: []Fact{{"images", hostile}}, Result: []Fact{{"best network", hostile}},
		Tables:  []Table{{Caption: "judged", Header: []string{"group"}, Rows: [][]string{{hostile}}}},
		Figures: []Figure{{Caption: "front", Wide: "<svg></svg>"}},
		Trials: []SearchTrial{
			{Number: 3, State: "done", Score: 0.9125, HasScore: true, Front: true, Epochs: 2, MACs: 12345678, Arch: "0121", Run: "javascript:alert(1)"},
			{Number: 4, State: "failed", Why: hostile},
		},
		Kernels: []KernelRow{{Network: "trial 3", Score: 0.9125, Layers: []KernelLayer{{Kernels: []int{3, 5}, Stride: 2, Out: 24}}}},
		Effects: []SearchEffect{{Decision: "stage 0 width", Option: "24", Trials: 7, Mean: 0.01, Low: 0.005, High: 0.015, From: 0.6, To: 0.8, At: 0.7}},
	}
	var b bytes.Buffer
	if err := s.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"91.25 %", "12.35 M", "0121", "&#43;1.00", `class="clear"`, "3,5", "24 ↓", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{hostile, `"javascript:`, "http://", "https://", " src="} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}
