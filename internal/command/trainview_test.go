package command

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mixnet-go/mixnet/train"
)

func TestSparkline(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{nil, ""},
		{[]float64{0.5}, ""},
		{[]float64{0.5, 0.5}, "▁▁"},
		{[]float64{0, 1, 0.5}, "▁█▅"},
		{[]float64{-9, 0, 1, 2, 3, 4, 5, 6, 7}, "▁▂▃▄▅▆▇█"},
	} {
		if got := sparkline(c.values, 8); got != c.want {
			t.Errorf("%v: %q, want %q", c.values, got, c.want)
		}
	}
}

// On a terminal one line tells how far the run is; elsewhere there is none.
func TestTrainView(t *testing.T) {
	for _, width := range []int{0, 40, 200} {
		var screen bytes.Buffer
		v := newTrainView(&env{stderr: &screen, stdout: &screen}, false, t.TempDir(), "validation images", true, []train.Epoch{
			{Epoch: 1, Validated: true, Val: []train.Metric{{Name: "top1", Value: 0.5}}}, {Epoch: 2, Validated: true, Val: []train.Metric{{Name: "top1", Value: 0.75}}},
		})
		v.bar.enabled, v.bar.width = width > 0, width
		v.bar.start = time.Now().Add(-time.Minute)
		v.step(train.Progress{Epoch: 2, Epochs: 9, Step: 3, Steps: 40, Train: []train.Metric{{Name: "train_loss", Value: 1.25}, {Name: "train_top1", Value: 0.5}}, LR: 0.01, Rate: 1234, Left: 90 * time.Second})
		line, ok := strings.CutPrefix(screen.String(), "\r\x1b[K")
		switch {
		case width == 0:
			if screen.Len() > 0 {
				t.Errorf("without a terminal: %q", screen.String())
			}
			continue
		case !ok || utf8.RuneCountInString(line) >= width:
			t.Errorf("%d columns: %q", width, line)
		case width == 40 && line != "epoch 3/9  loss 1.2500  1m30s left":
			t.Errorf("%d columns: %q", width, line)
		case width == 200 && line != "epoch 3/9  step 3/40  loss 1.2500  top-1 50.00 %  1m30s left  1234 images/s  val ▁█  lr 0.01":
			t.Errorf("%q", line)
		}
		screen.Reset()
		v.close()
		if screen.String() != "\r\x1b[K" {
			t.Errorf("at the end: %q", screen.String())
		}
	}
}
