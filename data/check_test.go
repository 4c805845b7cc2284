package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// photo is a picture of smooth forms that depend on the seed.
func photo(seed, w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	f := func(k int) float64 { return math.Mod(float64(seed*k)*0.6180339887, 1) }
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			a := math.Sin(2*math.Pi*(u*(1+3*f(1))+f(2))) * math.Cos(2*math.Pi*(v*(1+3*f(3))+f(4)))
			b := math.Sin(2 * math.Pi * (u*f(5)*2 + v*(1+2*f(6)) + f(7)))
			m.SetRGBA(x, y, color.RGBA{uint8(128 + 60*a + 60*b), uint8(128 + 100*a), uint8(128 + 100*b), 255})
		}
	}
	return m
}

// halved is a picture of half the size, every pixel the mean of four.
func halved(m *image.RGBA) *image.RGBA {
	size := m.Bounds().Size()
	out := image.NewRGBA(image.Rect(0, 0, size.X/2, size.Y/2))
	for y := range size.Y / 2 {
		for x := range size.X / 2 {
			for k := range 4 {
				at := func(dx, dy int) int { return int(m.Pix[m.PixOffset(2*x+dx, 2*y+dy)+k]) }
				out.Pix[out.PixOffset(x, y)+k] = uint8((at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1) + 2) / 4)
			}
		}
	}
	return out
}

// encoded is a picture file.
func encoded(t *testing.T, m image.Image, format string, quality int) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, m)
	case "gif":
		err = gif.Encode(&b, m, nil)
	default:
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: quality})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// describeGroups lists groups: "exact: train/a/1 val/a/1".
func describeGroups(root string, list []Duplicates) []string {
	var out []string
	for _, d := range list {
		text := "near:"
		if d.Exact {
			text = "exact:"
		}
		for _, m := range d.Members {
			name, _ := filepath.Rel(root, m.Name)
			text += " " + strings.TrimSuffix(filepath.ToSlash(name), filepath.Ext(name))
		}
		out = append(out, text)
	}
	return out
}

func TestCheck(t *testing.T) {
	first, second, third := photo(1, 120, 90), photo(2, 100, 100), photo(3, 90, 120)
	firstFile, pngFile := encoded(t, first, "jpeg", 90), encoded(t, second, "png", 0)
	files := []string{
		"train/a/1.jpg=" + firstFile,
		"train/a/2.png=" + pngFile,
		"train/a/3.jpg=" + encoded(t, third, "jpeg", 95),
		"train/b/1.jpg=" + firstFile,                            // the same file in another class
		"train/b/9.jpg=no picture",                              // broken
		"val/a/1.jpg=" + firstFile,                              // a leak
		"val/a/2.png=" + pngFile + "trailing",                   // another file of the same pixels
		"val/b/3.jpg=" + encoded(t, halved(third), "", 60),      // smaller and packed harder
		"val/b/4.jpg=" + encoded(t, photo(44, 120, 90), "", 90), // unlike all others
		"val/b/9.jpg=no picture",                                // broken: no image is the same
	}
	root := writeFiles(t, files...)
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, c := range []struct {
		decode bool
		want   []string
		leaks  int
		broken int
	}{
		{false, []string{"exact: train/a/1 train/b/1 val/a/1"}, 1, 2},
		{true, []string{"exact: train/a/1 train/b/1 val/a/1", "exact: train/a/2 val/a/2", "near: train/a/3 val/b/3"}, 2, 2},
	} {
		r, err := Check(t.Context(), s.Parts(), CheckOptions{Decode: c.decode, Workers: 3, Progress: func(done, total int) { calls++ }})
		if err != nil {
			t.Fatal(err)
		}
		if got := describeGroups(root, r.Duplicates); !slices.Equal(got, c.want) {
			t.Errorf("decode %v: %q, want %q", c.decode, got, c.want)
		}
		if got := len(r.Leaks()); got != c.leaks {
			t.Errorf("decode %v: %d leaks, want %d", c.decode, got, c.leaks)
		}
		if len(r.Broken) != c.broken || !strings.HasSuffix(r.Broken[0].Name, "9.jpg") || r.Broken[0].Part != "train" {
			t.Errorf("decode %v: broken %v", c.decode, r.Broken)
		}
		if r.Images != 10 || len(r.Widths) != 8 || r.Widths[0] != 120 || r.Heights[0] != 90 {
			t.Errorf("decode %v: %d images, sizes %v × %v", c.decode, r.Images, r.Widths, r.Heights)
		}
		if d := r.Duplicates[0]; d.Parts() != 2 || d.Classes() != 2 || !d.Leak() {
			t.Errorf("the first group is in %d parts and %d classes, leak %v", d.Parts(), d.Classes(), d.Leak())
		}
	}
	if calls == 0 {
		t.Error("no progress")
	}
}

