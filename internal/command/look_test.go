package command

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/zoo"
)

func TestPaperTable(t *testing.T) {
	plot := filepath.Join(t.TempDir(), "figure7.png")
	table := mustRun(t, "models", "--paper", "--plot", plot)
	for _, want := range []string{"MixNet-S", "256M", "239,173,360", "75.8", "MnasNet-A2: its architecture is not published"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table does not show %q:\n%s", want, table)
		}
	}
	f, err := os.Open(plot)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Error(err)
	}
	rows, err := csv.NewReader(strings.NewReader(mustRun(t, "models", "--paper", "--csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []zoo.PaperRow
	if err := json.Unmarshal([]byte(mustRun(t, "models", "--paper", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(list)+1 || len(list) != 22 {
		t.Errorf("%d rows of CSV, %d of JSON; want 23 and 22", len(rows), len(list))
	}
	for i, r := range list {
		if got, want := rows[i+1][9], strconv.FormatInt(r.CountedParams, 10); got != want && r.CountedParams != 0 {
			t.Errorf("%s: %s parameters in CSV, %s in JSON", r.System, got, want)
		}
	}
	if code, _, _ := invoke(t, "models", "--csv"); code != exitUsage {
		t.Errorf("--csv alone: exit code %d", code)
	}
}

func TestInfoDrawing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.svg")
	mustRun(t, "info", "mixnet_s", "--svg", path)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	boxes := map[string]int{}
	for dec := xml.NewDecoder(f); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			for _, a := range e.Attr {
				if a.Name.Local == "fill" {
					boxes[a.Value]++
				}
			}
		}
	}
	// One 11×11 group in MixNet-S, and one entry of the legend.
	if n := boxes[kernelColors[11]]; n != 2 {
		t.Errorf("%d boxes in the colour of 11×11, want 2", n)
	}
	// Five blocks with a 9×9 group.
	if n := boxes[kernelColors[9]]; n != 6 {
		t.Errorf("%d boxes in the colour of 9×9, want 6", n)
	}
}

// Every network of the zoo is drawn, each block with its parts within the bar.
func TestDrawings(t *testing.T) {
	for _, s := range zoo.List() {
		info, _, d, err := describe(s, zoo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := drawNetwork(&b, info, d); err != nil {
			t.Errorf("%s: %v", info.Name, err)
		}
		for _, r := range d.Blocks {
			if parts := blockParts(layersOf(d, r.Name)); len(parts) == 0 || len(parts) > 7 {
				t.Errorf("%s: block %s has %d parts", info.Name, r.Name, len(parts))
			}
			if !strings.Contains(b.String(), ">"+r.Name+"<") {
				t.Errorf("%s: block %s is not drawn", info.Name, r.Name)
			}
		}
	}
	// A normal cell of NASNet-A has three separable 3×3 convolutions and two 5×5,
	// each a pair, and three poolings.
	s, err := zoo.Lookup("nasnet_a_mobile")
	if err != nil {
		t.Fatal(err)
	}
	_, _, d, err := describe(s, zoo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(blockParts(layersOf(d, "cells.3")))
	if want := "[{3×3 #9ecae1 3 6 264 44} {5×5 #a1d99b 5 4 176 44} {mean pool #f2f2f2 0 3 132 44}]"; got != want {
		t.Errorf("a normal cell is drawn as %s, want %s", got, want)
	}
}

func TestCompare(t *testing.T) {
	var rows []comparison
	if err := json.Unmarshal([]byte(mustRun(t, "compare", "mixnet_tiny", "mixnet_tiny@width=2", "--time", "1ms", "--json")), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].Params >= rows[1].Params || rows[0].MedianMS <= 0 || rows[0].MemoryMB <= 0 {
		t.Errorf("%+v", rows)
	}
	if out := mustRun(t, "compare", "mixnet_s", "--time", "0s"); strings.Contains(out, "ms") {
		t.Errorf("a time without measuring:\n%s", out)
	}
}

func TestRuns(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "one")
	mustRun(t, "train", "--data", classFolders(t), "--output", dir, "--epochs", "1", "--batch-size", "6", "--json")
	plot := filepath.Join(root, "curves.svg")
	var all []runSummary
	if err := json.Unmarshal([]byte(mustRun(t, "runs", "--dir", root, "--json", "--plot", plot)), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || !all[0].Done || len(all[0].Epochs) != 1 || all[0].Recipe.Batch != 6 || all[0].Network != "mixnet_tiny" {
		t.Errorf("%+v", all)
	}
	for _, name := range []string{"config.json", "metrics.jsonl", "summary.json", "loss.png", "accuracy.png", "events.out.tfevents.1.mixnet", "last.safetensors", "model.safetensors"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := filepath.Join(root, "two")
	mustRun(t, "train", "--data", classFolders(t), "--output", other, "--epochs", "1", "--batch-size", "9", "--sizes", "14,28", "--json")
	both := mustRun(t, "runs", dir, other)
	_, diff, _ := strings.Cut(both, "differ:\n")
	var lines []string
	for line := range strings.Lines(diff) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{"batch 6 9", "sizes - [14 28]"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in\n%s", want, both)
		}
	}
	if strings.Contains(diff, "epochs") || !strings.Contains(mustRun(t, "runs", dir, dir), "the same") {
		t.Errorf("differences of the same:\n%s", both)
	}
	if err := os.Truncate(filepath.Join(dir, "last.safetensors"), 100); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := invoke(t, "runs", dir); code != exitFailure || !strings.Contains(out, "last.safetensors") || !strings.Contains(errs, "1 of 1 run") {
		t.Errorf("a damaged run is not reported: exit code %d\n%s%s", code, out, errs)
	}
	if code, _, errs := invoke(t, "runs", "--dir", filepath.Join(root, "none")); code != exitFailure || !strings.Contains(errs, "no runs yet") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// The pieces of a bar are as wide as their share of the channels; what has no
// room in its piece is written all the same.
func TestDrawingToScale(t *testing.T) {
	var b strings.Builder
	parts := []part{{"3×3", "#111111", 3, 1, 16, 16}, {"5×5", "#222222", 5, 1, 8, 8}, {"7×7", "#333333", 7, 1, 4, 4}, {"9×9", "#444444", 9, 1, 4, 4}, {"11×11", "#555555", 11, 1, 1, 1}}
	drawParts(&b, 100, parts)
	dec := xml.NewDecoder(strings.NewReader("<g>" + b.String() + "</g>"))
	i, end := 0, float64(drawLeft)
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "rect" {
			continue
		}
		at := map[string]float64{}
		for _, a := range e.Attr {
			at[a.Name.Local], _ = strconv.ParseFloat(a.Value, 64)
		}
		want := float64(drawBar) * float64(parts[i].width) / 33
		if math.Abs(at["width"]-want) > 0.2 || math.Abs(at["x"]-end) > 0.2 {
			t.Errorf("piece %d begins at %v and is %v wide, want %v and %v", i, at["x"], at["width"], end, want)
		}
		end += want
		i++
	}
	if i != len(parts) || !strings.Contains(b.String(), ">11×11: 1 ch<") && !strings.Contains(b.String(), "11×11: 1 ch</text>") {
		t.Errorf("%d pieces\n%s", i, b.String())
	}
}
