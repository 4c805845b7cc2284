package evaluate

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Confusion counts how often images of one class were taken for another.
type Confusion struct {
	Classes int
	// Counts holds, row by row for the true class, how many images were put in
	// each class: Counts[truth·Classes+predicted].
	Counts []int64
}

// NewConfusion returns an empty count for a number of classes.
func NewConfusion(classes int) *Confusion {
	return &Confusion{Classes: classes, Counts: make([]int64, classes*classes)}
}

// Rank returns the rank of the true class in a network's output, 0 for the
// first choice. Of equal outputs the first class ranks higher, and an output
// that is not a number ranks last.
func Rank(logits []float32, truth int) int {
	rank := 0
	own := logit(logits, truth)
	for i := range logits {
		if v := logit(logits, i); v > own || v == own && i < truth {
			rank++
		}
	}
	return rank
}

// logit returns an output, or -∞ for one that is not a number.
func logit(logits []float32, i int) float32 {
	if v := logits[i]; v == v {
		return v
	}
	return float32(math.Inf(-1))
}

// Class returns how many images of a class there were and how many were
// recognized.
func (c *Confusion) Class(i int) (images, correct int64) {
	for _, n := range c.Counts[i*c.Classes:][:c.Classes] {
		images += n
	}
	return images, c.Counts[i*c.Classes+i]
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// WriteCSV writes the counts with class names: a row for each true class, a
// column for each predicted one.
func (c *Confusion) WriteCSV(w io.Writer, names []string) error {
	if len(names) != c.Classes {
		return fmt.Errorf("%d class names for %d classes", len(names), c.Classes)
	}
	out := csv.NewWriter(w)
	if err := out.Write(append([]string{"true \\ predicted"}, names...)); err != nil {
		return err
	}
	row := make([]string, c.Classes+1)
	for i, name := range names {
		row[0] = name
		for j, n := range c.Counts[i*c.Classes:][:c.Classes] {
			row[j+1] = strconv.FormatInt(n, 10)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
