package data

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// namesOf lists a set's examples; nil has none.
func namesOf(d Dataset) []string {
	if d == nil {
		return nil
	}
	var names []string
	for i := range d.Len() {
		names = append(names, d.Name(i))
	}
	return names
}

// named is a set of n pictures, their names beginning with name.
func named(name string, n, classes int) Dataset {
	m := small(n, classes)
	m.Source = name
	return m
}

func TestPlan(t *testing.T) {
	train, val, test := named("train", 60, 3), named("val", 9, 3), named("test", 12, 3)
	const seed = 7
	rest, held, err := Split(train, 0.2, seed)
	if err != nil {
		t.Fatal(err)
	}
	fit, choose, err := Split(rest, 0.1, seed)
	if err != nil {
		t.Fatal(err)
	}
	fitAlone, chooseAlone, err := Split(train, 0.1, seed)
	if err != nil {
		t.Fatal(err)
	}
	both, neither := Policy{Val: 0.1, Test: 0.2, Seed: seed}, Policy{Seed: seed}
	toChoose, toJudge := Policy{Val: 0.1, Seed: seed}, Policy{Test: 0.2, Seed: seed}
	for _, c := range []struct {
		name               string
		splits             Splits
		policy             Policy
		fit, choose, judge Dataset
		chooseName         string
		judgeName          string
		coincide           bool
	}{
		{"train", Splits{Train: train}, both, fit, choose, held, "images held out to choose by", "held-out images", false},
		{"train, nothing to judge by", Splits{Train: train}, toChoose, fitAlone, chooseAlone, chooseAlone, "held-out images", "held-out images", true},
		{"train, nothing to choose by", Splits{Train: train}, toJudge, rest, nil, held, "", "held-out images", false},
		{"train, nothing held out", Splits{Train: train}, neither, train, nil, nil, "", "", false},
		{"train and val", Splits{Train: train, Val: val}, both, rest, val, held, "validation images", "held-out images", false},
		{"train and val, nothing held out", Splits{Train: train, Val: val}, neither, train, val, val, "validation images", "validation images", true},
		{"train and test", Splits{Train: train, Test: test}, both, fitAlone, chooseAlone, test, "images held out to choose by", "test images", false},
		{"train and test, nothing held out", Splits{Train: train, Test: test}, neither, train, nil, test, "", "test images", false},
		{"train, val and test", Splits{Train: train, Val: val, Test: test}, both, train, val, test, "validation images", "test images", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := c.splits.Plan(c.policy)
			if err != nil {
				t.Fatal(err)
			}
			for _, role := range []struct {
				name      string
				got, want Dataset
			}{{"fit", r.Fit, c.fit}, {"choose", r.Choose, c.choose}, {"judge", r.Judge, c.judge}} {
				if got, want := namesOf(role.got), namesOf(role.want); !slices.Equal(got, want) || (role.got == nil) != (role.want == nil) {
					t.Errorf("%s: %v, want %v", role.name, got, want)
				}
			}
			if r.FitName != "training images" || r.ChooseName != c.chooseName || r.JudgeName != c.judgeName {
				t.Errorf("names %q, %q, %q; want choose %q, judge %q", r.FitName, r.ChooseName, r.JudgeName, c.chooseName, c.judgeName)
			}
			if r.Coincide != c.coincide {
				t.Errorf("coincide %v, want %v", r.Coincide, c.coincide)
			}
			checkApart(t, r)
		})
	}
}

// checkApart fails unless every image has one role, or Coincide says otherwise.
func checkApart(t *testing.T, r Roles) {
	t.Helper()
	sets := []Dataset{r.Fit, r.Choose, r.Judge}
	if r.Coincide {
		sets = sets[:2]
	}
	seen := map[string]bool{}
	for _, d := range sets {
		for _, name := range namesOf(d) {
			if seen[name] {
				t.Errorf("%s has two roles", name)
			}
			seen[name] = true
		}
	}
}

func TestPlanErrors(t *testing.T) {
	set := named("set", 30, 3)
	for name, s := range map[string]Splits{"val": {Val: set}, "test": {Test: set}} {
		_, err := s.Plan(Policy{Val: 0.1})
		if !errors.Is(err, ErrLayout) || !strings.Contains(err.Error(), name+" images only") {
			t.Errorf("%s alone: error %v", name, err)
		}
	}
	for _, f := range []float64{-0.1, 1, 2, math.NaN(), math.Inf(1)} {
		for _, p := range []Policy{{Val: f}, {Test: f}} {
			s := Splits{Train: set, Val: set, Test: set}
			if _, err := s.Plan(p); err == nil {
				t.Errorf("%+v: no error", p)
			}
		}
	}
}

// TestPlanOfSingles has classes with one picture: they are named, and where no
// class has two, that nothing can be held out is an error.
func TestPlanOfSingles(t *testing.T) {
	all := &Splits{Train: named("set", 30, 30)}
	_, err := all.Plan(Policy{Val: 0.1})
	if !errors.Is(err, ErrTooFew) || !strings.Contains(err.Error(), "0, 1, 2") {
		t.Errorf("thirty classes of one picture: error %v", err)
	}
	if r, err := all.Plan(Policy{}); err != nil || r.Fit.Len() != 30 || r.Choose != nil {
		t.Errorf("nothing held out: %+v, %v", r, err)
	}
	some := small(10, 3)
	some.Labels = []int{0, 0, 0, 0, 2, 1, 1, 1, 1, 1}
	r, err := (&Splits{Train: some}).Plan(Policy{Val: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"2"}; !slices.Equal(r.Single, want) {
		t.Errorf("classes with one picture: %v, want %v", r.Single, want)
	}
	if n := ClassCounts(r.Fit)[2]; n != 1 {
		t.Errorf("%d pictures of class 2 to train on, want 1", n)
	}
}
