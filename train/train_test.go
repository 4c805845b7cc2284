package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/weights"
	"github.com/mixnet-go/mixnet/zoo"
)

// stripes is a set of 8×8 pictures of noisy stripes, one direction a class.
func stripes(n int, seed uint64) *data.Memory {
	m := &data.Memory{Source: "stripes", H: 8, W: 8, C: 1, Names: []string{"down", "across", "diagonal"}}
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		label := i % 3
		phase := rng.IntN(4)
		for y := range 8 {
			for x := range 8 {
				on := [3]int{x, y, x + y}[label] + phase
				m.Pixels = append(m.Pixels, uint8(rng.IntN(120)+100*(on/2%2)))
			}
		}
		m.Labels = append(m.Labels, label)
	}
	return m
}

// small is a network with everything that holds state or draws at random.
var small = zoo.Network{
	Info: zoo.Info{
		Name: "small", Classes: 3, DropRate: 0.2, DropPath: 0.2,
		Input: input.Preprocess{Size: [2]int{8, 8}, Channels: 1, CropPct: 1},
	},
	Stem: zoo.Stem{Out: 8, Stride: 1},
	Stages: []zoo.Stage{
		{Kernels: []int{3, 5}, Expand: 2, Out: 8, SE: 0.5, Act: graph.Swish, Repeats: 2},
	},
	Head: zoo.Head{Out: 16},
}

