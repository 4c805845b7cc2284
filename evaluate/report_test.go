package evaluate

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
)

func TestReport(t *testing.T) {
	r := &Result{Outcomes: five(t), Seconds: 2, Bad: []data.BadExample{{Index: 5, Name: "six", Err: errors.New("cut off")}}}
	names := []string{"a", "b", "c", "d", "e", "f", "g"}
	got := r.Report(names, 1)
	if got.Images != 5 || got.Top1 != 0.2 || got.Top5 != 0.8 || got.MeanClass != 0.25 || got.ImagesPerSecond != 2.5 {
		t.Errorf("%+v", got)
	}
	if b := got.Top1Interval; !(b[0] < 0.2 && b[1] > 0.2 && b[1] < 1) {
		t.Errorf("bounds %v", b)
	}
	if len(got.Skipped) != 1 || got.Skipped[0] != "six: cut off" {
		t.Errorf("skipped %q", got.Skipped)
	}
	if len(got.Classes) != 4 || got.Classes[2] != (ClassReport{"c", 2, 0, 0}) {
		t.Errorf("classes %+v", got.Classes)
	}
	// Nothing is left out for being 0.
	text, err := json.Marshal(NewOutcomes(&data.Memory{Names: names}).Report(names, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"images", "top1", "top5", "mean_class", "seconds"} {
		if !strings.Contains(string(text), `"`+key+`":0`) {
			t.Errorf("%s is missing in %s", key, text)
		}
	}
}

func TestRank(t *testing.T) {
	nan := float32(0)
	nan /= nan
	for _, c := range []struct {
		logits      []float32
		truth, want int
	}{
		{[]float32{9, 1, 2}, 0, 0},
		{[]float32{9, 1, 2}, 1, 2},
		{[]float32{1, 1, 1}, 2, 2},              // of equal ones the first ranks higher
		{[]float32{nan, 0, 0, nan, 0, 0}, 3, 5}, // not a number ranks last
	} {
		if got := Rank(c.logits, c.truth); got != c.want {
			t.Errorf("rank of %d in %v is %d, want %d", c.truth, c.logits, got, c.want)
		}
	}
}
