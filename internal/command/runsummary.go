package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
)

// runSummary is one run in the list. Accuracies are fractions.
type runSummary struct {
	Run     string        `json:"run"`
	Network string        `json:"network"`
	Recipe  recipe.Recipe `json:"recipe"`
	Source  string        `json:"source"`
	Done    bool          `json:"done"`
	State   string        `json:"state,omitempty"` // what a run is that is not done
	Epochs  []train.Epoch `json:"epochs"`
	// Top1 is the result, and Split the images that it was measured on; of a
	// run without one, what its last epoch reached. Nil is not measured.
	Top1  *float64 `json:"top1,omitempty"`
	Split string   `json:"split,omitempty"`
	// AP is COCO's average precision of a run that finds objects, in place of
	// Top1, and BestAP and LastAP those after an epoch.
	AP     *float64 `json:"ap,omitempty"`
	BestAP *float64 `json:"best_ap,omitempty"`
	LastAP *float64 `json:"last_ap,omitempty"`
	// BestTop1 is the highest after an epoch, LastTop1 that of the last.
	BestTop1 *float64 `json:"best_top1,omitempty"`
	LastTop1 *float64 `json:"last_top1,omitempty"`
	Seconds  float64  `json:"seconds"`
	Error    string   `json:"error,omitempty"`
}

// runFolders lists the folders in dir that hold a run.
func runFolders(e *env, dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no runs yet: %q makes the first", dir, e.command("train"))
	}
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, entry := range entries {
		if path := filepath.Join(dir, entry.Name()); exists(filepath.Join(path, train.ConfigFile)) || exists(filepath.Join(path, transfer.PlanFile)) {
			dirs = append(dirs, path)
		}
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("%s: no runs in this folder", dir)
	}
	return dirs, nil
}

// summarize reads what a run folder records.
func summarize(dir string) runSummary {
	s := runSummary{Run: dir}
	saved, err := train.ReadRecord(dir)
	if errors.Is(err, fs.ErrNotExist) && exists(filepath.Join(dir, transfer.PlanFile)) {
		return summarizeHead(dir)
	}
	if err != nil {
		s.Error = err.Error()
		return s
	}
	s.Network, s.Recipe, s.Source, s.Done, s.Epochs = saved.Network, saved.Recipe, saved.Source, saved.Done, saved.Epochs
	measure, last, best := "top1", &s.LastTop1, &s.BestTop1
	if saved.Metrics.Best == "ap" {
		measure, last, best = "ap", &s.LastAP, &s.BestAP
	}
	for _, ep := range s.Epochs {
		s.Seconds += ep.Seconds
		if v, ok := ep.Find(measure); ok && ep.Validated {
			*last = &v
			if *best == nil || v > **best {
				*best = &v
			}
		}
	}
	s.Top1, s.AP = s.LastTop1, s.LastAP
	if !s.Done {
		s.State = "not finished"
	}
	return s.withResult()
}

// withResult adds what a run says at its end, or when it was told to stop.
func (s runSummary) withResult() runSummary {
	text, err := os.ReadFile(filepath.Join(s.Run, summaryFile))
	if err != nil || !s.Done && newer(filepath.Join(s.Run, train.LastFile), filepath.Join(s.Run, summaryFile)) {
		return s
	}
	var r struct {
		Images  int      `json:"images"`
		Split   string   `json:"split"`
		Top1    *float64 `json:"top1"`
		AP      *float64 `json:"ap"`
		Seconds float64  `json:"seconds"`
		// Reports without it are in per cent.
		MeanClass *float64 `json:"mean_class"`
	}
	if json.Unmarshal(text, &r) != nil {
		return s
	}
	if r.Top1 != nil && r.Images > 0 {
		if r.MeanClass == nil {
			*r.Top1 /= 100
		}
		s.Top1, s.Split = r.Top1, r.Split
	}
	if r.AP != nil && r.Images > 0 {
		s.AP, s.Split = r.AP, r.Split
	}
	s.Seconds = max(s.Seconds, r.Seconds)
	if !s.Done {
		s.State = fmt.Sprintf("stopped in epoch %d", len(s.Epochs)+1)
	}
	return s
}

// newer reports whether file a was written after b.
func newer(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && one.ModTime().After(other.ModTime())
}

// summarizeHead reads what a run folder records that trained a classifier alone,
// or has not come further than that.
func summarizeHead(dir string) runSummary {
	s := runSummary{Run: dir}
	p, err := transfer.ReadPlan(dir)
	if err != nil {
		s.Error = err.Error()
		return s
	}
	s.Network, s.Recipe, s.Source = "from "+p.Weights, p.Recipe, source(p.Data)
	s.Recipe.Epochs = 0
	s.Done = p.Result(p.Main()) != nil
	if r := p.Result(transfer.Frozen); r != nil && r.Outcomes != nil {
		top1 := r.Outcomes.Score(p.Recipe.Seed).Top1.Value
		s.Top1, s.Seconds = &top1, r.Seconds
	}
	if !s.Done {
		s.State = "not finished"
	}
	return s.withResult()
}

// summaryFile holds the result of a finished run.
const summaryFile = transfer.SummaryFile

func writeSummary(dir string, r any) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, summaryFile), append(text, '\n'))
}
