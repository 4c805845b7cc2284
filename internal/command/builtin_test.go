package command

import (
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
	"github.com/mixnet-go/mixnet/evaluate"
	builtin "github.com/mixnet-go/mixnet/pretrained"
)

// TestBuiltInPhoto names what is on photos where there is neither a run nor a
// named model.
func TestBuiltInPhoto(t *testing.T) {
	photos, err := filepath.Abs("../../pretrained/photo/testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var found []prediction
	if err := json.Unmarshal([]byte(mustRun(t, "predict", "--json", "--offline", photos)), &found); err != nil {
		t.Fatal(err)
	}
	want := []string{"dragonfly", "hotdog", "macaw", "daisy"}
	if len(found) != len(want) {
		t.Fatalf("%d photos", len(found))
	}
	for i, p := range found {
		if p.Predictions[0].Label != want[i] {
			t.Errorf("%s: %+v, want %s", p.Image, p.Predictions[0], want[i])
		}
	}
}

// TestBuiltIn predicts and evaluates with the model of clothes.
func TestBuiltIn(t *testing.T) {
	splits, err := data.OpenIDX(fashion.FS(), "fashion-mnist")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	const images = 50
	names := make([]string, images)
	for i := range names {
		var s data.Sample
		if err := splits.Test.Read(i, &s); err != nil {
			t.Fatal(err)
		}
		names[i] = fmt.Sprintf("%02d.png", i)
		writePNG(t, names[i], s.Pixels)
	}
	var found []prediction
	if err := json.Unmarshal([]byte(mustRun(t, "predict", "--json", "--offline", "--model", builtin.Name, ".")), &found); err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, p := range found {
		if p.Predictions[0].Label == splits.Test.Classes()[splits.Test.Label(i)] {
			right++
		}
	}
	if len(found) != images || right < images*8/10 {
		t.Errorf("%d of %d pictures named right, want nine of ten", right, len(found))
	}

	m, err := builtin.Fashion()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"eval", "--json"}, {"eval", "--json", "--model", builtin.Name}} {
		var r evaluate.Report
		if err := json.Unmarshal([]byte(mustRun(t, args...)), &r); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprintf("%.2f", 100*r.Top1), m.Notes[builtin.NoteTop1Subset]; got != want || r.Network != m.Network {
			t.Errorf("%v: %s of %s, want %s of %s", args, got, r.Model, want, m.Network)
		}
	}
}

func writePNG(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
