package command

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/report"
	"github.com/mixnet-go/mixnet/tensor"
)

func withBounds(v evaluate.Interval) string {
	return fmt.Sprintf("%s (%s to %s with 95 %% confidence)", inPercent(v.Value), inPercent(v.Low), inPercent(v.High))
}

func (s *runStory) result() []report.Fact {
	var facts []report.Fact
	if s.judged != nil {
		facts = append(facts, report.Fact{Name: "top-1", Value: withBounds(s.score.Top1)})
		if len(s.labels) > 5 {
			facts = append(facts, report.Fact{Name: "top-5", Value: withBounds(s.score.Top5)})
		}
		facts = append(facts, report.Fact{Name: "mean over the classes", Value: withBounds(s.score.MeanClass)},
			report.Fact{Name: "judged on", Value: s.judgedOn()})
	}
	if n := len(s.epochs); n > 0 {
		of := fmt.Sprintf("the last epoch, %d: no images have chosen it", n)
		for _, ep := range slices.Backward(s.epochs) {
			if ep.Best && s.images.best {
				of = fmt.Sprintf("epoch %d of %d, the best on the images that choose", ep.Epoch, s.recipe.Epochs)
				break
			}
		}
		facts = append(facts, report.Fact{Name: "weights", Value: of})
	}
	if s.seconds > 0 {
		facts = append(facts, report.Fact{Name: "training time", Value: formatDuration(time.Duration(s.seconds * float64(time.Second)))})
	}
	return facts
}

// methods compares the ways of training of a fine-tuning run.
func (s *runStory) methods() report.Table {
	t := report.Table{Caption: "Ways of training", Header: []string{"method", "top-1", "95 % interval", "mean per class", "time"}}
	for _, r := range s.plan.Results {
		score := r.Outcomes.Score(s.images.seed)
		t.Rows = append(t.Rows, []string{
			string(r.Method), inPercent(score.Top1.Value), inPercent(score.Top1.Low) + " to " + inPercent(score.Top1.High),
			inPercent(score.MeanClass.Value), formatDuration(time.Duration(r.Seconds * float64(time.Second))),
		})
	}
	return t
}

func (s *runStory) settings() []report.Fact {
	in := s.model.Preprocess()
	facts := []report.Fact{
		{Name: "network", Value: s.model.Network},
		{Name: "parameters", Value: thousands(s.model.Graph.ParamCount())},
		{Name: "input", Value: s.input()},
	}
	if macs, err := s.model.Graph.MACs(tensor.Shape{N: 1, H: in.Size[0], W: in.Size[1], C: in.Channels}); err == nil {
		facts = append(facts, report.Fact{Name: "multiply-adds of one image", Value: thousands(macs)})
	}
	if s.plan != nil {
		facts = append(facts, report.Fact{Name: "fine-tuned from", Value: s.plan.Weights})
	}
	if s.plan != nil && s.plan.HeadOnly {
		return append(facts, report.Fact{Name: "training", Value: "the classifier alone, on features computed once"})
	}
	settings := recipeSettings(s.recipe)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		facts = append(facts, report.Fact{Name: strings.ReplaceAll(name, "_", " "), Value: longFraction.ReplaceAllStringFunc(settings[name], shorten)})
	}
	return facts
}

// input says in words what an image becomes.
func (s *runStory) input() string {
	in := s.model.Preprocess()
	kind := "RGB"
	if in.Channels == 1 {
		kind = "grey"
	}
	return fmt.Sprintf("%d×%d pixels, %s", in.Size[0], in.Size[1], kind)
}

func (s *runStory) data() []report.Fact {
	counts := data.ClassCounts(s.images.fit)
	facts := []report.Fact{
		{Name: "source", Value: s.images.source},
		{Name: "layout", Value: s.images.splits.Kind},
		{Name: "trained on", Value: strconv.Itoa(s.images.fit.Len()) + " images"},
		{Name: "classes", Value: strconv.Itoa(len(s.labels))},
		{Name: "training images of a class", Value: fmt.Sprintf("%d to %d", slices.Min(counts), slices.Max(counts))},
	}
	for _, n := range s.images.splits.Notes {
		facts = append(facts, report.Fact{Name: "note", Value: n})
	}
	for _, l := range s.images.splits.LeftOut {
		facts = append(facts, report.Fact{Name: "left out", Value: l.String()})
	}
	if s.judged == nil {
		return facts
	}
	facts = append(facts, report.Fact{Name: "judged on", Value: fmt.Sprintf("%d %s images", s.judged.set.Len(), s.images.part)})
	if n := len(s.judged.Bad); n > 0 {
		facts = append(facts, report.Fact{Name: "could not be read", Value: fmt.Sprintf("%d images, the first %s", n, s.judged.Bad[0].Name)})
	}
	return facts
}

func (s *runStory) environment() []report.Fact {
	facts := []report.Fact{{Name: "mixnet", Value: version()}}
	if v := s.setting; v.Go != "" {
		facts = append(facts, report.Fact{Name: "Go", Value: v.Go}, report.Fact{Name: "platform", Value: v.Platform},
			report.Fact{Name: "kernels", Value: v.Kernels}, report.Fact{Name: "cores", Value: strconv.Itoa(v.Cores)})
	}
	return facts
}

// longFraction is a number with more digits than say anything.
var longFraction = regexp.MustCompile(`\d+\.\d{5,}`)

// shorten writes a number with four digits.
func shorten(number string) string {
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return number
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
