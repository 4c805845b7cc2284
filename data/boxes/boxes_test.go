package boxes

import (
	"image"
	"testing"

	"github.com/mixnet-go/mixnet/vision"
)

// Boxes follow the picture, are cut at its edges and dropped when little is
// left.
func TestUnder(t *testing.T) {
	tr := vision.Transform{Source: image.Rect(0, 0, 100, 100), Size: image.Pt(200, 200), Window: image.Rect(50, 0, 150, 100), Flip: true}
	got := Objects{
		{Box: vision.Box{X0: 30, Y0: 10, X1: 50, Y1: 20}, Class: 1},
		{Box: vision.Box{X0: 20, Y0: 40, X1: 40, Y1: 60}}, // cut on the left and below
		{Box: vision.Box{X0: 0, Y0: 0, X1: 26, Y1: 20}},   // hardly in
	}.Under(tr).(Objects)
	want := Objects{
		{Box: vision.Box{X0: 50, Y0: 20, X1: 90, Y1: 40}, Class: 1},
		{Box: vision.Box{X0: 70, Y0: 80, X1: 100, Y1: 100}},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}
