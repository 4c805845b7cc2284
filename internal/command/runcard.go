package command

import (
	"path"
	"path/filepath"

	"github.com/mixnet-go/mixnet/report"
	"github.com/mixnet-go/mixnet/zoo"
)

// card is the model card of the run.
func (s *runStory) card() *report.Card {
	c := &report.Card{
		Name: filepath.Base(s.images.dir), Network: s.model.Network, Data: publicName(s.images.source), Set: s.images.part + " images", Images: int64(s.score.Images),
		Top1: s.score.Top1.Value, Top5: s.score.Top5.Value, MeanClass: s.score.MeanClass.Value,
		Interval: [2]float64{s.score.Top1.Low, s.score.Top1.High}, Classes: s.labels, Facts: append(s.settings(), s.environment()...),
		Input: "An image is scaled and cropped to " + s.input() + "; the file of the weights says how.",
		Usage: []string{"mixnet predict --model " + modelFile + " IMAGE", "mixnet eval --model " + modelFile + " --data DIR"},
	}
	if s.plan != nil {
		c.BaseModel, c.HubModel = filepath.Base(s.plan.Weights), hubModel(s.plan.Weights)
	}
	if s.images.chose {
		c.Caveats = append(c.Caveats, "These images have chosen the epoch as well: on others the accuracy will be lower.")
	}
	return c
}

// hubModel is the name on the hub of published weights; "" for others.
func hubModel(weights string) string {
	spec, err := zoo.Lookup(weights)
	if err != nil {
		return ""
	}
	info := spec.About()
	for _, w := range info.Weights {
		if info.Name+"."+w.Tag == weights {
			return "timm/" + weights
		}
	}
	return ""
}

// publicName is the name of a set for people elsewhere: of a path, the last two
// parts.
func publicName(source string) string {
	if !filepath.IsAbs(source) {
		return filepath.ToSlash(source)
	}
	return path.Join(filepath.Base(filepath.Dir(source)), filepath.Base(source))
}
