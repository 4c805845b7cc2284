package command

import (
	"bytes"
	"regexp"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/mixnet-go/mixnet/zoo"
)

// The labels of figure 7 lie in the frame, apart from each other and off the
// points, also in a font that is a tenth wider.
func TestFigure7Labels(t *testing.T) {
	rows, err := zoo.PaperTable()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := figure7(rows).Write(&b, "svg"); err != nil {
		t.Fatal(err)
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	type box struct {
		x0, y0, x1, y1 float64
		text           string
	}
	apart := func(a, b box) bool { return a.x1 <= b.x0+1 || b.x1 <= a.x0+1 || a.y1 <= b.y0+1 || b.y1 <= a.y0+1 }
	var boxes, points []box
	for _, m := range regexp.MustCompile(`<text class="mxf\d+" x="([\d.]+)" y="([\d.]+)" font-size="10.5">([^<]+)</text>`).FindAllStringSubmatch(b.String(), -1) {
		const letter = 5.6 // the mean width in the drawing's font, and a tenth
		x, y := number(m[1]), number(m[2])
		boxes = append(boxes, box{x, y - 8, x + letter*float64(utf8.RuneCountInString(m[3])), y + 1, m[3]})
	}
	for _, m := range regexp.MustCompile(`<circle class="mxf\d+" cx="([\d.]+)" cy="([\d.]+)" r="3.2"/>`).FindAllStringSubmatch(b.String(), -1) {
		x, y := number(m[1]), number(m[2])
		points = append(points, box{x - 3, y - 3, x + 3, y + 3, "a point"})
	}
	if len(boxes) < 15 || len(points) != len(boxes) {
		t.Fatalf("%d labels of %d points", len(boxes), len(points))
	}
	for i, l := range boxes {
		if l.x0 < 70 || l.x1 > 720-8 {
			t.Errorf("%q leaves the frame: %+v", l.text, l)
		}
		for _, o := range append(boxes[:i:i], points...) {
			if !apart(l, o) {
				t.Errorf("%q and %q overlap", l.text, o.text)
			}
		}
	}
}
