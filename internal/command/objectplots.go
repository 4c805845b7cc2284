package command

import (
	"fmt"

	"github.com/mixnet-go/mixnet/internal/chart"
	"github.com/mixnet-go/mixnet/train"
)

// detects reports whether epochs are of a network that finds objects.
func detects(epochs []train.Epoch) bool {
	if len(epochs) == 0 {
		return false
	}
	_, ok := epochs[0].Find("train_box_loss")
	return ok
}

// objectLossChart draws the parts of the training loss of a run.
func objectLossChart(title string, epochs []train.Epoch) *chart.Chart {
	c := epochsChart(title+": training loss", "loss", epochs)
	c.Series = []chart.Series{{Name: "all"}, {Name: "boxes"}, {Name: "classes"}}
	for _, ep := range epochs {
		for i, key := range []string{"train_loss", "train_box_loss", "train_class_loss"} {
			c.Series[i].Points = append(c.Series[i].Points, chart.Point{X: float64(ep.Epoch), Y: ep.Get(key)})
		}
	}
	return c
}

// precisionChart draws COCO's average precision over the epochs of a run, with
// the best one marked.
func precisionChart(title string, epochs []train.Epoch) *chart.Chart {
	c := epochsChart(title+": average precision", "average precision (%)", epochs)
	c.Series = []chart.Series{{Name: "AP (IoU 0.5 to 0.95)"}, {Name: "AP50 (IoU 0.5)"}}
	for _, ep := range epochs {
		if !ep.Validated {
			continue
		}
		for i, key := range []string{"ap", "ap50"} {
			c.Series[i].Points = append(c.Series[i].Points, chart.Point{X: float64(ep.Epoch), Y: 100 * ep.Get(key)})
		}
		if ep.Best {
			c.Mark = &chart.Mark{X: float64(ep.Epoch), Label: fmt.Sprintf("highest: epoch %d, %.2f %%", ep.Epoch, 100*ep.Get("ap"))}
		}
	}
	return c
}

// epochsChart is a chart over epochs with the learning rate below.
func epochsChart(title, label string, epochs []train.Epoch) *chart.Chart {
	c := &chart.Chart{
		Title: title, X: chart.Axis{Label: "epoch", Whole: true}, Y: chart.Axis{Label: label, FromZero: true},
		Below: chart.Panel{Y: chart.Axis{Label: "learning rate", FromZero: true}, Series: []chart.Series{{}}},
	}
	for _, ep := range epochs {
		c.Below.Series[0].Points = append(c.Below.Series[0].Points, chart.Point{X: float64(ep.Epoch), Y: ep.LR})
	}
	return c
}
