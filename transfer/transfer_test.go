package transfer

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/zoo"
)

// tiny is a network for Fashion-MNIST at half its size.
var tiny = zoo.Network{
	Info: zoo.Info{
		Name: "tiny", Classes: 5, DropRate: 0.1,
		Input: input.Preprocess{Size: [2]int{14, 14}, Channels: 1, CropPct: 1, Interpolation: input.Bilinear},
	},
	Stem: zoo.Stem{Out: 8, Stride: 1},
	Stages: []zoo.Stage{
		{Kernels: []int{3, 5}, Expand: 2, Out: 16, Stride: 2, Act: graph.Swish},
		{Kernels: []int{3, 5}, Expand: 2, Out: 24, Stride: 2, SE: 0.25, Act: graph.Swish},
	},
	Head: zoo.Head{Out: 64},
}

// garments returns the first n images of each of the classes of Fashion-MNIST.
func garments(t *testing.T, d data.Dataset, n int, classes ...string) data.Dataset {
	t.Helper()
	var index []int
	counts := map[string]int{}
	for i := range d.Len() {
		name := d.Classes()[d.Label(i)]
		if slices.Contains(classes, name) && counts[name] < n {
			counts[name]++
			index = append(index, i)
		}
	}
	some, err := data.Subset(d, index)
	if err != nil {
		t.Fatal(err)
	}
	return &renumbered{some.(data.Sized), classes}
}

// renumbered is a set with only some of its classes.
type renumbered struct {
	data.Sized
	classes []string
}

func (r *renumbered) Classes() []string { return r.classes }

func (r *renumbered) Label(i int) int {
	return slices.Index(r.classes, r.Sized.Classes()[r.Sized.Label(i)])
}

// trained holds a network trained on five classes, and few images of the five
// others.
type trained struct {
	model      *model.Model
	train, all data.Dataset // of the other classes: few, and as many for tests
}

func pretrain(t *testing.T) *trained {
	t.Helper()
	s, err := data.OpenIDX(fashion.FS(), "fashion")
	if err != nil {
		t.Fatal(err)
	}
	names := s.Classes()
	base := garments(t, s.Train, 400, names[0], names[2], names[4], names[6], names[8])
	others := []string{names[1], names[3], names[5], names[7], names[9]}
	m, err := model.New(tiny, zoo.Options{}, base.Classes(), 1)
	if err != nil {
		t.Fatal(err)
	}
	r := preset(t, "small")
	r.Epochs, r.Batch, r.Augment = 3, 50, input.Augment{}
	if t2, err := train.Run(context.Background(), train.Config{Model: m, Recipe: r, Train: base, Threads: 2}); err == nil {
		m = t2.Model()
	} else {
		t.Fatal(err)
	}
	return &trained{m, garments(t, s.Train, 8, others...), garments(t, s.Test, 60, others...)}
}

