// Package detection does the trials of Table 1 of the MixConv paper (arXiv
// 1907.09595) at a small scale: networks that differ in their depthwise kernels
// are trained to find objects with the same seeds, and compared by COCO's
// average precision.
package detection

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/evaluate/coco"
	"github.com/mixnet-go/mixnet/internal/found"
	"github.com/mixnet-go/mixnet/internal/stats"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/train/objects"
	"github.com/mixnet-go/mixnet/zoo"
	"github.com/mixnet-go/mixnet/zoo/netfile"
)

// Change is what a row of the table has in place of the base's 3×3 kernels.
type Change struct {
	Label   string
	Setting string // of the zoo, "" for the base itself
	// V1 and V2 are the paper's mAP of the row on COCO, in per cent.
	V1, V2 float64
}

// Changes are the rows of the table, the base first.
func Changes() []Change {
	return []Change{
		{"3×3", "", 21.7, 21.5},
		{"5×5", "kernel=5", 22.3, 22.1},
		{"7×7", "kernel=7", 21.8, 21.2},
		{"mix 3, 5", "mix=2", 22.2, 22.1},
		{"mix 3, 5, 7", "mix=3", 22.4, 22.3},
	}
}

// Trial is one network, trained once and judged on what nothing was chosen on.
type Trial struct {
	// Network is the name of a detector, or a network file's; Spec, where it is
	// not nil, is a detector in its place.
	Network string
	Spec    zoo.Spec
	// Recipe says how; its seed draws first weights, order and augmentation, so
	// that networks with equal ones are compared in pairs.
	Recipe recipe.Recipe
	Fit    boxes.Labelled
	Judge  boxes.Labelled
	// Source describes the data, and is recorded.
	Source string
	// Dir is the run folder, in which an interrupted trial goes on; "" records
	// nothing.
	Dir     string
	Threads int // that compute; 0 means GOMAXPROCS
	// OnEpoch is told of the epochs; nil for nobody.
	OnEpoch func(train.Epoch)
}

// Outcome is what came of a trial.
type Outcome struct {
	Network  string  `json:"network"`
	Seed     uint64  `json:"seed"`
	Run      string  `json:"run,omitempty"`
	AP       float64 `json:"ap"` // fractions; -1 over nothing
	AP50     float64 `json:"ap50"`
	APSmall  float64 `json:"ap_small"`
	APMedium float64 `json:"ap_medium"`
	APLarge  float64 `json:"ap_large"`
	Images   int     `json:"images"`  // that judged
	Objects  int     `json:"objects"` // on them
	Seconds  float64 `json:"seconds"` // of training
}

// Do trains the network, or goes on where it was interrupted, and judges it.
// Errors about training that diverged wrap [train.ErrDiverged].
func (t *Trial) Do(ctx context.Context) (*Outcome, error) {
	spec := t.Spec
	if spec == nil {
		var err error
		if spec, err = netfile.Lookup(t.Network); err != nil {
			return nil, err
		}
	}
	if _, finds := zoo.Finds(spec); !finds {
		return nil, fmt.Errorf("detection: %s finds no objects", spec.About().Name)
	}
	if t.Fit == nil || t.Judge == nil {
		return nil, errors.New("detection: no pictures to train on, or none to judge by")
	}
	out := &Outcome{Network: spec.About().Name, Seed: t.Recipe.Seed, Run: t.Dir}
	m, err := t.train(ctx, spec, out)
	if err != nil {
		return nil, err
	}
	r, err := judge(ctx, m, t.Judge, t.Threads)
	if err != nil {
		return nil, err
	}
	out.AP, out.AP50, out.APSmall, out.APMedium, out.APLarge = r.AP, r.AP50, r.APSmall, r.APMedium, r.APLarge
	out.Images = t.Judge.Len()
	for _, n := range boxes.Counts(t.Judge) {
		out.Objects += n
	}
	return out, nil
}

func (t *Trial) train(ctx context.Context, spec zoo.Spec, out *Outcome) (*model.Model, error) {
	rec, err := t.Recipe.Complete(t.Fit.Len())
	if err != nil {
		return nil, err
	}
	m, err := model.New(spec, zoo.Options{}, t.Fit.Classes(), rec.Seed)
	if err != nil {
		return nil, err
	}
	task, err := objects.New(spec, len(t.Fit.Classes()), rec.Detection)
	if err != nil {
		return nil, err
	}
	task.Prior(m.Graph, m.Values, func(string) bool { return true })
	run, err := train.Prepare(train.Config{
		Model: m, Recipe: rec, Task: task, Train: t.Fit, Source: t.Source, Dir: t.Dir, Threads: t.Threads, OnEpoch: t.OnEpoch,
	})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	if err := run.Run(ctx); err != nil {
		return nil, err
	}
	out.Seconds = run.Trained().Round(time.Millisecond).Seconds()
	return run.Model(), nil
}

// judge finds objects in all pictures of a set as the detector does, in pixels
// of the pictures.
func judge(ctx context.Context, m *model.Model, set boxes.Labelled, threads int) (*coco.Result, error) {
	d, err := mixnet.NewDetector(m, mixnet.Options{Threads: threads})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	finder := found.Finder{Detector: d, Set: set}
	var all []coco.Detection
	for i := range set.Len() {
		if all, err = finder.In(ctx, i, all); err != nil {
			return nil, fmt.Errorf("%s: %w", set.Name(i), err)
		}
	}
	return objects.Truths(set).Evaluate(ctx, all, coco.Options{Threads: threads})
}

// Difference is how much more average precision one network has than another,
// in pairs of trials with equal seeds, with the 95 % interval of Student's
// distribution. It reports false with fewer than two pairs.
func Difference(a, b []Outcome) (stats.Interval, bool) {
	var own, other []float64
	for _, x := range a {
		for _, y := range b {
			if x.Seed == y.Seed && x.AP >= 0 && y.AP >= 0 {
				own, other = append(own, x.AP), append(other, y.AP)
			}
		}
	}
	return stats.Paired(own, other)
}
