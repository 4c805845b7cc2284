package objects_test

import (
	"math/rand/v2"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/boxes"
	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/train/objects"
	"github.com/mixnet-go/mixnet/vision"
	"github.com/mixnet-go/mixnet/zoo"
)

const side = 96

// shapes is a set of pictures with one or two bright rectangles on noise: wide
// ones are green, tall ones red.
type shapes struct {
	*data.Memory
	objects []boxes.Objects
}

func (s shapes) Read(i int, sample *data.Sample) error {
	sample.Target = s.objects[i]
	return s.Memory.Read(i, sample)
}

func newShapes(n int) shapes {
	s := shapes{Memory: &data.Memory{Source: "shapes", H: side, W: side, C: 3, Names: []string{"wide", "tall"}, Pixels: make([]uint8, n*side*side*3), Labels: make([]int, n)}}
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range n {
		pix := s.Pixels[i*side*side*3:][:side*side*3]
		for j := range pix {
			pix[j] = uint8(rng.IntN(60))
		}
		var all boxes.Objects
		for k := range 1 + i%2 {
			class := (i/2 + k) % 2
			w, h := 30+rng.IntN(8), 16+rng.IntN(5)
			if class == 1 {
				w, h = h, w
			}
			x, y := k*48+rng.IntN(48-w), rng.IntN(side-h)
			for py := y; py < y+h; py++ {
				for px := x; px < x+w; px++ {
					pix[(py*side+px)*3+1-class] = 220
				}
			}
			all = append(all, boxes.Object{Box: vision.Box{X0: float64(x), Y0: float64(y), X1: float64(x + w), Y1: float64(y + h)}, Class: class})
		}
		s.objects = append(s.objects, all)
	}
	return s
}

// The trainer teaches a detector eight pictures by heart.
func TestOverfit(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	spec, err := zoo.Lookup("mobilenetv2_035_ssdlite96")
	if err != nil {
		t.Fatal(err)
	}
	d := spec.(zoo.Detector)
	d.Backbone.Norm.Momentum = 0.2 // running statistics settle within the test
	d.Extras = []int{64, 64, 32}
	set := newShapes(8)
	m, err := model.New(d, zoo.Options{}, set.Names, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := train.Run(t.Context(), train.Config{
		Model: m, Train: set, Val: set, Dir: t.TempDir(), Threads: 2, KeepBest: true,
		Task: &objects.Task{Anchors: d.Anchors, Config: detect.LossConfig{Kind: detect.Multibox, MinNegatives: 3}, Classes: 2},
		Recipe: recipe.Recipe{
			Epochs: 150, Batch: 8, Seed: 5, Optimizer: recipe.Optimizer{Kind: recipe.AdamW}, Schedule: recipe.Schedule{LR: 0.004},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	best := 0.0
	for _, e := range r.Epochs() {
		best = max(best, e.Get("ap"))
	}
	if best < 0.95 {
		last := r.Epochs()[len(r.Epochs())-1]
		t.Errorf("AP %.3f, want more than 0.95; last %.3f, AP50 %.3f, loss %.4f", best, last.Get("ap"), last.Get("ap50"), last.Get("train_loss"))
	}
}
