package zoo

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// TestPaperTable compares the counted sizes with the printed ones; where these
// are not the counted ones rounded, the row says why.
func TestPaperTable(t *testing.T) {
	rows, err := PaperTable()
	if err != nil {
		t.Fatal(err)
	}
	table := 0
	for _, r := range rows {
		if !r.Figure {
			table++
		}
		if r.Top1 == 0 || r.FLOPS == 0 {
			t.Errorf("%s has no top-1 or FLOPS", r.System)
		}
		if r.Network == "" {
			if r.Note == "" || r.CountedParams != 0 {
				t.Errorf("%s: note %q, %d parameters", r.System, r.Note, r.CountedParams)
			}
			continue
		}
		params := math.Round(float64(r.CountedParams)/1e5) / 10
		flops := math.Round(float64(r.CountedMACs) / 1e6)
		if r.Params >= 10 {
			params = math.Round(params)
		}
		if (r.Params > 0 && params != r.Params || flops != r.FLOPS) && r.Note == "" {
			t.Errorf("%s: counted %d and %d, printed %g M and %g M, and no note", r.System, r.CountedParams, r.CountedMACs, r.Params, r.FLOPS)
		}
	}
	if table != 19 || len(rows) != 22 {
		t.Errorf("%d rows, of them %d of table 2; want 22 and 19", len(rows), table)
	}
	text, err := json.Marshal(rows[len(rows)-1])
	if err != nil || !strings.Contains(string(text), `"top1":74.1`) || !strings.Contains(string(text), `"counted_params":4801368`) {
		t.Errorf("%s, %v", text, err)
	}
}
