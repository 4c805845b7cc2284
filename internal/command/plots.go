package command

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train"
)

// plot draws the runs into the file of --plot.
func (c *runsCmd) plot(all []runSummary) error {
	if err := chart.CheckPath(c.Plot); err != nil {
		return usageError{err}
	}
	if c.X == "epoch" || c.X == "time" {
		return runCurves(all, c.X == "time").WriteFile(c.Plot)
	}
	drawing, err := runCosts(all, c.X)
	if err != nil {
		return err
	}
	return drawing.WriteFile(c.Plot)
}

// runCurves draws top-1 on the watched images over epochs, or over the time
// trained.
func runCurves(all []runSummary, overTime bool) *chart.Chart {
	key, name, label := resultOf(all)
	c := &chart.Chart{Title: name + " of runs over epochs", X: chart.Axis{Label: "epoch", Whole: true}, Y: chart.Axis{Label: label}}
	unit, units := time.Second, "seconds"
	if overTime {
		for _, r := range all {
			switch {
			case r.Seconds > 3*3600:
				unit, units = time.Hour, "hours"
			case r.Seconds > 300 && unit < time.Minute:
				unit, units = time.Minute, "minutes"
			}
		}
		c.Title, c.X = name+" of runs over time", chart.Axis{Label: "training time in " + units, FromZero: true}
	}
	for _, r := range all {
		s := chart.Series{Name: r.Run}
		seconds := 0.0
		for _, ep := range r.Epochs {
			seconds += ep.Seconds
			if !ep.Validated {
				continue
			}
			x := float64(ep.Epoch)
			if overTime {
				x = seconds / unit.Seconds()
			}
			s.Points = append(s.Points, chart.Point{X: x, Y: 100 * ep.Get(key)})
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// runCosts draws the best top-1 of every run over what its network costs: macs
// or params.
func runCosts(all []runSummary, what string) (*chart.Chart, error) {
	_, name, label := resultOf(all)
	c := &chart.Chart{
		Title: name + " of runs over multiply-adds", X: chart.Axis{Label: "multiply-adds of one image in millions", Log: true},
		Y: chart.Axis{Label: label}, Labels: true,
	}
	if what == "params" {
		c.Title, c.X.Label = name+" of runs over parameters", "parameters in millions"
	}
	for _, r := range all {
		if r.Error != "" {
			continue
		}
		macs, params, err := runCost(r.Run)
		if err != nil {
			return nil, err
		}
		x := macs
		if what == "params" {
			x = params
		}
		result := cmp.Or(r.AP, r.Top1)
		if result == nil {
			continue
		}
		y := 100 * *result
		c.Series = append(c.Series, chart.Series{Name: r.Run, Points: []chart.Point{{X: float64(x) / 1e6, Y: y, Label: fmt.Sprintf("%s  %.1f", filepath.Base(r.Run), y)}}})
	}
	return c, nil
}

// resultOf returns what runs are compared by, as a key of epochs and in words:
// top-1, or where all find objects average precision.
func resultOf(all []runSummary) (key, name, label string) {
	for _, r := range all {
		if r.Error == "" && !detects(r.Epochs) {
			return "top1", "Top-1 accuracy", "top-1 (%)"
		}
	}
	return "ap", "Average precision", "AP (%)"
}

// runCost counts the multiply-adds and the parameters of a run's network.
func runCost(dir string) (macs, params int64, err error) {
	s, err := model.OpenStored(runCheckpoint(dir), model.Options{})
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	in := s.Preprocess()
	macs, err = s.Graph.MACs(tensor.Shape{N: 1, H: in.Size[0], W: in.Size[1], C: in.Channels})
	return macs, s.Graph.ParamCount(), err
}

// whyLossesDiffer explains the distance of the two curves of a run.
const whyLossesDiffer = "Training values are means over the epoch, while the weights still change, on augmented images and with the recipe's label smoothing, mixing and dropout; " +
	"validation values are taken after it on plain images without any of these. So training loss can lie above validation loss, and training accuracy below."

// lossChart and accuracyChart draw a run, with its learning rate below and the
// best epoch marked.
func lossChart(title string, epochs []train.Epoch) *chart.Chart {
	return runChart(title+": loss", "loss", epochs, func(ep train.Epoch) (float64, float64) { return ep.Get("train_loss"), ep.Get("val_loss") })
}

func accuracyChart(title string, epochs []train.Epoch) *chart.Chart {
	return runChart(title+": top-1 accuracy", "top-1 (%)", epochs, func(ep train.Epoch) (float64, float64) { return 100 * ep.Get("train_top1"), 100 * ep.Get("top1") })
}

func runChart(title, label string, epochs []train.Epoch, values func(train.Epoch) (trained, validated float64)) *chart.Chart {
	c := &chart.Chart{
		Title: title, X: chart.Axis{Label: "epoch", Whole: true}, Y: chart.Axis{Label: label}, Note: whyLossesDiffer,
		Series: []chart.Series{{Name: "training"}, {Name: "validation"}},
		Below:  chart.Panel{Y: chart.Axis{Label: "learning rate", FromZero: true}, Series: []chart.Series{{}}},
	}
	for _, ep := range epochs {
		x := float64(ep.Epoch)
		trained, validated := values(ep)
		c.Series[0].Points = append(c.Series[0].Points, chart.Point{X: x, Y: trained})
		c.Below.Series[0].Points = append(c.Below.Series[0].Points, chart.Point{X: x, Y: ep.LR})
		if ep.Validated {
			c.Series[1].Points = append(c.Series[1].Points, chart.Point{X: x, Y: validated})
		}
		if ep.Best {
			c.Mark = &chart.Mark{X: x, Label: fmt.Sprintf("highest: epoch %d, %.2f %%", ep.Epoch, 100*ep.Get("top1"))}
		}
	}
	return c
}

// plotRun draws the loss and the accuracy of a run into its folder.
func plotRun(dir string, epochs []train.Epoch) error {
	title := filepath.Base(dir)
	if detects(epochs) {
		return errors.Join(
			objectLossChart(title, epochs).WriteFile(filepath.Join(dir, "loss.png")),
			precisionChart(title, epochs).WriteFile(filepath.Join(dir, "precision.png")),
		)
	}
	return errors.Join(
		lossChart(title, epochs).WriteFile(filepath.Join(dir, "loss.png")),
		accuracyChart(title, epochs).WriteFile(filepath.Join(dir, "accuracy.png")),
	)
}
