package coco

import (
	"strings"
	"testing"
)

// Whatever two files hold, what is read of them can be judged: the numbers are
// parts of one, or -1.
func FuzzJudge(f *testing.F) {
	f.Add(`{"images":[{"id":1}],"categories":[{"id":1,"name":"a"}],"annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[1,2,3,4],"area":12,"iscrowd":0}]}`,
		`[{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":0.5}]`)
	f.Add(`{"images":[{"id":0},{"id":0}],"categories":[{"id":-1},{"id":-1}],"annotations":[{"image_id":0,"category_id":-1,"bbox":[1e308,-1e308,1e308,1e308],"area":-1,"iscrowd":2}]}`,
		`{"annotations":[{"image_id":0,"category_id":-1,"bbox":[1e308,0,-1,1e308],"score":-1e308},{"image_id":0,"category_id":9,"bbox":[0,0,0,0],"score":0}]}`)
	f.Fuzz(func(t *testing.T, truths, results string) {
		s, err := ReadSet(strings.NewReader(truths))
		if err != nil {
			return
		}
		found, err := ReadResults(strings.NewReader(results))
		if err != nil || len(found)+len(s.Images) > 1000 {
			return
		}
		r, err := s.Evaluate(t.Context(), found, Options{Resamples: 2, Threads: 1})
		if err != nil {
			return
		}
		for i, v := range r.Values() {
			if !(v == -1 || v >= 0 && v <= 1) {
				t.Fatalf("number %d is %v", i, v)
			}
		}
		if _, err := s.Mistakes(found, 0.5); err != nil {
			t.Fatal(err)
		}
	})
}
