// Command supernet trains a supernet of NAS-Bench-Macro's space on CIFAR-10 and
// compares its scores with the published accuracies of the networks: 200 drawn
// evenly and 100 of 45 to 60 M multiply-adds. It goes on where it was stopped.
//
//	go run ./bench/supernet --data cifar10 --dir macro.supernet
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/nas"
	"github.com/mixnet-go/mixnet/nas/supernet"
	"github.com/mixnet-go/mixnet/recipe"
)

// options are the flags.
type options struct {
	data, table, dir, recipe string
	size                     int
	width                    float64
	threads, every           int
	estimate, images         int
	sharing                  supernet.Sharing
}

func main() {
	var o options
	flag.StringVar(&o.data, "data", "", "CIFAR-10, as for mixnet train")
	flag.StringVar(&o.table, "table", "nas/testdata/nas-bench-macro.csv.gz", "the table of published accuracies")
	flag.StringVar(&o.dir, "dir", "macro.supernet", "folder for the state and the results")
	flag.StringVar(&o.recipe, "recipe", "bench/recipes/supernet.toml", "how it is trained")
	flag.IntVar(&o.size, "size", 32, "side of the images that it is trained on")
	flag.Float64Var(&o.width, "width", 1, "what all widths are multiplied by")
	flag.IntVar(&o.threads, "threads", 0, "threads that compute; 0 for one for every core")
	flag.IntVar(&o.every, "every", 1, "epochs from one scoring of all networks to the next")
	flag.IntVar(&o.estimate, "estimate", 1000, "images that batch norm's statistics are estimated on")
	flag.IntVar(&o.images, "images", 2000, "held-out training images that score; 0 for all 5,000")
	flag.BoolVar(&o.sharing.Rows, "share", false, "share expansions and projections among the blocks of a layer")
	flag.BoolVar(&o.sharing.Crops, "crops", false, "make smaller kernels the middle of larger ones")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &o); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "supernet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	table, err := readTable(o.table)
	if err != nil {
		return err
	}
	space, err := macro(o.size, o.width)
	if err != nil {
		return err
	}
	rec, err := recipe.ReadFile(o.recipe)
	if err != nil {
		return err
	}
	splits, err := data.Open(o.data)
	if err != nil {
		return err
	}
	roles, err := splits.Plan(data.Policy{Val: 0.1})
	if err != nil {
		return err
	}
	net, err := supernet.New(space, o.sharing, rec.Seed)
	if err != nil {
		return err
	}
	memory := autodiff.NewMemory(o.threads)
	scorer, err := supernet.NewScorer(ctx, net, supernet.ScoreConfig{
		Fit: roles.Fit, Estimate: o.estimate, Choose: roles.Choose, Images: o.images, Memory: memory,
	})
	if err != nil {
		return err
	}
	j := &judge{scorer: scorer, table: table, space: space, dir: o.dir}
	j.draw()
	began := time.Now()
	_, err = supernet.Train(ctx, supernet.Config{
		Net: net, Recipe: rec, Data: roles.Fit, Memory: memory, Dir: o.dir,
		OnStep: func(p supernet.Progress) {
			if p.Step%50 == 0 {
				fmt.Printf("step %d of %d, epoch %d: loss %.3f, %.0f images/s\n", p.Step, p.Steps, p.Epoch+1, p.Loss, float64(p.Images)/time.Since(began).Seconds())
			}
		},
		OnEpoch: func(e supernet.Epoch) error {
			fmt.Printf("epoch %d: loss %.4f, top-1 %.2f %%, rate %.4g, %.0f s\n", e.Epoch, e.Loss, 100*e.Top1, e.Rate, e.Seconds)
			if e.Epoch%o.every != 0 && e.Epoch != rec.Epochs {
				return nil
			}
			return j.score(ctx, e.Epoch)
		},
	})
	if err != nil {
		return err
	}
	return j.score(ctx, rec.Epochs)
}

// macro is the space at another size of images and other widths.
func macro(size int, width float64) (*nas.TableSpace, error) {
	space, err := nas.Lookup("nas-bench-macro")
	if err != nil {
		return nil, err
	}
	t := space.Table
	scaled := func(n int) int { return max(int(float64(n)*width/8+0.5), 1) * 8 }
	t.Base.Input.Size = [2]int{size, size}
	t.Base.Stem.Out, t.Base.Head.Out = scaled(t.Base.Stem.Out), scaled(t.Base.Head.Out)
	for i := range t.Stages {
		for k, n := range t.Stages[i].Out {
			t.Stages[i].Out[k] = scaled(n)
		}
	}
	return nas.NewTable(t)
}

// results is where a scoring is written.
func (j *judge) results(epoch int) string {
	return filepath.Join(j.dir, fmt.Sprintf("scores-%03d.csv", epoch))
}
