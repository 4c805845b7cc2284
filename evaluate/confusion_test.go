package evaluate

import (
	"math"
	"strings"
	"testing"
)

func TestConfusion(t *testing.T) {
	c := NewConfusion(7)
	nan := float32(math.NaN())
	c.Add(0, []float32{9, 1, 2, 3, 4, 5, 6})     // right
	c.Add(1, []float32{9, 1, 2, 3, 4, 5, 6})     // last but not among five
	c.Add(2, []float32{9, 8, 7, 0, 0, 0, 0})     // third
	c.Add(2, []float32{1, 1, 1, 1, 1, 1, 1})     // equal: the first class is chosen, class 2 is third
	c.Add(3, []float32{nan, 0, 0, nan, 0, 0, 0}) // not a number ranks last
	if c.Total != 5 || c.Top1 != 1 || c.Top5 != 3 {
		t.Errorf("total %d, top-1 %d, top-5 %d; want 5, 1, 3", c.Total, c.Top1, c.Top5)
	}
	if images, correct := c.Class(2); images != 2 || correct != 0 {
		t.Errorf("class 2: %d of %d, want 0 of 2", correct, images)
	}
	if got, want := c.MeanClassAccuracy(), 0.25; got != want {
		t.Errorf("mean class accuracy %v, want %v", got, want)
	}
	if got := c.Counts[3*7+1]; got != 1 {
		t.Errorf("class 3 taken for class 1 %d times, want 1", got)
	}
}

func TestConfusionOutput(t *testing.T) {
	c := NewConfusion(2)
	c.Add(0, []float32{1, 0})
	c.Add(0, []float32{0, 1})
	c.Add(1, []float32{0, 1})
	var b strings.Builder
	if err := c.WriteCSV(&b, []string{"cat", `a "dog"`}); err != nil {
		t.Fatal(err)
	}
	want := "true \\ predicted,cat,\"a \"\"dog\"\"\"\ncat,1,1\n\"a \"\"dog\"\"\",0,1\n"
	if b.String() != want {
		t.Errorf("CSV\n%s, want\n%s", b.String(), want)
	}
	if err := c.WriteCSV(&b, []string{"cat"}); err == nil {
		t.Error("one name for two classes accepted")
	}
}
