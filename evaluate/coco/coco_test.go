package coco

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// golden opens a compressed file of testdata.
func golden(t *testing.T, name string) io.Reader {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What pycocotools 2.0.11 says of 100 images of COCO.
func TestHundredImages(t *testing.T) {
	set, err := ReadSet(golden(t, "sampled_gts_bbox_area.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := ReadResults(golden(t, "sampled_bbox_results.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Truths) != 830 || len(found) != 734 {
		t.Fatalf("%d annotations and %d results, want 830 and 734", len(set.Truths), len(found))
	}
	for _, threads := range []int{1, 3} {
		r, err := set.Evaluate(t.Context(), found, Options{Threads: threads, Resamples: 50})
		if err != nil {
			t.Fatal(err)
		}
		want := [12]float64{.503647, .696973, .571667, .593252, .557991, .489363, .386813, .593680, .595353, .654764, .603130, .553744}
		for i, v := range r.Values() {
			if math.Abs(v-want[i]) > 5e-7 {
				t.Errorf("%d threads, number %d: %.6f, want %.6f", threads, i, v, want[i])
			}
		}
		if in := r.Intervals; !(in.AP.Low < r.AP && r.AP < in.AP.High && in.AP50.Low < r.AP50 && r.AP50 < in.AP50.High) || in.AP.High-in.AP.Low > 0.2 {
			t.Errorf("intervals %v of AP %.3f and AP50 %.3f", in, r.AP, r.AP50)
		}
	}
}

// Traps, with the answers of pycocotools 2.0.11.
func TestTraps(t *testing.T) {
	b := Box{10, 10, 50, 50}
	type gts []Truth
	type dts []Detection
	object := func(id, image int64, b Box, area float64) Truth {
		if area == 0 {
			area = b.Area()
		}
		return Truth{ID: id, Image: image, Category: 1, Box: b, Area: area}
	}
	det := func(image, category int64, b Box, score float64) Detection {
		return Detection{Image: image, Category: category, Box: b, Score: score}
	}
	crowd := Truth{ID: 2, Image: 1, Category: 1, Box: Box{200, 200, 200, 200}, Area: 40000, Crowd: true}
	var hundred dts
	for i := range 100 {
		hundred = append(hundred, det(1, 1, Box{200 + float64(i), 200, 20, 20}, .9))
	}
	perfect := [12]float64{1, 1, 1, -1, 1, -1, 1, 1, 1, -1, 1, -1}
	half := [12]float64{.5, .5, .5, -1, .5, -1, 1, 1, 1, -1, 1, -1}
	none := [12]float64{0, 0, 0, -1, 0, -1, 0, 0, 0, -1, 0, -1}
	with := func(v [12]float64, at int, x float64) [12]float64 { v[at] = x; return v }
	const p51 = 51. / 101
	for name, c := range map[string]struct {
		truths gts
		found  dts
		want   [12]float64
	}{
		"perfect":                         {gts{object(1, 1, b, 0)}, dts{det(1, 1, b, .9)}, perfect},
		"id 0":                            {gts{object(0, 1, b, 0)}, dts{det(1, 1, b, .9)}, none},
		"better one elsewhere":            {gts{object(1, 1, b, 0)}, dts{det(1, 1, b, .9), det(2, 1, b, .95)}, half},
		"equal one on a later image":      {gts{object(1, 1, b, 0)}, dts{det(2, 1, b, .9), det(1, 1, b, .9)}, perfect},
		"equal one on an earlier image":   {gts{object(1, 2, b, 0)}, dts{det(2, 1, b, .9), det(1, 1, b, .9)}, half},
		"category without truth":          {gts{object(1, 1, b, 0)}, dts{det(1, 1, b, .9), det(1, 2, b, .9)}, perfect},
		"area on the border":              {gts{object(1, 1, Box{10, 10, 32, 32}, 0)}, dts{det(1, 1, Box{10, 10, 32, 32}, .9)}, [12]float64{1, 1, 1, 1, 1, -1, 1, 1, 1, 1, 1, -1}},
		"area unlike the box":             {gts{object(1, 1, Box{10, 10, 100, 100}, 500)}, dts{det(1, 1, Box{10, 10, 100, 100}, .9)}, [12]float64{1, 1, 1, 1, -1, -1, 1, 1, 1, 1, -1, -1}},
		"crowd takes any number":          {gts{object(1, 1, b, 0), crowd}, dts{det(1, 1, Box{210, 210, 40, 40}, .9), det(1, 1, Box{260, 260, 40, 40}, .8), det(1, 1, Box{300, 300, 60, 60}, .7), det(1, 1, b, .5)}, with(perfect, 6, 0)},
		"half in a crowd":                 {gts{object(1, 1, b, 0), crowd}, dts{det(1, 1, Box{180, 200, 40, 40}, .9), det(1, 1, b, .5)}, [12]float64{.55, 1, .5, -1, .55, -1, 0, 1, 1, -1, 1, -1}},
		"less than half in a crowd":       {gts{object(1, 1, b, 0), crowd}, dts{det(1, 1, Box{179, 200, 40, 40}, .9), det(1, 1, b, .5)}, with(half, 6, 0)},
		"only a crowd":                    {gts{crowd}, dts{det(1, 1, b, .9)}, [12]float64{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}},
		"found twice":                     {gts{object(1, 1, b, 0)}, dts{det(1, 1, b, .9), det(1, 1, b, .8)}, perfect},
		"one of two":                      {gts{object(1, 1, b, 0), object(2, 1, Box{100, 100, 50, 50}, 0)}, dts{det(1, 1, b, .9)}, [12]float64{p51, p51, p51, -1, p51, -1, .5, .5, .5, -1, .5, -1}},
		"overlap of 0.9":                  {gts{object(1, 1, Box{0, 0, 100, 100}, 0)}, dts{det(1, 1, Box{0, 0, 90, 100}, .9)}, [12]float64{.9, 1, 1, -1, -1, .9, .9, .9, .9, -1, -1, .9}},
		"overlap of 0.5":                  {gts{object(1, 1, Box{0, 0, 100, 100}, 0)}, dts{det(1, 1, Box{0, 0, 50, 100}, .9)}, [12]float64{.1, 1, 0, -1, -1, .1, .1, .1, .1, -1, -1, .1}},
		"the right one comes 101st":       {gts{object(1, 1, b, 0)}, append(hundred, det(1, 1, b, .1)), none},
		"unknown category":                {gts{object(1, 1, b, 0)}, dts{det(1, 1, b, .9), det(1, 77, b, .9)}, perfect},
		"nothing found (an error theirs)": {gts{object(1, 1, b, 0)}, nil, none},
	} {
		t.Run(name, func(t *testing.T) {
			set := Set{Images: []Image{{ID: 2}, {ID: 1}}, Categories: []Category{{ID: 1}, {ID: 2}}, Truths: c.truths}
			r, err := set.Evaluate(t.Context(), c.found, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range r.Values() {
				if math.Abs(v-c.want[i]) > 1e-12 {
					t.Fatalf("%.5v, want %.5v", r.Values(), c.want)
				}
			}
		})
	}
	set := Set{Images: []Image{{ID: 1}}, Categories: []Category{{ID: 1}}}
	if _, err := set.Evaluate(t.Context(), dts{det(3, 1, b, 1)}, Options{}); !errors.Is(err, ErrImage) {
		t.Errorf("a detection on an unknown image: %v", err)
	}
}

// TestRandomSets compares 300 random sets with pycocotools, if
// MIXNET_COCO_PYTHON names a Python that has it.
func TestRandomSets(t *testing.T) {
	python := os.Getenv("MIXNET_COCO_PYTHON")
	if python == "" {
		t.Skip("MIXNET_COCO_PYTHON is not set: not compared with pycocotools")
	}
	dir := t.TempDir()
	var sets []*Set
	var found [][]Detection
	for i := range 300 {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		s, d := randomSet(rng)
		sets, found = append(sets, s), append(found, d)
		writeSet(t, filepath.Join(dir, fmt.Sprintf("gt%d.json", i)), s)
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("dt%d.json", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(WriteResults(f, d), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(python, "testdata/pycoco.py", dir, "300").Output()
	if err != nil {
		t.Fatal(err)
	}
	var want [][12]float64
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, s := range sets {
		r, err := s.Evaluate(t.Context(), found[i], Options{})
		if err != nil {
			t.Fatal(err)
		}
		for j, v := range r.Values() {
			if math.Abs(v-want[i][j]) > 1e-12 {
				t.Errorf("set %d: %.6v, pycocotools has %.6v", i, r.Values(), want[i])
				break
			}
		}
	}
}

// randomSet makes a few images with objects of some categories, and detections
// near them, with ties of scores and of overlaps.
func randomSet(rng *rand.Rand) (*Set, []Detection) {
	s := &Set{}
	for i := range 1 + rng.IntN(6) {
		s.Images = append(s.Images, Image{ID: int64(i*3 + rng.IntN(3)), Name: "x"})
	}
	for i := range 1 + rng.IntN(4) {
		s.Categories = append(s.Categories, Category{ID: int64(2*i + 1), Name: "c"})
	}
	pick := func() (int64, int64) {
		return s.Images[rng.IntN(len(s.Images))].ID, s.Categories[rng.IntN(len(s.Categories))].ID
	}
	side := func() float64 { return math.Floor(math.Exp(rng.Float64()*4.5)*4) / 4 }
	var found []Detection
	for i := range 1 + rng.IntN(40) {
		image, category := pick()
		t := Truth{ID: int64(i + 1), Image: image, Category: category, Box: Box{float64(rng.IntN(200)), float64(rng.IntN(200)), side(), side()}}
		t.Area = t.Box.Area() * (0.4 + 0.6*rng.Float64())
		t.Crowd = rng.IntN(8) == 0
		s.Truths = append(s.Truths, t)
		for range rng.IntN(4) {
			b := t.Box
			b.X += math.Floor(rng.NormFloat64() * b.W / 6)
			b.W *= 1 + float64(rng.IntN(5)-2)/10
			found = append(found, Detection{Image: image, Category: category, Box: b, Score: float64(rng.IntN(20)) / 20})
		}
	}
	for range rng.IntN(150) + 1 {
		image, category := pick()
		found = append(found, Detection{Image: image, Category: category, Box: Box{float64(rng.IntN(200)), float64(rng.IntN(200)), side(), side()}, Score: rng.Float64()})
	}
	rng.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	return s, found
}

func writeSet(t *testing.T, path string, s *Set) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(WriteSet(f, s), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// The better of two has the higher AP on every set of images drawn, and results
// on others are not compared.
func TestDifference(t *testing.T) {
	s := &Set{Categories: []Category{{ID: 1}}}
	var good, poor []Detection
	for i := range int64(12) {
		b := Box{X: 10, Y: 10, W: 50, H: 60}
		s.Images = append(s.Images, Image{ID: i})
		s.Truths = append(s.Truths, Truth{ID: i + 1, Image: i, Category: 1, Box: b, Area: b.Area()})
		good = append(good, Detection{Image: i, Category: 1, Box: b, Score: 0.9})
		b.W += 15 // an overlap of 0.77: 6 of 10 thresholds
		poor = append(poor, Detection{Image: i, Category: 1, Box: b, Score: 0.9})
	}
	var results []*Result
	for _, found := range [][]Detection{good, poor, good[:6]} {
		r, err := s.Evaluate(t.Context(), found, Options{Resamples: 50})
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	if d, err := Difference(results[0], results[1], 0); err != nil || math.Abs(d.Low-0.4) > 1e-12 || math.Abs(d.High-0.4) > 1e-12 {
		t.Errorf("the same everywhere: %v, %v", d, err)
	}
	if d, err := Difference(results[0], results[2], 0.9); err != nil || !(d.Low > 0.1 && d.Low < 0.5 && d.High > 0.5 && d.High < 0.9) {
		t.Errorf("half of it: %v, %v", d, err)
	}
	if _, err := Difference(results[0], &Result{}, 0); err == nil {
		t.Error("without sets drawn there is a difference")
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":   "unexpected end",
		"[]": "cannot unmarshal",
		`{"images":[{"id":1}],"categories":[{"id":1}],"annotations":[{"image_id":1,"category_id":1,"bbox":[1,2,3]}]}`: "annotation 1: a bbox of 3 numbers",
		`{"images":[{"id":1}],"categories":[{"id":1}],"annotations":[{"category_id":1}]}`:                             "annotation 1 has no image_id",
		"{\"images\":[{\"id\":1}],\n\"categories\":[\n{\"id\":x}]}":                                                   "line 3",
		`{"images":[],"categories":[{"id":1}]}`:                                                                       "0 images and 1 categories",
	} {
		if _, err := ReadSet(strings.NewReader(text)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
	if _, err := ReadResults(strings.NewReader(`[{"image_id":1,"category_id":1,"bbox":[1,2,3,4]}]`)); !errors.Is(err, ErrFormat) {
		t.Errorf("a result without score: %v", err)
	}
	set, err := ReadSet(strings.NewReader(`{"images":[{"id":1}],"categories":[{"id":1}],"annotations":[{"id":0,"image_id":1,"category_id":1,"bbox":[1,2,3,4]}]}`))
	if err != nil || len(set.Notes) != 3 || set.Truths[0].Area != 12 {
		t.Errorf("%+v, %v: want an area of 12 and three notes", set, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"images":[{"id":1}],"categories":[{"id":1}],"annotations":[{"id":0,"image_id":1,"category_id":1,"bbox":[1,2,3,4]}]}`))
	f.Add([]byte(`[{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":0.5}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := ReadSet(strings.NewReader(string(text)))
		if err != nil {
			set = &Set{Images: []Image{{ID: 1}}, Categories: []Category{{ID: 1}}}
		}
		found, err := ReadResults(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		if r, err := set.Evaluate(t.Context(), found, Options{}); err == nil {
			for _, v := range r.Values() {
				if v != v || v > 1 {
					t.Fatalf("a number of %v", v)
				}
			}
		}
	})
}