func preset(t *testing.T, name string) recipe.Recipe {
	t.Helper()
	r, err := recipe.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTransfer follows the package's use: the features of a network trained on
// other images are worth more than training from scratch on few.
func TestTransfer(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	ctx := context.Background()
	p := pretrain(t)
	before := p.model.Values.Clone()
	target := Target{Classes: p.train.Classes(), Seed: 3}
	m, err := Adapt(p.model, target)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Extract(ctx, m, p.train, Inference{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if f.Len() != 40 || f.Width != 64 || f.Classes != 5 || len(f.X) != 40*64 {
		t.Errorf("%d images, %d features, %d classes, %d values", f.Len(), f.Width, f.Classes, len(f.X))
	}
	h, err := FitHead(ctx, f, HeadOptions{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	images := int64(0)
	tests, err := Extract(ctx, m, p.all, Inference{Threads: 2, Progress: func(n int64) { images = n }})
	if err != nil {
		t.Fatal(err)
	}
	if images != 300 {
		t.Errorf("%d images were reported done", images)
	}
	frozen, err := h.Evaluate(tests, p.all)
	if err != nil {
		t.Fatal(err)
	}

	// With the head in the network, the engine says the same.
	if err := h.Install(m); err != nil {
		t.Fatal(err)
	}
	o, err := Evaluate(ctx, m, p.all, Inference{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.Labels, frozen.Labels) {
		t.Error("labels differ")
	}
	differ := 0
	for i := range o.Ranks {
		if o.Ranks[i] != frozen.Ranks[i] {
			differ++
		}
	}
	if differ > 1 {
		t.Errorf("the network and the classifier on features differ on %d of %d images", differ, len(o.Ranks))
	}

	r, err := preset(t, "finetune").Complete(p.train.Len())
	if err != nil {
		t.Fatal(err)
	}
	r.Epochs = 10
	blank, err := Scratch(p.model, target)
	if err != nil {
		t.Fatal(err)
	}
	if t2, err := train.Run(ctx, train.Config{Model: blank, Recipe: recipe.FromScratch(r), Train: p.train, Threads: 2}); err == nil {
		blank = t2.Model()
	} else {
		t.Fatal(err)
	}
	scratch, err := Evaluate(ctx, blank, p.all, Inference{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	d, err := frozen.Difference(scratch, 1)
	if err != nil {
		t.Fatal(err)
	}
	if s := frozen.Score(1); s.Top1.Value < 0.6 || d.Low <= 0 {
		t.Errorf("frozen backbone %+v, %+v ahead of training from scratch", s.Top1, d)
	}
	for i := range before {
		if !slices.Equal(before[i], p.model.Values[i]) {
			t.Fatalf("the pretrained model has changed: %s", p.model.Graph.Params[i].Name)
		}
	}
}

func newTiny(t *testing.T, classes []string) *model.Model {
	t.Helper()
	m, err := model.New(tiny, zoo.Options{}, classes, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAdapt(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	m := newTiny(t, names)
	rate := 0.25
	for _, make := range []func(*model.Model, Target) (*model.Model, error){Adapt, Scratch} {
		out, err := make(m, Target{Classes: []string{"x", "y"}, Size: 20, DropPath: &rate, Seed: 9})
		if err != nil {
			t.Fatal(err)
		}
		if out.Graph.Classes() != 2 || out.Preprocess().Size != [2]int{20, 20} || *out.Options.DropPath != rate {
			t.Errorf("%d classes, input %+v, options %+v", out.Graph.Classes(), out.Input, out.Options)
		}
		if m.Preprocess().Size != [2]int{14, 14} || m.Options.DropPath != nil {
			t.Error("the source has changed")
		}
		// It survives a file.
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := out.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := model.Open(path, model.Options{})
		if err != nil || again.Preprocess().Size != [2]int{20, 20} || again.Graph.Classes() != 2 {
			t.Errorf("read again: %+v, %v", again, err)
		}
	}
	if err := (&Head{In: 3, Out: 5}).Install(m); err == nil {
		t.Error("a classifier of another size was installed")
	}
}

func TestExtractNeedsClassifier(t *testing.T) {
	b := graph.NewBuilder("bare", 1)
	b.Output(graph.Logits, b.GlobalPool("gap", b.Input()))
	g, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Extract(context.Background(), &model.Model{Graph: g}, &data.Memory{}, Inference{Threads: 1}); !errors.Is(err, ErrNoFeatures) {
		t.Errorf("error %v", err)
	}
}

// dots is a set of pictures of a bright left or right half.
func dots(n int) *data.Memory {
	m := &data.Memory{Source: "dots", H: 14, W: 14, C: 1, Names: []string{"left", "right"}}
	for i := range n {
		for y := range 14 {
			for x := range 14 {
				bright := (x < 7) == (i%2 == 0)
				v := uint8((x*7 + y*13 + i*29) % 60)
				if bright {
					v += 150
				}
				m.Pixels = append(m.Pixels, v)
			}
		}
		m.Labels = append(m.Labels, i%2)
	}
	return m
}

func TestGridSearch(t *testing.T) {
	r := recipe.Recipe{
		Name: "test", Epochs: 4, Batch: 8, NormMomentum: 0.3,
		Optimizer: recipe.Optimizer{Kind: recipe.SGD}, Schedule: recipe.Schedule{Kind: recipe.Cosine, LR: 1},
	}
	var names []string
	dir := t.TempDir()
	search := GridSearch{
		// The second rate leads to infinity.
		Config: train.Config{Recipe: r, Train: dots(40), Val: dots(16), Threads: 1, Dir: dir},
		Grid:   recipe.Grid{Rates: []float64{1e-6, 1e30, 0.05}, Decays: []float64{0.01}},
		Start:  func() (*model.Model, error) { return newTiny(t, []string{"left", "right"}), nil },
		Follow: func(name string, cfg *train.Config) func() {
			names = append(names, name)
			if cfg.Dir != "" && cfg.Dir != filepath.Join(dir, name) {
				t.Errorf("folder %s of %s", cfg.Dir, name)
			}
			return func() {}
		},
	}
	best, trials, err := search.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(trials) != 3 || len(names) != 3 || trials[0].Diverged || !trials[1].Diverged || trials[2].Diverged {
		t.Fatalf("trials %+v, names %v", trials, names)
	}
	if best.Schedule.LR != 0.05 || math.Abs(best.Optimizer.WeightDecay-5e-4) > 1e-12 || trials[2].Top1 <= trials[0].Top1 {
		t.Errorf("best %+v of %+v", best.Schedule, trials)
	}

	// A search that was interrupted goes on with what it has: without any
	// training left the outcome is the same.
	search.Start = func() (*model.Model, error) {
		m := newTiny(t, []string{"left", "right"})
		for _, v := range m.Values {
			clear(v)
		}
		return m, nil
	}
	search.Grid.Rates = []float64{1e-6, 0.05}
	_, again, err := search.Run(context.Background())
	if err != nil || !slices.Equal(again, []GridTrial{trials[0], trials[2]}) {
		t.Errorf("again %+v, %v; before %+v", again, err, trials)
	}

	search.Grid.Rates, search.Config.Dir = []float64{1e30}, ""
	if _, _, err := search.Run(context.Background()); !errors.Is(err, ErrNoTrial) {
		t.Errorf("only divergence: error %v", err)
	}
}

// A run whose folder was damaged is an error, not a new run.
func TestTrainRefusesDamage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, train.LastFile), []byte("no"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := train.Run(context.Background(), train.Config{
		Model: newTiny(t, []string{"left", "right"}), Recipe: preset(t, "finetune"), Train: dots(40), Dir: dir,
	})
	if !errors.Is(err, train.ErrCheckpoint) {
		t.Errorf("error %v", err)
	}
}
