// Package latency says how long networks of a search space take on a machine,
// from a table of how long their blocks take.
//
// The blocks are timed as the engine runs them, fused, inside of networks of the
// space ([Measure]). Whole networks follow by a line fitted to 30 of them; 30
// others and 30 of nearly equal multiply-adds say how good that is.
package latency

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/zoo"
)

// Table is what was measured of a space on a machine.
type Table struct {
	Space   string `json:"space"`
	Machine string `json:"machine"`
	Kernels string `json:"kernels"` // of the engine, such as "avx2"
	Threads int    `json:"threads"` // of one call, which is one image
	// Pieces are the seconds of stems, blocks and heads.
	Pieces map[string]float64 `json:"pieces"`
	// A network takes Scale times the sum of its pieces and Offset seconds.
	Scale  float64 `json:"scale"`
	Offset float64 `json:"offset"`
	// Fit are the networks that Scale and Offset are fitted to, Test others, and
	// Band others whose multiply-adds are within BandShare of each other's.
	Fit       []Point `json:"fit"`
	Test      []Point `json:"test"`
	Band      []Point `json:"band"`
	BandShare float64 `json:"band_share"`
}

// Point is a network that was timed as a whole.
type Point struct {
	Arch      string  `json:"arch"`
	MACs      int64   `json:"macs"`
	Predicted float64 `json:"predicted_seconds"`
	Measured  float64 `json:"measured_seconds"`
}

// Quality is how well predictions meet measurements.
type Quality struct {
	Networks int     `json:"networks"`
	MAPE     float64 `json:"mean_absolute_error"` // of the measured time, as a fraction
	R2       float64 `json:"r2"`
	Within10 float64 `json:"within_10_percent"` // share of the networks
	Tau      float64 `json:"tau"`               // Kendall's, of the order
	TauMACs  float64 `json:"tau_macs"`          // the same of multiply-adds alone
}

// QualityOf sums up some networks. What cannot be told, such as the order of
// equal values, is 0.
func QualityOf(points []Point) Quality {
	q := Quality{Networks: len(points)}
	if len(points) < 2 {
		return q
	}
	var predicted, measured, macs []float64
	mean := 0.0
	for _, p := range points {
		predicted, measured, macs = append(predicted, p.Predicted), append(measured, p.Measured), append(macs, float64(p.MACs))
		mean += p.Measured / float64(len(points))
	}
	var residual, total float64
	for _, p := range points {
		off := math.Abs(p.Predicted-p.Measured) / p.Measured
		q.MAPE += off / float64(len(points))
		if off <= 0.1 {
			q.Within10 += 1 / float64(len(points))
		}
		residual += (p.Predicted - p.Measured) * (p.Predicted - p.Measured)
		total += (p.Measured - mean) * (p.Measured - mean)
	}
	q.R2, q.Tau, q.TauMACs = 1-residual/total, nas.Kendall(predicted, measured), nas.Kendall(macs, measured)
	for _, v := range []*float64{&q.R2, &q.Tau, &q.TauMACs} {
		if math.IsNaN(*v) || math.IsInf(*v, 0) {
			*v = 0
		}
	}
	return q
}

// ErrPiece is wrapped by errors about a network with a block that the table does
// not have.
var ErrPiece = errors.New("not in the latency table")

// Of predicts the seconds of one image.
func (t *Table) Of(n zoo.Network) (float64, error) {
	sum, err := t.sum(n)
	return t.Scale*sum + t.Offset, err
}

func (t *Table) sum(n zoo.Network) (float64, error) {
	sum := 0.0
	for _, p := range pieces(n) {
		s, ok := t.Pieces[p]
		if !ok {
			return 0, fmt.Errorf("%s: %s: %w, which is of the space %s", n.Name, p, ErrPiece, t.Space)
		}
		sum += s
	}
	return sum, nil
}

// Check reports whether the table can be one of a space.
func (t *Table) Check(s nas.Space) error {
	switch {
	case t.Space != s.Name():
		return fmt.Errorf("a latency table of the space %s, not of %s", t.Space, s.Name())
	case len(t.Pieces) == 0 || t.Threads < 1:
		return errors.New("a latency table without times")
	case !(t.Scale > 0) || math.IsInf(t.Scale, 0) || math.IsNaN(t.Offset) || math.IsInf(t.Offset, 0):
		return errors.New("a latency table without a fit")
	}
	for name, s := range t.Pieces {
		if !(s >= 0) || math.IsInf(s, 0) {
			return fmt.Errorf("a latency table with %g seconds for %s", s, name)
		}
	}
	return nil
}

// Covers reports, as an error, a block of a space that the table does not have.
func (t *Table) Covers(s *nas.TableSpace) error {
	for a := range s.Covering() {
		n, err := s.Network(s.Canonical(a))
		if err != nil {
			continue // no network has this block
		}
		if _, err := t.sum(n); err != nil {
			return err
		}
	}
	return nil
}

// pieces names the parts of a network that are timed: stem, blocks and head.
// Equal names take equal times.
func pieces(n zoo.Network) []string {
	in := n.Input.WithDefaults()
	h, w := in.Size[0], in.Size[1]
	stride := func(s int) { h, w = (h+s-1)/s, (w+s-1)/s }
	stem := n.Stem
	if stem.Stride == 0 {
		stem.Stride = 2
	}
	all := []string{fmt.Sprintf("stem %d×%d×%d to %d", h, w, in.Channels, stem.Out)}
	stride(stem.Stride)
	c := stem.Out
	for _, s := range n.Unrolled().Stages {
		all = append(all, fmt.Sprintf("%d×%d×%d to %d: %s", h, w, c, s.Out, describe(s)))
		stride(max(s.Stride, 1))
		c = s.Out
	}
	return append(all, fmt.Sprintf("head %d×%d×%d to %d and %d", h, w, c, n.Head.Out, cmp.Or(n.Classes, 1000)))
}

// describe writes what is not the default in a block, besides its width.
func describe(s zoo.Stage) string {
	kernels := s.Kernels
	if len(kernels) == 0 {
		kernels = []int{3}
	}
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(kernels), " ", ","), "[]")
	add := func(is bool, format string, v any) {
		if is {
			text += " " + fmt.Sprintf(format, v)
		}
	}
	add(s.Kind != zoo.Inverted, "%v", s.Kind)
	add(s.Parallel > 0, "parallel %v", s.Parallel)
	add(s.Stride > 1, "stride %v", s.Stride)
	add(s.Expand > 0, "expand %v", s.Expand)
	add(s.Channels != nil, "channels %v", s.Channels)
	add(s.SE > 0, "se %v", s.SE)
	add(s.Act != 0, "%v", s.Act)
	add(s.ExpandGroups > 1, "expand groups %v", s.ExpandGroups)
	add(s.ProjectGroups > 1, "project groups %v", s.ProjectGroups)
	add(s.Shuffle, "%v", "shuffle")
	add(s.ProjectAct, "%v", "project act")
	add(s.NoSkip, "%v", "no skip")
	add(s.Partition != 0, "%v", s.Partition)
	add(s.Dilated, "%v", "dilated")
	return text
}
