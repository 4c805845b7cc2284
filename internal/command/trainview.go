package command

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
	steps   int // of an epoch
}

// newTrainView shows a run that measures the watched images after every epoch.
func newTrainView(e *env, json bool, dir, watched string, chooses bool, done []train.Epoch) *trainView {
	v := &trainView{e: e, json: json, bar: e.newProgress("", "images", 0), dir: dir, done: done, watched: partName(watched), chooses: chooses}
	if v.watched != "test" && v.watched != "val" {
		v.watched = "held"
	}
	return v
}

func (v *trainView) step(p train.Progress) {
	v.steps = p.Steps
	v.bar.draw(func() []piece { return v.parts(p) })
}

// parts says how far a run is.
func (v *trainView) parts(p train.Progress) []piece {
	boxes, detects := p.Find("train_box_loss")
	measure, second := "top1", fmt.Sprintf("top-1 %.2f %%", 100*p.Get("train_top1"))
	if detects {
		measure, second = "ap", fmt.Sprintf("boxes %.4f classes %.4f", boxes, p.Get("train_class_loss"))
	}
	var results []float64
	for _, ep := range v.done {
		if ep.Validated {
			results = append(results, ep.Get(measure))
		}
	}
	spark := sparkline(results, sparkWidth)
	if spark != "" {
		spark = v.watched + " " + spark
	}
	return []piece{
		{fmt.Sprintf("epoch %d/%d", p.Epoch+1, p.Epochs), 9},
		{fmt.Sprintf("step %d/%d", p.Step, p.Steps), 5},
		{fmt.Sprintf("loss %.4f", p.Get("train_loss")), 7},
		{second, 6},
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
	if ep.Partial {
		v.partial(ep)
		return
	}
	v.done = append(v.done, ep)
	if err := plotRun(v.dir, v.done); err != nil {
		v.warning(err)
	}
	if v.json {
		_ = v.e.jsonLine(ep)
		return
	}
	if _, detects := ep.Find("train_box_loss"); detects {
		v.epochOfObjects(ep)
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
		loss, top1, top5 = fmt.Sprintf("%.4f", ep.Get("val_loss")), fmt.Sprintf("%.2f %%", 100*ep.Get("top1")), fmt.Sprintf("%.2f %%", 100*ep.Get("top5"))
	}
	line := fmt.Sprintf("%5d  %10.4f  %7.2f %%  %9s  %7s  %7s  %8.2g  %7s%s", ep.Epoch, ep.Get("train_loss"), 100*ep.Get("train_top1"),
		loss, top1, top5, ep.LR, formatDuration(time.Duration(ep.Seconds*float64(time.Second))), mark)
	v.e.printf("%s\n", v.e.style(v.e.stdout, style, line))
}

// epochOfObjects prints an epoch of a network that finds objects.
func (v *trainView) epochOfObjects(ep train.Epoch) {
	if !v.head {
		v.head = true
		v.e.printf("%s\n", v.e.style(v.e.stdout, bold, fmt.Sprintf("%5s  %10s  %8s  %10s  %7s  %7s  %8s  %7s",
			"epoch", "train loss", "box loss", "class loss", v.watched+" AP", "AP50", "lr", "time")))
	}
	mark, style := "", ""
	if ep.Best && v.chooses {
		mark, style = " *", green
	}
	ap, ap50 := "-", "-"
	if ep.Validated {
		ap, ap50 = inPercent(ep.Get("ap")), inPercent(ep.Get("ap50"))
	}
	line := fmt.Sprintf("%5d  %10.4f  %8.4f  %10.4f  %7s  %7s  %8.2g  %7s%s", ep.Epoch, ep.Get("train_loss"), ep.Get("train_box_loss"), ep.Get("train_class_loss"),
		ap, ap50, ep.LR, formatDuration(time.Duration(ep.Seconds*float64(time.Second))), mark)
	v.e.printf("%s\n", v.e.style(v.e.stdout, style, line))
}

// partial tells of an epoch that --max-steps ended.
func (v *trainView) partial(ep train.Epoch) {
	if v.json {
		_ = v.e.jsonLine(ep)
		return
	}
	if _, detects := ep.Find("train_box_loss"); detects {
		v.e.printf("epoch %d stopped after %d of %d steps: training loss %.4f\n", ep.Epoch, ep.Step-(ep.Epoch-1)*v.steps, v.steps, ep.Get("train_loss"))
		return
	}
	v.e.printf("epoch %d stopped after %d of %d steps: training loss %.4f, top-1 %s\n",
		ep.Epoch, ep.Step-(ep.Epoch-1)*v.steps, v.steps, ep.Get("train_loss"), inPercent(ep.Get("train_top1")))
}

func (v *trainView) warning(err error) {
	v.bar.done()
	v.e.warn("%v", err)
}

func (v *trainView) close() { v.bar.done() }
