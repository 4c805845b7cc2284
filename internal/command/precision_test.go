package command

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/engine"
)

// Commands that run networks take --precision, say what they computed in, and
// classify the built-in test images in bfloat16 as in float32, within 0.1
// points.
func TestPrecision(t *testing.T) {
	top1 := map[string]float64{}
	for _, p := range []string{"float32", "bf16"} {
		var r struct {
			Top1   float64 `json:"top1"`
			Images int     `json:"images"`
		}
		if err := json.Unmarshal([]byte(mustRun(t, "eval", "--model", "fashion", "--precision", p, "--json")), &r); err != nil || r.Images != 2000 {
			t.Fatalf("%d images: %v", r.Images, err)
		}
		top1[p] = r.Top1
		var b benchResult
		if err := json.Unmarshal([]byte(mustRun(t, "bench", "mixnet_tiny", "--precision", p, "--time", "1ms", "--json")), &b); err != nil || b.Precision != p {
			t.Errorf("bench --precision %s says %q: %v", p, b.Precision, err)
		}
	}
	if d := math.Abs(top1["bf16"] - top1["float32"]); d > 0.001 {
		t.Errorf("top-1 %.4f in bfloat16, %.4f in float32", top1["bf16"], top1["float32"])
	}
	picture := filepath.Join(pictures(t, t.TempDir(), []string{""}, 1, 1, 28, 28), "class0", "0.png")
	mustRun(t, "predict", "--model", "fashion", "--precision", "bf16", picture)
	mustRun(t, "detect", "--precision", "bf16", "--json", picture)
	mustRun(t, "compare", "mixnet_tiny", "--precision", "bf16", "--time", "1ms")
	mustRun(t, "bench", "profile", "mixnet_tiny", "--precision", "bf16")
}

func TestPrecisionRefuses(t *testing.T) {
	code, _, stderr := invoke(t, "bench", "mixnet_tiny", "--precision", "float16", "--time", "1ms")
	if code == 0 || !strings.Contains(stderr, "bf16") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if text := mustRun(t, "doctor"); !strings.Contains(text, "bf16") || !strings.Contains(text, engine.BFloat16Instructions()) {
		t.Errorf("doctor does not say what multiplies:\n%s", text)
	}
}
