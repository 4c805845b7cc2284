package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/train"
)

// trainView shows a run: a line for the current epoch on a terminal, and one
// that stays for every epoch done.
type trainView struct {
	e       *env
	json    bool
	bar     *progress
	dir     string // of the run
	watched string // the images measured after every epoch, in a word
	chooses bool   // they decide which epoch is the best
	done    []train.Epoch
	head    bool
	steps   int
	last    train.Progress
	max     int
	stop    func()
}

// newTrainView shows a run that measures the watched images after every epoch.
func newTrainView(e *env, json bool, dir, watched string, chooses bool, done []train.Epoch) *trainView {
	v := &trainView{e: e, json: json, bar: e.newProgress("", "images", 0), dir: dir, done: done, watched: partName(watched), chooses: chooses}
	if v.watched != "test" && v.watched != "val" {
		v.watched = "held"
	}
	return v
}

// limit stops the run after max steps; 0 means never.
func (v *trainView) limit(max int, stop func()) { v.max, v.stop = max, stop }

func (v *trainView) step(p train.Progress) {
	v.steps++
	v.last = p
	if v.max > 0 && v.steps >= v.max {
		v.stop()
	}
	v.bar.draw(func() []piece { return v.parts(p) })
}

// parts says how far a run is.
func (v *trainView) parts(p train.Progress) []piece {
	var top1 []float64
	for _, ep := range v.done {
		if ep.Validated {
			top1 = append(top1, ep.Top1)
		}
	}
	spark := sparkline(top1, sparkWidth)
	if spark != "" {
		spark = v.watched + " " + spark
	}
	return []piece{
		{fmt.Sprintf("epoch %d/%d", p.Epoch+1, p.Epochs), 9},
		{fmt.Sprintf("step %d/%d", p.Step, p.Steps), 5},
		{fmt.Sprintf("loss %.4f", p.Loss), 7},
		{fmt.Sprintf("top-1 %.2f %%", 100*p.Top1), 6},
		{formatDuration(p.Left) + " left", 8},
		{formatRate(p.Rate) + " images/s", 4},
		{spark, 3},
		{fmt.Sprintf("lr %.2g", p.LR), 2},
	}
}

// sparkWidth is the number of epochs that the line shows.
const sparkWidth = 24

// sparkline draws the last values as bars from their least to their greatest;
// nothing for fewer than two.
func sparkline(values []float64, width int) string {
	const bars = "▁▂▃▄▅▆▇█"
	values = values[max(len(values)-width, 0):]
	if len(values) < 2 {
		return ""
	}
	levels := []rune(bars)
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	var b strings.Builder
	for _, v := range values {
		level := 0
		if high > low {
			level = int((v-low)/(high-low)*float64(len(levels)-1) + 0.5)
		}
		b.WriteRune(levels[level])
	}
	return b.String()
}

func (v *trainView) epoch(ep train.Epoch) {
	v.bar.done()
	v.done = append(v.done, ep)
	if err := plotRun(v.dir, v.done); err != nil {
		v.warning(err)
	}
	if v.json {
		_ = v.e.jsonLine(ep)
		return
	}
	if !v.head {
		v.head = true
		v.e.printf("%s\n", v.e.style(v.e.stdout, bold, fmt.Sprintf("%5s  %10s  %9s  %9s  %7s  %7s  %8s  %7s",
			"epoch", "train loss", "train top", v.watched+" loss", "top-1", "top-5", "lr", "time")))
	}
	mark, style := "", ""
	if ep.Best && v.chooses {
		mark = " *"
		style = green
	}
	loss, top1, top5 := "-", "-", "-"
	if ep.Validated {
		loss, top1, top5 = fmt.Sprintf("%.4f", ep.ValLoss), fmt.Sprintf("%.2f %%", 100*ep.Top1), fmt.Sprintf("%.2f %%", 100*ep.Top5)
	}
	line := fmt.Sprintf("%5d  %10.4f  %7.2f %%  %9s  %7s  %7s  %8.2g  %7s%s", ep.Epoch, ep.TrainLoss, 100*ep.TrainTop1,
		loss, top1, top5, ep.LR, formatDuration(time.Duration(ep.Seconds*float64(time.Second))), mark)
	v.e.printf("%s\n", v.e.style(v.e.stdout, style, line))
}

// partial tells of an epoch that was begun.
func (v *trainView) partial() {
	p := v.last
	if p.Steps == 0 || p.Step == p.Steps {
		return
	}
	if v.json {
		_ = v.e.jsonLine(partialEpoch{p.Epoch + 1, p.Step, p.Steps, p.LR, p.Loss, p.Top1})
		return
	}
	v.e.printf("epoch %d stopped after %d of %d steps: training loss %.4f, top-1 %s\n", p.Epoch+1, p.Step, p.Steps, p.Loss, inPercent(p.Top1))
}

// partialEpoch is a line of --json for an epoch that was begun.
type partialEpoch struct {
	Epoch     int     `json:"epoch"`
	Step      int     `json:"epoch_step"`
	Steps     int     `json:"epoch_steps"`
	LR        float64 `json:"lr"`
	TrainLoss float64 `json:"train_loss"`
	TrainTop1 float64 `json:"train_top1"`
}

func (v *trainView) warning(err error) {
	v.bar.done()
	v.e.warn("%v", err)
}

func (v *trainView) close() { v.bar.done() }
