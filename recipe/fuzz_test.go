package recipe

import (
	"reflect"
	"testing"
)

// Whatever a recipe's file holds, it is an error, or a recipe that is printed
// as one that reads as the same.
func FuzzParse(f *testing.F) {
	for _, name := range Presets() {
		text, err := PresetText(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add("sizes = [16, 24]\nsize_ramp = 0.0\n[grid]\nrates = [1e-3]\n")
	f.Add("epochs = -9223372036854775808\nbatch = 9223372036854775807\n[fit]\npart = 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		r, err = r.Complete(1000)
		if err != nil {
			return
		}
		r.Schedule.Rate(3, 10, r.Epochs)
		printed, err := r.TOML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("%v:\n%s", err, printed)
		}
		if again, err = again.Complete(1000); err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%v: %+v is printed as\n%s", err, r, printed)
		}
	})
}

// Whatever is set, it is an error that leaves the recipe as it was, or holds.
func FuzzSet(f *testing.F) {
	for _, key := range Keys() {
		f.Add(key + "=1")
	}
	f.Add("freeze=a,b")
	f.Add("augment.area=[0.1,1]")
	f.Fuzz(func(t *testing.T, assignment string) {
		r := Recipe{Epochs: 1, Batch: 2, Schedule: Schedule{LR: 1}}
		before := r
		if err := r.Set(assignment); err != nil && !reflect.DeepEqual(r, before) {
			t.Errorf("%q: %v, and yet %+v", assignment, err, r)
		}
	})
}
