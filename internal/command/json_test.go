package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// keyMeanings reads the table of JSON.md: what each key stands for.
func keyMeanings(t *testing.T) map[string]string {
	t.Helper()
	meanings := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(jsonText)); lines.Scan(); {
		cells := strings.Split(lines.Text(), "|")
		if len(cells) != 4 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		for _, key := range strings.Split(cells[1], ",") {
			key = strings.Trim(strings.TrimSpace(key), "`")
			if meanings[key] != "" {
				t.Errorf("JSON.md has %q twice", key)
			}
			meanings[key] = strings.TrimSpace(cells[2])
		}
	}
	return meanings
}

// walkJSON calls f with every number and every key of a document. What is below
// a recipe has the recipe's own names.
func walkJSON(key string, v any, f func(key string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		f(key, nil)
		if key == "recipe" || key == "chosen" || key == "grid" {
			return
		}
		for k, inner := range v {
			walkJSON(k, inner, f)
		}
	case []any:
		f(key, nil)
		for _, inner := range v {
			walkJSON(key, inner, f)
		}
	default:
		f(key, v)
	}
}

// Everything that any command prints as JSON stands in one table, with its unit;
// accuracies are fractions.
func TestJSONKeys(t *testing.T) {
	meanings := keyMeanings(t)
	images := pictures(t, t.TempDir(), []string{"train", "val", "test"}, 2, 4, 28, 28)
	dir := t.TempDir()
	run, tuned := filepath.Join(dir, "run"), filepath.Join(dir, "tuned")
	mustRun(t, "train", "--data", images, "-b", "4", "--epochs", "2", "-o", run)
	mustRun(t, "train", "--data", images, "-b", "4", "--epochs", "2", "--seed", "2", "-o", run+"2")
	broken := pictures(t, t.TempDir(), []string{""}, 2, 4, 28, 28)
	if err := os.WriteFile(filepath.Join(broken, "class0", "0.png"), []byte("none"), 0o666); err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(images, "test", "class0", "0.png")
	found := filepath.Join(dir, "found")
	mustRun(t, "search", "new", found, "--space", smallSpace(t), "--images", "200", "--trials", "4", "--epochs", "1", "--set", "batch=20",
		"--max-macs", "30M", "--min-macs", "1K", "--max-params", "1M", "--max-memory", "10M", "--top", "1", "--seeds", "2", "--judge-epochs", "1")
	mustRun(t, "search", "new", found+"3", "--space", smallSpace(t), "--images", "200", "--trials", "3", "--epochs", "1", "--set", "batch=20",
		"--strategy", "supernet", "--scored", "4", "--supernet-epochs", "1", "--random", "none", "--no-judge")
	annotations, results := cocoFiles(t, `,
{"id":3,"image_id":2,"category_id":2,"bbox":[0,0,9,9]},{"id":4,"image_id":2,"category_id":2,"bbox":[0,0,200,200]}`)
	boxed, detects := boxedPictures(t, 9, 3), filepath.Join(dir, "detects")
	mustRun(t, "train", "--task", "detect", "--data", boxed, "--model", smallDetector, "-b", "4", "--epochs", "1", "-o", detects)
	seen := map[string]bool{}
	for _, args := range [][]string{
		{"train", "--resume", detects, "--epochs", "2"},
		{"train", "--task", "detect", "--data", boxed, "--model", smallDetector, "--dry-run", "--draw", filepath.Join(dir, "sheet.png")},
		{"eval", "--model", detects, "--per-class"},
		{"report", detects},
		{"data", boxed},
		{"train", "--resume", run},
		{"train", "--data", images, "--val-split", "0", "--lr-find", "-b", "4"},
		{"train", "--data", images, "-b", "4", "--epochs", "2", "--max-steps", "1", "-o", filepath.Join(dir, "stopped")},
		{"finetune", "--weights", run, "--data", images, "-b", "4", "--epochs", "1", "--new-head", "--rates", "0.01,0.001", "-o", tuned},
		{"eval", "--model", run},
		{"eval", "--model", run, "--data", broken},
		{"predict", "--model", run, picture, filepath.Join(dir, "missing.png")},
		{"detect", picture, "--score", "0", "--max", "2", "--draw", filepath.Join(dir, "drawn"), "--crops", filepath.Join(dir, "crops")},
		{"eval", "--results", results, "--annotations", annotations, "--against", results},
		{"runs", "--dir", dir},
		{"runs", "--dir", dir, "--groups"},
		{"models"},
		{"models", "--paper"},
		{"info", "mixnet_s"},
		{"export", run, "-o", filepath.Join(dir, "run.onnx")},
		{"quantize", run, "--data", images, "--images", "4", "--float", "conv_stem", "-o", filepath.Join(dir, "run8.safetensors")},
		{"info", "nasnet_a_mobile"},
		{"compare", "mixnet_tiny", "mixnet_s", "--time", "1ms"},
		{"compare", "mobilenetv2_100_ssdlite320", "--time", "0"},
		{"convert", boxSet(t), "--as", "voc", "-o", filepath.Join(dir, "voc")},
		{"bench", "mixnet_tiny", "--time", "1ms"},
		{"bench", "mobilenetv2_035_ssdlite96", "--time", "1ms"},
		{"bench", "train", "mixnet_tiny", "--time", "1ms", "-b", "2"},
		{"bench", "load", images, "--time", "1ms"},
		{"bench", "callers", "mixnet_tiny", "--time", "1ms"},
		{"bench", "soak", "mobilenetv1_025", "--time", "100ms"},
		{"bench", "profile", "mixnet_tiny"},
		{"doctor"},
		{"experiment", "ls"},
		{"experiment", "run", "partition", "--preset", "smoke", "-o", found + ".experiment"},
		{"experiment", "run", "architectures", "-o", found + ".architectures"},
		{"experiment", "run", "imagenet", "--preset", "smoke", "-o", found + ".imagenet"},
		{"search", "spaces"},
		{"search", "latency", smallSpace(t), "-o", found + ".latency", "--networks", "5", "--runs", "1", "--for-threads", "1"},
		{"search", "new", found + "2", "--space", smallSpace(t), "--rungs", "1,2"},
		{"search", "new", found + "5", "--space", smallSpace(t), "--latency", found + ".latency", "--max-latency", "1h"},
		{"search", "ask", found + "5"},
		{"search", "ask", found},
		{"search", "tell", found, "0", "--failed", "no reason"},
		{"search", "run", found, "-w", "1"},
		{"search", "worker", found},
		{"search", "run", found + "3", "-w", "1"},
		{"search", "finish", found, "--top", "1", "--seeds", "2", "--epochs", "1"},
		{"search", "show", found},
		{"search", "show", found, "--all"},
		{"search", "show", found, "1"},
		{"search", "top", found},
		{"search", "ls", dir},
		{"search", "watch", found, "--once"},
		{"search", "report", found},
		{"search", "export", found},
		{"search", "export", found, "1", "-o", filepath.Join(dir, "net.toml")},
		{"search", "bench", smallTable(t), "--space", smallSpace(t), "--runs", "2", "--budget", "3"},
		{"search", "retry", found},
	} {
		_, out, errs := invoke(t, append(args, "--json")...)
		docs := 0
		for dec := json.NewDecoder(bytes.NewReader([]byte(out))); ; docs++ {
			var doc any
			if dec.Decode(&doc) != nil {
				break
			}
			walkJSON("", doc, func(key string, v any) {
				if key == "" {
					return
				}
				seen[key] = true
				meaning, ok := meanings[key]
				if !ok {
					t.Errorf("%v: the key %q is not in JSON.md", args[0], key)
					meanings[key] = "told of"
				}
				n, number := v.(float64)
				if number && strings.HasPrefix(meaning, "fraction") && (n < 0 || n > 1) {
					t.Errorf("%v: %s is %g, which is no fraction", args, key, n)
				}
				if accuracy := strings.Contains(key, "top1") || strings.Contains(key, "top5"); number && accuracy && !strings.HasPrefix(meaning, "fraction") {
					t.Errorf("%s: JSON.md does not say that it is a fraction", key)
				}
			})
		}
		if docs == 0 {
			t.Errorf("%v prints no JSON: %s", args, errs)
		}
		if strings.Contains(out, " %\"") || strings.Contains(out, "per cent") {
			t.Errorf("%v has per cent in its JSON:\n%s", args, out)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(meanings)) {
		if !seen[key] {
			t.Errorf("JSON.md has the key %q, which nothing prints here", key)
		}
	}
}
