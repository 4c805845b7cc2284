package evaluate

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
)

// five returns outcomes of five images of seven classes.
func five(t *testing.T) *Outcomes {
	t.Helper()
	o := NewOutcomes(&data.Memory{H: 1, W: 1, C: 1, Names: make([]string, 7), Labels: []int{0, 1, 2, 2, 3, 6}})
	for i, logits := range [][]float32{
		{9, 1, 2, 3, 4, 5, 6}, // right
		{9, 1, 2, 3, 4, 5, 6}, // last but not among five
		{9, 8, 7, 0, 0, 0, 0}, // third
		{1, 1, 1, 1, 1, 1, 1}, // equal: the first class is chosen, class 2 is third
		{0, 9, 0, 0, 0, 0, 0},
	} {
		if err := o.Add(i, logits); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func TestConfusion(t *testing.T) {
	o := five(t)
	if o.Images() != 5 || o.Top(1) != 0.2 || o.Top(5) != 0.8 {
		t.Errorf("%d images, top-1 %g, top-5 %g; want 5, 0.2, 0.8", o.Images(), o.Top(1), o.Top(5))
	}
	c := o.Confusion()
	if images, correct := c.Class(2); images != 2 || correct != 0 {
		t.Errorf("class 2: %d of %d, want 0 of 2", correct, images)
	}
	if got, want := o.MeanClass(), 0.25; got != want {
		t.Errorf("mean class accuracy %v, want %v", got, want)
	}
	if got := c.Counts[3*7+1]; got != 1 {
		t.Errorf("class 3 taken for class 1 %d times, want 1", got)
	}
	if all := o.All(); len(all) != 5 || all[4].Predicted != 1 || all[4].Example != 4 || all[4].Truth != 3 || all[4].Rank != 3 {
		t.Errorf("outcomes %+v", all)
	}
}

// An output that is not finite, or of other classes, is no outcome.
func TestAddRefuses(t *testing.T) {
	o := five(t)
	nan := float32(math.NaN())
	if err := o.Add(5, []float32{nan, 0, 0, nan, 0, 0, 0}); !errors.Is(err, ErrNotFinite) || o.Ranks[5] != -1 {
		t.Errorf("not a number: %v, rank %d", err, o.Ranks[5])
	}
	if err := o.Add(5, []float32{1}); err == nil {
		t.Error("one output for seven classes")
	}
}

// What is stored is read again, and files that hold no predictions too.
func TestOutcomesInJSON(t *testing.T) {
	o := five(t)
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var again Outcomes
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(&again, o) {
		t.Errorf("%s: %+v, %v", text, again, err)
	}
	var old Outcomes
	if err := json.Unmarshal([]byte(`{"classes":3,"labels":[0,1,2],"ranks":[0,-1,1]}`), &old); err != nil || old.Images() != 2 || old.Top(1) != 0.5 {
		t.Errorf("%+v, %v", old, err)
	}
	if old.All() != nil || len(old.Confusion().Pairs(9)) != 0 {
		t.Error("predictions from nowhere")
	}
}

func TestConfusionOutput(t *testing.T) {
	c := &Confusion{Classes: 2, Counts: []int64{1, 1, 0, 1}}
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
