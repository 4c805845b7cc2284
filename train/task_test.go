package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train/task"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/zoo"
)

// The toy task of this file has two heads with losses of their own: where a
// spot is, as coordinates, and a map of how bright the picture is there.

// center is the middle of the spot of a picture.
type center struct{ x, y float64 }

func (c center) Under(t vision.Transform) data.Target {
	c.x, c.y = t.Point(c.x, c.y)
	return c
}

// spotted is a set of 8×8 pictures with a spot each.
type spotted struct{ *data.Memory }

func (s spotted) center(i int) center { return center{float64(2 + i%5), float64(2 + i/5%5)} }

func newSpotted(n int) spotted {
	s := spotted{&data.Memory{Source: "spots", H: 8, W: 8, C: 1, Names: []string{"spot"}, Pixels: make([]uint8, n*64), Labels: make([]int, n)}}
	for i := range n {
		for p := range 64 {
			c := s.center(i)
			d := math.Hypot(float64(p%8)+0.5-c.x, float64(p/8)+0.5-c.y)
			s.Pixels[i*64+p] = uint8(255 * math.Exp(-d*d/4))
		}
	}
	return s
}

func (s spotted) Read(i int, sample *data.Sample) error {
	sample.Target = s.center(i)
	return s.Memory.Read(i, sample)
}

// locate is the task: the sum of squared errors of both heads.
type locate struct{}

func (locate) Metrics() task.Metrics {
	return task.Metrics{Train: []string{"loss", "map"}, Val: []string{"distance"}, Best: "distance", Lower: true}
}

func (locate) Check(g *graph.Graph, _ data.Dataset) error {
	if _, ok := g.Find("center"); !ok {
		return errors.New("the network has no output center")
	}
	return nil
}

// squares adds up squared errors against want and sets their gradient.
func squares(o *task.Output, i int, scale float64, want func(j int) float64) (sum float64) {
	grad := o.Of(o.Grad, i)
	for j, v := range o.Of(o.Value, i) {
		d := float64(v) - want(j)
		sum += o.Loss * d * d
		grad[j] = float32(2 * o.Loss * scale * d)
	}
	return sum
}

func (locate) Loss(b *data.Batch, outputs []task.Output, scale float64, sums []float64) error {
	for i, target := range b.Targets {
		at := target.(center)
		sums[0] += squares(&outputs[0], i, scale, func(j int) float64 { return [2]float64{at.x / 8, at.y / 8}[j] })
		brightness := squares(&outputs[1], i, scale, func(j int) float64 { return float64(b.Images.Data[i*64+j/4*16+j%4*2]) })
		sums[0], sums[1] = sums[0]+brightness, sums[1]+brightness
	}
	return nil
}

func (locate) Evaluate(data.Dataset) task.Evaluation { return &distances{} }

type distances struct{ sum, n float64 }

func (d *distances) Add(b *data.Batch, outputs []task.Output) error {
	o, err := task.Find(outputs, "center")
	for i, target := range b.Targets {
		v, at := o.Of(o.Value, i), target.(center)
		d.sum += math.Hypot(8*float64(v[0])-at.x, 8*float64(v[1])-at.y)
		d.n++
	}
	return err
}

func (d *distances) Values() []float64 { return []float64{d.sum / d.n} }

// twoHeads is a network with the outputs of the task.
type twoHeads struct{}

func (twoHeads) About() zoo.Info {
	return zoo.Info{Name: "two-heads", Classes: 1, Input: input.Preprocess{Size: [2]int{8, 8}, Channels: 1, CropPct: 1}}
}

func (twoHeads) Build(zoo.Options) (*graph.Graph, error) {
	b := graph.NewBuilder("two-heads", 1)
	x := b.Activate("act", b.BatchNorm("bn", b.Conv("conv", b.Input(), graph.ConvSpec{Out: 8, Kernel: 3, Stride: 2})), graph.ReLU)
	x = b.Activate("act2", b.Conv("conv2", x, graph.ConvSpec{Out: 8, Kernel: 3}), graph.ReLU)
	b.TrainingOutput("map", b.Conv("map", x, graph.ConvSpec{Out: 1, Bias: true}), 0.1)
	far := b.Conv("far", x, graph.ConvSpec{Out: 16, Kernel: 4, Stride: 4, Bias: true})
	b.Output("center", b.Linear("place", b.GlobalPool("pool", far), 2, true))
	return b.Build()
}

func locateConfig(t *testing.T, dir string) Config {
	t.Helper()
	m, err := model.New(twoHeads{}, zoo.Options{}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Model: m, Task: locate{}, Train: newSpotted(48), Val: newSpotted(25), Dir: dir, Threads: 2, KeepBest: true,
		Recipe: recipe.Recipe{
			Epochs: 4, Batch: 8, Accumulate: 2, Seed: 5, EMA: 0.5, Optimizer: recipe.Optimizer{Kind: recipe.AdamW},
			Schedule: recipe.Schedule{LR: 0.02}, Augment: input.Augment{Crop: input.PadCrop, Pad: 1, Flip: 0.5},
		},
	}
}

// A task with two heads, losses, targets and a measure of its own trains, is
// evaluated, saved and resumed to the bit by the same trainer.
func TestAnotherTask(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	r := run(t, locateConfig(t, whole))
	first, last := r.Epochs()[0], r.Epochs()[3]
	if !(last.Get("distance") < first.Get("distance")) || !(last.Get("train_map") < first.Get("train_map")) || !last.Best || first.Get("top1") != 0 {
		t.Errorf("%+v and %+v", first, last)
	}
	for interrupts := 0; ; interrupts++ {
		cfg := locateConfig(t, parts)
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		cfg.OnStep = func(Progress) {
			if steps++; steps == 5 {
				cancel()
			}
		}
		_, err := Run(ctx, cfg)
		cancel()
		if err == nil {
			if interrupts != 4 {
				t.Errorf("%d interrupts", interrupts)
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	compareTensors(t, filepath.Join(whole, LastFile), filepath.Join(parts, LastFile), 0)
	compareTensors(t, filepath.Join(whole, BestFile), filepath.Join(parts, BestFile), 0)
	metrics, err := os.ReadFile(filepath.Join(parts, MetricsFile))
	if err != nil || strings.Count(string(metrics), `"distance":`) != 4 || strings.Contains(string(metrics), "top1") {
		t.Errorf("metrics %v\n%s", err, metrics)
	}
	if s, err := ReadRecord(parts); err != nil || !s.Done || s.Metrics.Best != "distance" || !s.Metrics.Lower {
		t.Errorf("record %+v, %v", s, err)
	}
	saved, err := OpenAs(parts, model.Options{Network: twoHeads{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := saved.Resume(Config{Train: newSpotted(48), Task: other{}}); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("resumed with another task: %v", err)
	}
}

// other measures something else.
type other struct{ locate }

func (other) Metrics() task.Metrics {
	return task.Metrics{Train: []string{"loss"}, Val: []string{"count"}, Best: "count"}
}

// What is about classes is refused, and so are networks without the outputs.
func TestTaskRefuses(t *testing.T) {
	for _, change := range []func(*Config){
		func(c *Config) { c.Recipe.Smoothing = 0.1 },
		func(c *Config) { c.Recipe.Balance = true },
		func(c *Config) { c.Recipe.Mix.Mixup = 1 },
		func(c *Config) { c.Model = config(t, "").Model },
	} {
		cfg := locateConfig(t, "")
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("no error for %+v", cfg.Recipe)
		}
	}
}
