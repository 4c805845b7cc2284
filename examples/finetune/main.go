// Command finetune teaches the photo model that comes with the library the
// classes of a folder, whose folders are the classes:
//
//	flowers/daisy/*.jpg
//	flowers/tulip/*.jpg
//
//	go run ./examples/finetune -data flowers -to flowers.safetensors
//
// A fifth of the photos is held out to judge the result by, unless there is a
// folder test or val. It says how good the model is, with the bounds of that,
// and beside a classifier on the features of the untouched network. After
// Ctrl-C, the same command goes on where it stopped.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/pretrained/photo"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/train"
	"github.com/mixnet-go/mixnet/transfer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("finetune", flag.ContinueOnError)
	folder := flags.String("data", "", "folder with a folder for each class")
	to := flags.String("to", "model.safetensors", "file for the model")
	work := flags.String("work", "finetune-run", "folder to record the work in")
	epochs := flags.Int("epochs", 0, "passes over the photos; as many as suit their number by default")
	size := flags.Int("size", 0, "input size in pixels; the network's own by default")
	if err := flags.Parse(args); err != nil {
		return err
	}
	images, err := data.Open(*folder)
	if err != nil {
		return err
	}
	m, err := photo.Model()
	if err != nil {
		return err
	}
	r, err := recipe.Preset("finetune")
	if err != nil {
		return err
	}
	r.Epochs = *epochs
	scratch := false
	res, err := transfer.FineTune(ctx, m, images, transfer.Options{
		Recipe: r, Size: *size, Scratch: &scratch, Dir: *work,
		Source: transfer.Source{Weights: photo.Name, Data: *folder},
		Running: transfer.Running{Trace: transfer.Trace{
			Epoch: func(s transfer.Stage, e train.Epoch) {
				fmt.Fprintf(out, "epoch %d of %d: loss %.4f, top-1 %.2f %%\n", e.Epoch, s.Recipe.Epochs, e.Get("train_loss"), 100*e.Get("top1"))
			},
			Warning: func(err error) { fmt.Fprintln(out, err) },
		}},
	})
	if err != nil {
		return err
	}
	for _, method := range res.Report.Methods {
		t := method.Top1
		fmt.Fprintf(out, "%s: top-1 %.2f %%, between %.2f and %.2f %% with 95 %% confidence\n", method.Method, 100*t.Value, 100*t.Low, 100*t.High)
	}
	fmt.Fprintf(out, "on %d %s photos of %d classes; the model is in %s\n", res.Report.Images, res.Report.Split, len(res.Model.Classes), *to)
	return res.Model.Save(*to)
}
