package report

import (
	"bytes"
	"encoding/csv"
	"image"
	"image/color"
	"image/png"
	"regexp"
	"strings"
	"testing"
)

// thumbnail returns a small picture as a file.
func thumbnail(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(7 * i)
	}
	file, err := Thumbnail(img)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// example is a run whose names hold what HTML takes for markup.
func example(t *testing.T) *Run {
	return &Run{
		Name: "run <1>", Summary: "a & b", Command: `mixnet train -d 'a "b" <c>'`,
		Result: []Fact{{"top-1", "66.51 %"}}, Settings: []Fact{{"lr", "0.1"}}, Environment: []Fact{{"Go", "go1"}}, Data: []Fact{{"source", "</dd><script>alert(1)</script>"}},
		Curves: []Figure{{Caption: "Loss.", Wide: "<svg id=\"wide\"></svg>", Narrow: "<svg id=\"narrow\"></svg>"}},
		Tables: []Table{{Caption: "Ways", Header: []string{"method"}, Rows: [][]string{{"frozen"}}}},
		Judgement: Judgement{
			Set: "5 images", Images: 5, Wrong: 2,
			Classes:   []Class{{"cat", 9, 3, 2}, {"<dog>", 0, 2, 1}},
			Pairs:     []Pair{{"cat", "<dog>", 1, 1.0 / 3}},
			Confusion: &Figure{Caption: "Confusion.", Wide: "<svg id=\"confusion\"></svg>"},
			Mistakes: []Mistake{
				{File: `d/a "1".jpg`, Truth: "cat", Predicted: "<dog>", Probability: 0.9, TrueProbability: 0.05, Rank: 2, Picture: thumbnail(t, 300, 200), Map: thumbnail(t, 28, 28)},
				{File: "b.jpg", Truth: "<dog>", Predicted: "cat", Probability: 0.6, TrueProbability: 0.4, Rank: 1, Picture: []byte("no image")},
			},
		},
	}
}

// elements are the void ones of HTML, which have no end.
var void = map[string]bool{"meta": true, "img": true, "br": true}

// checkHTML reports elements that do not end where they should, pictures
// without a text, headings that skip a level, and links to elsewhere.
func checkHTML(t *testing.T, page string) {
	t.Helper()
	var open []string
	level := 0
	for _, m := range regexp.MustCompile(`<(/?)([a-zA-Z][a-z0-9]*)([^>]*)>`).FindAllStringSubmatch(page, -1) {
		name := m[2]
		switch {
		case m[1] == "/":
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> ends none of %v", name, open)
			}
			open = open[:len(open)-1]
		case !void[name] && !strings.HasSuffix(m[3], "/"):
			open = append(open, name)
		}
		if name == "img" && !regexp.MustCompile(` alt="[^"]{10,}"`).MatchString(m[3]) {
			t.Errorf("a picture without a text: %.80s", m[3])
		}
		if len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6' && m[1] == "" {
			if l := int(name[1] - '0'); l > level+1 {
				t.Errorf("<%s> after a heading of level %d", name, level)
			} else {
				level = l
			}
		}
	}
	if len(open) > 0 {
		t.Errorf("not ended: %v", open)
	}
	if found := regexp.MustCompile(`(?i)(src|href)="?(https?:|//)|url\(|@import|<script|<link`).FindString(page); found != "" {
		t.Errorf("the page asks for something else: %q", found)
	}
	for _, want := range []string{`<html lang="en">`, `name="viewport"`, "prefers-color-scheme:dark", "<title>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestPage(t *testing.T) {
	var b bytes.Buffer
	if err := example(t).WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	checkHTML(t, page)
	for _, want := range []string{
		"run &lt;1&gt;", "a &amp; b", "mixnet train -d &#39;a &#34;b&#34; &lt;c&gt;&#39;", `<svg id="wide">`, `<svg id="narrow">`, `<svg id="confusion">`,
		"66.7 %", "33.3 %", `alt="Image of cat that was taken for &lt;dog&gt;"`, "data:image/jpeg;base64,", "data:image/png;base64,", "choice 3", "frozen",
		"2 of 2 wrong among 5 images",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(page, "<img"); n != 2 {
		t.Errorf("%d pictures, want 2: what is no image is left out", n)
	}
}

// What there is nothing of has no heading.
func TestEmptyPage(t *testing.T) {
	var b bytes.Buffer
	if err := (&Run{Name: "empty"}).WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	checkHTML(t, b.String())
	if strings.Contains(b.String(), "<h2") {
		t.Errorf("sections of nothing:\n%s", b.String())
	}
}

func TestMistakesPage(t *testing.T) {
	var b bytes.Buffer
	if err := example(t).Judgement.WriteHTML(&b, "Mistakes of x & y"); err != nil {
		t.Fatal(err)
	}
	checkHTML(t, b.String())
	for _, want := range []string{"Mistakes of x &amp; y", "2 of 5 images wrong", "Worst mistakes", "Most often confused"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := example(t).WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || strings.Join(rows[1], "|") != `d/a "1".jpg|cat|<dog>|0.9|0.05|2` {
		t.Errorf("%q", rows)
	}
}

func TestThumbnail(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{{480, 240, 240, 120}, {200, 100, 200, 100}, {28, 28, 224, 224}, {96, 10, 192, 20}, {3000, 2, 240, 1}} {
		img, _, err := image.Decode(bytes.NewReader(thumbnail(t, c.w, c.h)))
		if err != nil {
			t.Fatal(err)
		}
		if s := img.Bounds().Size(); s.X != c.wantW || s.Y != c.wantH {
			t.Errorf("%d×%d becomes %v, want %d×%d", c.w, c.h, s, c.wantW, c.wantH)
		}
	}
	if _, err := Thumbnail(image.NewRGBA(image.Rectangle{})); err == nil {
		t.Error("a thumbnail of nothing")
	}
	// A small image keeps its pixels.
	src := image.NewGray(image.Rect(0, 0, 2, 1))
	src.SetGray(1, 0, color.Gray{200})
	file, err := Thumbnail(src)
	if err != nil {
		t.Fatal(err)
	}
	out, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if r, _, _, _ := out.At(130, 5).RGBA(); r>>8 != 200 {
		t.Errorf("red %d, want 200", r>>8)
	}
}
