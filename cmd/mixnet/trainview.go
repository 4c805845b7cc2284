package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mixnet-go/mixnet/train"
)

// trainView shows a run: a line for the current epoch on a terminal, and one
// that stays for every epoch done.
type trainView struct {
	e     *env
	json  bool
	bar   *progress
	dir   string // of the run
	done  []train.Epoch
	head  bool
	steps int
	max   int
	stop  func()
}

func newTrainView(e *env, json bool, dir string, done []train.Epoch) *trainView {
	return &trainView{e: e, json: json, bar: e.newProgress("", "images", 0), dir: dir, done: done}
}

// limit stops the run after max steps; 0 means never.
func (v *trainView) limit(max int, stop func()) { v.max, v.stop = max, stop }

func (v *trainView) step(p train.Progress) {
	v.steps++
	if v.max > 0 && v.steps >= v.max {
		v.stop()
	}
	v.bar.draw(func() string {
		return fmt.Sprintf("epoch %d/%d  step %d/%d  loss %.4f  top-1 %.2f %%  lr %.2g  %s images/s  %s left",
			p.Epoch+1, p.Epochs, p.Step, p.Steps, p.Loss, 100*p.Top1, p.LR, formatRate(p.Rate), formatDuration(p.Left))
	})
}

func (v *trainView) epoch(ep train.Epoch) {
	v.bar.done()
	v.done = append(v.done, ep)
	if err := plotRun(v.dir, v.done); err != nil {
		v.warning(err)
	}
	if v.json {
		_ = json.NewEncoder(v.e.stdout).Encode(ep)
		return
	}
	if !v.head {
		v.head = true
		v.e.printf("%5s  %10s  %9s  %8s  %7s  %7s  %8s  %7s\n", "epoch", "train loss", "train top", "val loss", "top-1", "top-5", "lr", "time")
	}
	mark := ""
	if ep.Best {
		mark = " *"
	}
	v.e.printf("%5d  %10.4f  %7.2f %%  %8.4f  %5.2f %%  %5.2f %%  %8.2g  %7s%s\n", ep.Epoch, ep.TrainLoss, 100*ep.TrainTop1,
		ep.ValLoss, 100*ep.Top1, 100*ep.Top5, ep.LR, formatDuration(time.Duration(ep.Seconds*float64(time.Second))), mark)
}

func (v *trainView) warning(err error) {
	v.bar.done()
	v.e.note("warning: %v\n", err)
}

func (v *trainView) close() { v.bar.done() }
