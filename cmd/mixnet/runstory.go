package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/report"
	"github.com/mixnet-go/mixnet/tensor"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
	"github.com/mixnet-go/mixnet/zoo"
)

// runStory is what is known of a run when it is reported on.
type runStory struct {
	images  *runImages
	model   *model.Model
	labels  []string
	judged  *judged // nil where nothing was held out
	score   evaluate.Score
	recipe  recipe.Recipe
	epochs  []train.Epoch
	command string
	// plan is that of a fine-tuning run; nil for others.
	plan    *transfer.Plan
	seconds float64
	setting environmentRecord
}

// environmentRecord is what a run's settings say of the machine.
type environmentRecord struct {
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Kernels  string `json:"kernels"`
	Cores    int    `json:"cores"`
}

// tellRun gathers what the folder of a run records.
func tellRun(e *env, of *runImages, m *model.Model, j *judged) (*runStory, error) {
	s := &runStory{images: of, model: m, judged: j, labels: labels(m)}
	if j != nil {
		s.score = j.Score(of.seed)
	}
	saved, err := train.ReadRecord(of.dir)
	switch {
	case err == nil:
		s.recipe, s.epochs, s.command = saved.Recipe, saved.Epochs, saved.Args[argCommand]
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	for _, ep := range s.epochs {
		s.seconds += ep.Seconds
	}
	if exists(filepath.Join(of.dir, transfer.PlanFile)) {
		p, err := transfer.ReadPlan(of.dir)
		if err != nil {
			return nil, err
		}
		s.plan, s.command = p, p.Command
		if len(s.epochs) == 0 {
			s.recipe = p.Recipe
		}
		s.seconds = 0
		for _, r := range p.Results {
			s.seconds += r.Seconds
		}
	}
	var config struct {
		Environment environmentRecord `json:"environment"`
	}
	text, err := os.ReadFile(filepath.Join(of.dir, train.ConfigFile))
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", train.ConfigFile, err)
	}
	s.setting = config.Environment
	return s, nil
}

// page is the report of the run.
func (s *runStory) page(e *env, worst int) (*report.Run, error) {
	p := &report.Run{
		Name: filepath.Base(s.images.dir), Command: s.command,
		Summary: fmt.Sprintf("%s on %s; nothing was held out to measure the result on.", s.model.Network, s.images.source),
		Result:  s.result(), Settings: s.settings(), Data: s.data(), Environment: s.environment(),
	}
	if s.judged != nil {
		judgement, err := s.judged.page(e, s.model, worst)
		if err != nil {
			return nil, err
		}
		judgement.Set = s.judgedOn()
		s.countTrained(judgement)
		p.Judgement = *judgement
		p.Summary = fmt.Sprintf("%s on %s: top-1 %s on %d %s images.", s.model.Network, s.images.source, inPercent(s.score.Top1.Value), s.score.Images, s.images.part)
	}
	if len(s.epochs) > 0 {
		loss, err := twoWidths(lossChart(p.Name, s.epochs), "Loss and learning rate over the epochs.")
		if err != nil {
			return nil, err
		}
		accuracy, err := twoWidths(accuracyChart(p.Name, s.epochs), "Top-1 accuracy and learning rate over the epochs.")
		if err != nil {
			return nil, err
		}
		p.Curves = []report.Figure{loss, accuracy}
	}
	if s.plan != nil && len(s.plan.Results) > 1 {
		p.Tables = append(p.Tables, s.methods())
	}
	return p, nil
}

// judgedOn names the images of the judgement.
func (s *runStory) judgedOn() string {
	return fmt.Sprintf("%d %s images of %s", s.score.Images, s.images.part, s.images.source)
}

// countTrained adds to the classes how many images of them were trained on.
func (s *runStory) countTrained(j *report.Judgement) {
	counts := map[string]int{}
	for i, n := range data.ClassCounts(s.images.fit) {
		counts[s.images.fit.Classes()[i]] = n
	}
	for i := range j.Classes {
		j.Classes[i].Trained = int64(counts[j.Classes[i].Name])
	}
}

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
	for _, ep := range slices.Backward(s.epochs) {
		if ep.Best {
			facts = append(facts, report.Fact{Name: "best epoch", Value: fmt.Sprintf("%d of %d", ep.Epoch, s.recipe.Epochs)})
			break
		}
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
		{Name: "trained on", Value: strconv.Itoa(s.images.fit.Len()) + " images"},
		{Name: "classes", Value: strconv.Itoa(len(s.labels))},
		{Name: "training images of a class", Value: fmt.Sprintf("%d to %d", slices.Min(counts), slices.Max(counts))},
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

// card is the model card of the run.
func (s *runStory) card(e *env) *report.Card {
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
