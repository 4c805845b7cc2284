package vision

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDecodeEqualsPillow(t *testing.T) {
	var d Decoder
	var got Image
	for _, c := range readPillowIndex(t).Decode {
		data, err := os.ReadFile(filepath.Join(pillowDir, c.File))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(&got, data, 3); err != nil {
			t.Errorf("%s: %v", c.File, err)
			continue
		}
		want, err := readReference(t, c.Out).Convert(3)
		if err != nil {
			t.Fatal(err)
		}
		if worst, mean := diff(t, &got, want); worst != 0 {
			t.Errorf("%s: differs by up to %d, mean %.3f", c.File, worst, mean)
		}
	}
}