// TestCheckOfRoles has the same picture on both sides of a split.
func TestCheckOfRoles(t *testing.T) {
	m := small(40, 2)
	copy(m.Pixels[64:128], m.Pixels[:64])
	m.Labels[1] = 0
	r, err := (&Splits{Train: m}).Plan(Policy{Test: 0.5, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	report, err := Check(t.Context(), r.Parts(), CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Duplicates) != 1 || len(report.Duplicates[0].Members) != 2 {
		t.Fatalf("duplicates %v", report.Duplicates)
	}
	names := []string{report.Duplicates[0].Members[0].Name, report.Duplicates[0].Members[1].Name}
	slices.Sort(names)
	if want := []string{"small[0]", "small[1]"}; !slices.Equal(names, want) {
		t.Errorf("members %v, want %v", names, want)
	}
}

// TestCheckFindsCopies changes many pictures as copies are changed on their way,
// and has them found among as many others.
func TestCheckFindsCopies(t *testing.T) {
	const n = 60
	var files []string
	for i := range n {
		m := photo(100+i, 96, 80)
		files = append(files, fmt.Sprintf("train/x/%d.png=%s", i, encoded(t, m, "png", 0)))
		switch i % 3 {
		case 0:
			files = append(files, fmt.Sprintf("test/x/%d.jpg=%s", i, encoded(t, m, "jpeg", 50)))
		case 1:
			files = append(files, fmt.Sprintf("test/x/%d.png=%s", i, encoded(t, halved(m), "png", 0)))
		case 2:
			files = append(files, fmt.Sprintf("test/x/%d.gif=%s", i, encoded(t, m, "gif", 0)))
		}
	}
	s, err := Open(writeFiles(t, files...))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Check(t.Context(), s.Parts(), CheckOptions{Decode: true})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, d := range r.Duplicates {
		stem := func(m Member) string {
			return strings.TrimSuffix(filepath.Base(m.Name), filepath.Ext(m.Name))
		}
		for _, m := range d.Members {
			if stem(m) != stem(d.Members[0]) {
				t.Errorf("%s and %s are taken for copies", d.Members[0].Name, m.Name)
			}
		}
		if d.Leak() {
			found++
		}
	}
	if found < n*95/100 {
		t.Errorf("%d of %d copies found", found, n)
	}
}

// TestCheckIsTheSameWithAnyWorkers compares reports.
func TestCheckIsTheSameWithAnyWorkers(t *testing.T) {
	m := small(300, 3)
	for i := range 100 {
		copy(m.Pixels[(i+150)*64:(i+151)*64], m.Pixels[i*64:])
	}
	parts := []Part{{"all", m, true}}
	var want []Duplicates
	for _, workers := range []int{1, 2, 7} {
		r, err := Check(t.Context(), parts, CheckOptions{Decode: true, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = r.Duplicates
		}
		if len(want) == 0 || fmt.Sprint(r.Duplicates) != fmt.Sprint(want) {
			t.Errorf("%d workers: %v, want %v", workers, r.Duplicates, want)
		}
	}
}

func TestCheckStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Check(ctx, []Part{{"all", small(100000, 2), true}}, CheckOptions{Progress: func(done, total int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestNearAgainstAllPairs compares the search by bands of bits with a comparison
// of every pair.
func TestNearAgainstAllPairs(t *testing.T) {
	var prints []fingerprint
	for i := range 200 {
		var p fingerprint
		p.decoded = true
		for k := range p.thumb {
			p.thumb[k] = uint8(i/4*3 + k)
			p.bright += int32(p.thumb[k])
		}
		p.hash = uint64(i/4) * 0x9e3779b97f4a7c15
		for bit := range i % 4 * 2 {
			p.hash ^= 1 << (bit * 11 % 64)
		}
		prints = append(prints, p)
	}
	got, want := newUnions(len(prints)), newUnions(len(prints))
	if err := joinNear(t.Context(), prints, got); err != nil {
		t.Fatal(err)
	}
	for i := range prints {
		for j := range i {
			if hashDistance(prints[i].hash, prints[j].hash) <= nearBits && near(&prints[i], &prints[j]) {
				want.join(int32(i), int32(j))
			}
		}
	}
	groups := map[int32]bool{}
	for i := range int32(len(prints)) {
		if got.find(i) != want.find(i) {
			t.Fatalf("picture %d is in the group of %d, want %d", i, got.find(i), want.find(i))
		}
		groups[want.find(i)] = true
	}
	if len(groups) == len(prints) || len(groups) == 1 {
		t.Errorf("%d groups of %d: nothing is compared", len(groups), len(prints))
	}
}

func TestSummary(t *testing.T) {
	root := writeFiles(t, "train/a/1.jpg", "train/a/2.jpg", "train/b/1.jpg", "val/a/1.jpg", "val/notes.md")
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	sum := s.Summary()
	if sum.Layout != "class folders" || !slices.Equal(sum.Classes, []string{"a", "b"}) || len(sum.Parts) != 2 || len(sum.LeftOut) != 1 {
		t.Errorf("%+v", sum)
	}
	train, val := sum.Parts[0], sum.Parts[1]
	if train.Images != 3 || !slices.Equal(train.Counts, []int{2, 1}) || !slices.Equal(train.Single, []string{"b"}) {
		t.Errorf("%+v", train)
	}
	if val.Part != "val" || !slices.Equal(val.Missing, []string{"b"}) {
		t.Errorf("%+v", val)
	}
}