// config is a run of 3 epochs of 6 steps.
func config(t testing.TB, dir string) Config {
	t.Helper()
	d := stripes(50, 1)
	m, err := model.New(small, zoo.Options{}, d.Classes(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Model: m, Train: d, Val: stripes(30, 2), Source: "stripes", Dir: dir, Threads: 2,
		Recipe: recipe.Recipe{
			Epochs: 3, Batch: 8, Seed: 5, EMA: 0.9, Smoothing: 0.1,
			Optimizer: recipe.Optimizer{Kind: recipe.RMSProp, WeightDecay: 1e-5, Clip: 10},
			Schedule:  recipe.Schedule{Kind: recipe.Cosine, LR: 0.01, Warmup: 0.5},
			Augment:   input.Augment{Crop: input.PadCrop, Pad: 1, Flip: 0.5},
		},
	}
}

func run(t testing.TB, cfg Config) *Trainer {
	t.Helper()
	r, err := New(cfg)
	if err == nil {
		err = r.Run(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// equalRuns compares the checkpoints of two folders, but for times.
func equalRuns(t testing.TB, a, b string) {
	t.Helper()
	states := [2][]Epoch{}
	files := [2]*weights.File{}
	for i, dir := range []string{a, b} {
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		states[i] = s.Epochs()
		for j := range states[i] {
			states[i][j].Seconds = 0
		}
		f, err := weights.Open(filepath.Join(dir, LastFile))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	if !reflect.DeepEqual(states[0], states[1]) {
		t.Errorf("epochs differ:\n%v\n%v", states[0], states[1])
	}
	if !slices.Equal(files[0].Names(), files[1].Names()) {
		t.Fatalf("tensors differ:\n%v\n%v", files[0].Names(), files[1].Names())
	}
	for _, name := range files[0].Names() {
		x, err := files[0].ReadBytes(name)
		y, err2 := files[1].ReadBytes(name)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x, y) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestTrainingLearns(t *testing.T) {
	losses := map[float64]bool{}
	for _, p := range []recipe.Precision{recipe.Float32, recipe.BFloat16} {
		cfg := config(t, "")
		cfg.Train, cfg.Recipe.Epochs, cfg.Recipe.Precision = stripes(300, 1), 6, p
		r := run(t, cfg)
		last := r.Epochs()[5]
		if last.Get("top1") < 0.9 || last.Get("val_loss") > 0.6 || last.Get("top5") != 1 {
			t.Errorf("%s: after 6 epochs: %+v", p, last)
		}
		losses[last.Get("val_loss")] = true
	}
	if len(losses) != 2 {
		t.Error("both precisions give the same loss")
	}
}

func TestEvalEvery(t *testing.T) {
	cfg := config(t, "")
	cfg.Recipe.Epochs, cfg.Recipe.EvalEvery = 5, 2
	var at []int
	for _, e := range run(t, cfg).Epochs() {
		if e.Validated {
			at = append(at, e.Epoch)
		}
	}
	if want := []int{2, 4, 5}; !slices.Equal(at, want) {
		t.Errorf("evaluated after epochs %v, want %v", at, want)
	}
}

// A run that is interrupted again and again ends with the bits of one that is
// not.
func TestResumeIsExact(t *testing.T) {
	for name, change := range map[string]func(*recipe.Recipe){
		"average":        func(r *recipe.Recipe) {},
		"bfloat16":       func(r *recipe.Recipe) { r.Precision = recipe.BFloat16 },
		"no average":     func(r *recipe.Recipe) { r.EMA, r.Optimizer = 0, recipe.Optimizer{Kind: recipe.SGD} },
		"mixed images":   func(r *recipe.Recipe) { r.Mix = input.Mix{Mixup: 0.2, CutMix: 1}; r.Balance = true },
		"augmented":      func(r *recipe.Recipe) { r.Augment.RandAugment.N, r.Augment.Erase.Probability = 2, 0.5 },
		"growing images": func(r *recipe.Recipe) { r.Sizes = recipe.Sizes{Pixels: []int{4, 6, 8}} },
		"images of any size": func(r *recipe.Recipe) {
			r.Sizes, r.Accumulate = recipe.Sizes{Pixels: []int{5, 8, 9}, Order: recipe.Random}, 2
		},
		"patience": func(r *recipe.Recipe) {
			r.Epochs, r.Patience, r.Schedule = 9, 1, recipe.Schedule{Kind: recipe.Constant, LR: 1e-12}
		},
		"adamw": func(r *recipe.Recipe) { r.Optimizer = recipe.Optimizer{Kind: recipe.AdamW}; r.FixedNorm = true },
		"muon":  func(r *recipe.Recipe) { r.Optimizer = recipe.Optimizer{Kind: recipe.Muon, WeightDecay: 0.05} },
	} {
		t.Run(name, func(t *testing.T) { checkResume(t, change) })
	}
}

func checkResume(t *testing.T, change func(*recipe.Recipe)) {
	whole, parts := t.TempDir(), t.TempDir()
	cfg := config(t, whole)
	change(&cfg.Recipe)
	uncut := run(t, cfg)
	cfg = config(t, parts)
	change(&cfg.Recipe)
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	cfg.OnStep = func(Progress) {
		if steps++; steps%4 == 0 {
			cancel()
		}
	}
	r, err := New(cfg)
	for interrupts := 0; ; interrupts++ {
		if err != nil {
			t.Fatal(err)
		}
		err := r.Run(ctx)
		if err == nil {
			if want := (uncut.state.Step - 1) / 4; interrupts < want {
				t.Errorf("%d interrupts, want %d", interrupts, want)
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		s, err := Open(parts)
		if err != nil {
			t.Fatal(err)
		}
		r, err = s.Resume(Config{Train: cfg.Train, Val: cfg.Val, OnStep: cfg.OnStep})
		if err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	equalRuns(t, whole, parts)
	if s, err := Open(parts); err != nil || !s.Done() {
		t.Errorf("the run is not done: %v", err)
	}
}

func TestSameSeedSameBits(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	cfg := config(t, a)
	cfg.Recipe.Accumulate = 2
	run(t, cfg)
	cfg = config(t, b)
	cfg.Recipe.Accumulate = 2
	run(t, cfg)
	equalRuns(t, a, b)
}

// The best checkpoint and the result of a run hold the moving average that
// gave the recorded accuracy.
func TestModelIsTheAverage(t *testing.T) {
	dir := t.TempDir()
	cfg := config(t, dir)
	r := run(t, cfg)
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var best Epoch
	for _, e := range s.Epochs() {
		if e.Best {
			best = e
		}
	}
	for path, want := range map[string][]Metric{BestFile: best.Val, LastFile: s.Epochs()[2].Val} {
		m, err := model.Open(filepath.Join(dir, path), model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.step.Evaluate(context.Background(), r.val, m.Values)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, the record says %v", path, got, want)
		}
		if path == LastFile && !slices.EqualFunc(m.Values, cfg.Model.Values, slices.Equal[[]float32]) {
			t.Error("the model after the run is not the saved one")
		}
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	run(t, config(t, dir))
	metrics, err := os.ReadFile(filepath.Join(dir, MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(metrics), "\n"); n != 3 || !strings.Contains(string(metrics), `"epoch":3,"step":18`) {
		t.Errorf("%d lines of metrics:\n%s", n, metrics)
	}
	r, err := New(config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background()); !errors.Is(err, ErrOccupied) {
		t.Errorf("a second run in the same folder: %v", err)
	}
}

func TestBadRuns(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no data":         func(c *Config) { c.Train = nil },
		"large batch":     func(c *Config) { c.Recipe.Batch = 64 },
		"no epochs":       func(c *Config) { c.Recipe.Epochs = 0 },
		"bad parts":       func(c *Config) { c.Recipe.Accumulate = 3 },
		"unknown rule":    func(c *Config) { c.Recipe.Optimizer.Kind = "adagrad" },
		"impatience":      func(c *Config) { c.Recipe.Patience, c.Recipe.EvalEvery = 2, 3 },
		"unknown decay":   func(c *Config) { c.Recipe.Schedule.Kind = "linear" },
		"no rate":         func(c *Config) { c.Recipe.Schedule.LR = 0 },
		"other classes":   func(c *Config) { c.Val = &data.Memory{H: 8, W: 8, C: 1, Names: []string{"one"}} },
		"smoothing of 1":  func(c *Config) { c.Recipe.Smoothing = 1 },
		"empty val":       func(c *Config) { c.Val = &data.Memory{H: 8, W: 8, C: 1, Names: c.Train.Classes()} },
		"average of 1":    func(c *Config) { c.Recipe.EMA = 1 },
		"negative decay":  func(c *Config) { c.Recipe.Optimizer.WeightDecay = -1 },
		"negative warmup": func(c *Config) { c.Recipe.Schedule.Warmup = -1 },
	} {
		cfg := config(t, "")
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	cfg := config(t, t.TempDir())
	cfg.Recipe.Schedule = recipe.Schedule{Kind: recipe.Constant, LR: 1e30}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background()); !errors.Is(err, ErrDiverged) {
		t.Errorf("a rate of 1e30: %v", err)
	}
	if _, err := Open(cfg.Dir); err != nil {
		t.Errorf("after a diverged run: %v", err)
	}
}

// A damaged checkpoint is an error that says so, wherever it is cut.
func TestDamagedCheckpoint(t *testing.T) {
	dir := t.TempDir()
	cfg := config(t, dir)
	run(t, cfg)
	path := filepath.Join(dir, LastFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(good); cut += 1024 {
		if err := os.WriteFile(path, good[:cut], 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); !errors.Is(err, ErrCheckpoint) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	best, err := os.ReadFile(filepath.Join(dir, BestFile))
	if err == nil {
		err = os.WriteFile(path, best, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("a model in place of a run: %v", err)
	}
	if err := os.WriteFile(path, good, 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resume(Config{Train: stripes(51, 1)}); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("more data: %v", err)
	}
	other := stripes(50, 1)
	other.Labels[7]++
	if _, err := s.Resume(Config{Train: other}); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("other labels: %v", err)
	}
}

func TestProgress(t *testing.T) {
	cfg := config(t, "")
	var seen []string
	cfg.OnStep = func(p Progress) {
		if p.Rate <= 0 || p.Left < 0 || p.Elapsed <= 0 || p.Get("train_loss") <= 0 {
			t.Errorf("%+v", p)
		}
		seen = append(seen, fmt.Sprint(p.Epoch, p.Epochs, p.Step, p.Steps))
	}
	cfg.OnEpoch = func(e Epoch) { seen = append(seen, fmt.Sprint("epoch ", e.Epoch)) }
	cfg.Recipe.Epochs, cfg.Train = 2, stripes(17, 1)
	run(t, cfg)
	want := []string{"0 2 1 2", "0 2 2 2", "epoch 1", "1 2 1 2", "1 2 2 2", "epoch 2"}
	if !slices.Equal(seen, want) {
		t.Errorf("reported %q, want %q", seen, want)
	}
}
