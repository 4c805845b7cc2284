package report

import (
	"encoding/csv"
	"io"
	"strconv"
)

// WriteCSV writes the mistakes as a table, probabilities as fractions.
func (j *Judgement) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"file", "truth", "predicted", "probability", "true_probability", "rank"}); err != nil {
		return err
	}
	for _, m := range j.Mistakes {
		err := out.Write([]string{m.File, m.Truth, m.Predicted, fraction(m.Probability), fraction(m.TrueProbability), strconv.Itoa(m.Rank)})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func fraction(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
