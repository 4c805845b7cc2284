package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/evaluate"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/report"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
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
