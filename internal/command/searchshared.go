package command

import (
	"fmt"

	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/search"
	"github.com/mixnet-go/mixnet/nas/store"
	"github.com/mixnet-go/mixnet/nas/supernet"
)

// supernetFlags say how a search scores networks before any is trained by
// itself.
type supernetFlags struct {
	Scored         int     `placeholder:"N" help:"With --strategy supernet: networks that the supernet scores, besides the --trials that are trained by themselves. Default: 200."`
	SupernetEpochs int     `placeholder:"N" help:"With --strategy supernet: epochs that it is trained for, every batch on as many networks as a decision has options. Default: twice --epochs."`
	Learn          string  `placeholder:"METHOD" help:"With --strategy supernet: draw the networks that it scores by probabilities learned from its gradients, by gumbel (FBNet) or paths (ProxylessNAS), in place of evolution. For spaces of whole blocks."`
	CostWeight     float64 `placeholder:"W" help:"With --learn: what mean multiply-adds count in units of the loss, such as 0.1."`
}

// oneShot is the strategy that the flags are for.
const oneShot = "supernet"

func (c *supernetFlags) check(strategy string, rungs []int) error {
	switch {
	case strategy != oneShot && *c != (supernetFlags{}):
		return usagef("--scored, --supernet-epochs, --learn and --cost-weight go with --strategy %s", oneShot)
	case c.Learn != "" && c.Learn != string(supernet.Gumbel) && c.Learn != string(supernet.Paths):
		return usagef("--learn %s: want %s or %s", c.Learn, supernet.Gumbel, supernet.Paths)
	case !(c.CostWeight >= 0 && c.CostWeight < 1e6) || c.CostWeight > 0 && c.Learn == "":
		return usagef("--cost-weight goes with --learn, and is at least 0")
	case c.Scored < 0 || c.Scored > 1e6:
		return usagef("--scored %d: between 1 and 1,000,000", c.Scored)
	case c.SupernetEpochs < 0:
		return usagef("--supernet-epochs %d: at least 1", c.SupernetEpochs)
	case strategy == oneShot && len(rungs) > 0:
		return usagef("--rungs does not go with --strategy %s", oneShot)
	}
	return nil
}

// settings returns how the supernet is trained and used; nil for other
// strategies.
func (c *supernetFlags) settings(strategy string, epochs int) *search.Supernet {
	if strategy != oneShot {
		return nil
	}
	s := &search.Supernet{Epochs: c.SupernetEpochs, Scored: c.Scored}
	s.Learn = search.Learned{Method: supernet.Method(c.Learn), Weight: c.CostWeight}
	if s.Epochs == 0 {
		s.Epochs = 2 * epochs
	}
	if s.Scored == 0 {
		s.Scored = 200
	}
	return s
}

// supernet tells how far the training of the supernet is.
func (v *searchProgress) supernet(p supernet.Progress) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bar.update(int64(len(v.ended)), fmt.Sprintf("supernet, epoch %d of %d, step %d of %d: loss %.3f", p.Epoch+1, p.Epochs, p.Step, p.Steps, p.Loss))
}

// Fewest networks that two orders are compared on.
const fewestPairs = 3

// agreementOf says how far the supernet's order is that of networks trained by
// themselves; nil where there are too few.
func agreementOf(s *search.Search, all []store.Trial) *nas.Agreement {
	pairs := search.Pairs(all)
	if len(pairs) < fewestPairs {
		return nil
	}
	a := search.Agreement(pairs, s.Seed)
	return &a
}

func agreementText(a *nas.Agreement) string {
	return fmt.Sprintf("Kendall's τ %.2f (95 %% interval %.2f to %.2f) between its scores and those of %s trained by themselves", a.Tau, a.Low, a.High, plural(a.Networks, "network"))
}

// sharedChart draws the score of networks trained by themselves over the
// supernet's.
func sharedChart(pairs []search.Pair) *chart.Chart {
	c := &chart.Chart{Title: "Supernet and stand-alone scores", X: chart.Axis{Label: "likelihood of the right class, by the supernet (%)"}, Y: chart.Axis{Label: "stand-alone score (%)"}}
	line := chart.Series{Name: "networks", Scatter: true}
	for _, p := range pairs {
		line.Points = append(line.Points, chart.Point{X: 100 * p.Shared, Y: 100 * p.Alone, Label: fmt.Sprintf("trial %d: %s, by the supernet %s", p.Number, inPercent(p.Alone), inPercent(p.Shared))})
	}
	c.Series = []chart.Series{line}
	return c
}
