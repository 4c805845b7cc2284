package search

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/mixnet-go/mixnet/nas/store"
)

// WriteCSV writes the trials as a table, with a column for every decision. Scores
// are fractions, activations bytes.
func (s *Search) WriteCSV(w io.Writer, all []store.Trial) error {
	out := csv.NewWriter(w)
	header := []string{"number", "state", "score", "epochs", "arch", "macs", "params", "activations", "seconds", "parent", "run", "error"}
	decisions := s.Space.Decisions()
	for _, d := range decisions {
		header = append(header, d.Name)
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for _, t := range all {
		o := OutcomeOf(t)
		if o.MACs == 0 {
			o.Cost, _ = s.Costs.Of(t.Arch) // 0 for a network that cannot be built
		}
		score := ""
		if t.State == store.Done {
			score = strconv.FormatFloat(t.Score, 'g', -1, 64)
		}
		row := []string{
			strconv.Itoa(t.Number), string(t.State), score, strconv.Itoa(t.Fidelity), t.Key, fmt.Sprint(o.MACs), fmt.Sprint(o.Params),
			fmt.Sprint(o.Activations), strconv.FormatFloat(o.Seconds, 'f', 1, 64), strconv.Itoa(t.Parent), o.Run, t.Error,
		}
		for i, d := range decisions {
			row = append(row, d.Options[t.Arch[i]])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
