package experiment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/filelock"
	"github.com/mixnet-go/mixnet/nas/store"
)

// trialsOf makes up trials of a plan: right says of a network, a seed and an image
// whether the network is right.
func trialsOf(t *testing.T, p *Plan, images int, right func(a *Planned, seed, image int) bool) []store.Trial {
	t.Helper()
	var all []store.Trial
	for seed := range p.Seeds {
		for i := range p.Arms {
			o := Outcome{Run: fmt.Sprintf("runs/%04d", len(all)), Seconds: 1.5, Images: images, Right: make([]byte, (images+7)/8)}
			n := 0
			for k := range images {
				if right(&p.Arms[i], seed, k) {
					o.Right[k/8] |= 1 << (k % 8)
					n++
				}
			}
			info, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, store.Trial{Number: len(all), Arch: p.arch(i, seed), State: store.Done, Score: float64(n) / float64(images), Info: info})
		}
	}
	return all
}

// plan makes a plan of an experiment without training anything.
func quickPlan(t *testing.T, name string, o Options) *Plan {
	t.Helper()
	x, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	preset, err := x.Preset("quick")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := New(x, preset, images(t).Train, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// Each claim is judged by resolved differences and their signs, beside the
// paper's where those are above its noise.
func TestVerdicts(t *testing.T) {
	plan := quickPlan(t, "kernels", Options{})
	all, err := Results(plan, trialsOf(t, plan, 400, func(a *Planned, seed, image int) bool {
		right := 320 + seed
		switch {
		case a.Equal && a.Series == "MixConv"+equalSeries:
			right -= 20
		case a.Panel == "MobileNetV2" && a.Label == "7×7" && !a.Equal:
			right -= 16 // unlike in the paper
		case a.Label == "9×9" || a.Series == "MixConv":
			right += 12
		}
		return image < right
	}))
	if err != nil {
		t.Fatal(err)
	}
	x, err := Lookup("kernels")
	if err != nil {
		t.Fatal(err)
	}
	judged := Judge(x, plan, all)
	got := map[string]Comparison{}
	for _, j := range judged {
		for _, c := range j.Comparisons {
			got[c.Panel+": "+c.A+", "+c.B] = c
		}
	}
	for name, want := range map[string]struct {
		verdict    Verdict
		difference float64
		paper      float64
	}{
		"MobileNetV1: depthwise 9×9, depthwise 3×3":                                         {Agrees, 0.03, 0.0083},
		"MobileNetV1: depthwise 5×5, depthwise 3×3":                                         {Unresolved, 0, 0.0077},
		"MobileNetV2: depthwise 7×7, depthwise 3×3":                                         {Disagrees, -0.04, 0.0095},
		"MobileNetV2: MixConv g=3, depthwise 7×7":                                           {Better, 0.07, 0.0001},
		"MobileNetV1: MixConv g=4, depthwise 9×9":                                           {Unresolved, 0, 0.0047},
		"MobileNetV1: MixConv, equal multiply-adds g=4, depthwise 3×3":                      {Worse, -0.05, 0},
		"MobileNetV1: MixConv, equal multiply-adds g=4, depthwise, equal multiply-adds 9×9": {Worse, -0.08, 0},
		"MobileNetV2: depthwise, 3×3 beside and merged 9×9, depthwise 9×9":                  {Unresolved, 0, 0},
	} {
		c, ok := got[name]
		if !ok || c.Verdict != want.verdict || math.Abs(c.Difference.Value-want.difference) > 1e-9 || math.Abs(c.Images.Value-want.difference) > 1e-9 || math.Abs(c.Paper-want.paper) > 1e-4 {
			t.Errorf("%s: %+v, want %+v", name, c, want)
		}
	}
	if n := len(got); n != 2*(3+3+6+3+1) {
		t.Errorf("%d comparisons", n)
	}
	lines := strings.Join(Conclusions(judged), "\n")
	for _, want := range []string{"2 better, 1 worse, 3 not resolved", "6 differences above its noise: 2 of the same sign here, 1 of the other sign, 3 not resolved here", "one size is better at equal cost", "no difference that can be told from chance"} {
		if !strings.Contains(lines, want) {
			t.Errorf("the conclusions lack %q:\n%s", want, lines)
		}
	}
}

// In the small network layer 1 has stride 2, in the paper's layers 1, 3, 6 and
// 13.
func TestLayersThatHalve(t *testing.T) {
	x, err := Lookup("layers")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]int{"quick": {1}, "paper": {1, 3, 6, 13}} {
		preset, err := x.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := New(x, preset, images(t).Train, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, a := range plan.Arms {
			if a.halves && a.Series == "depthwise 9×9" {
				got = append(got, a.X)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: layers %v, want %v", name, got, want)
		}
	}
}

// A preset says what it does without; a change that fails for another reason is
// an error.
func TestLeftOut(t *testing.T) {
	for name, want := range map[string]string{
		"kernels":   "depthwise 11×11 and 13×13, MixConv g=5 and g=6 of MobileNetV1 and MobileNetV2: the preset has kernels up to 9×9",
		"layers":    "depthwise 9×9 layer 6 to layer 16, MixConv 3,5,7,9 layer 6 to layer 16 of MobileNetV2: the network has 6 layers",
		"partition": "dilated g=5 and g=6 of MobileNetV1 and MobileNetV2",
	} {
		if out := quickPlan(t, name, Options{}).Omitted(); len(out) != 1 || !strings.Contains(out[0].String(), want) {
			t.Errorf("%s: %v, want %q", name, out, want)
		}
	}
	x := Experiment{Name: "broken", arms: []Arm{{Panel: "MobileNetV1", Series: "depthwise", Label: "4×4", Change: "kernel=4"}}}
	if _, err := New(x, presets[1], images(t).Train, Options{}); err == nil || !strings.Contains(err.Error(), "depthwise 4×4") {
		t.Errorf("an even kernel: %v", err)
	}
}

func TestRecipeOptions(t *testing.T) {
	if plan := quickPlan(t, "layers", Options{Set: []string{"epochs=3", "batch=32"}}); plan.Recipe.Epochs != 3 || plan.Recipe.Batch != 32 {
		t.Errorf("%+v", plan.Recipe)
	}
	for _, o := range []Options{{Set: []string{"epochs=3"}, Epochs: 2}, {Set: []string{"seed=3"}}, {Set: []string{"patience=3"}}, {Set: []string{"nothing=3"}}} {
		if _, err := New(experiments[0], presets[1], images(t).Train, o); err == nil {
			t.Errorf("%+v is no error", o)
		}
	}
}

// The page is made of the record and the table alone.
func TestRecord(t *testing.T) {
	plan := quickPlan(t, "partition", Options{Seeds: 2})
	plan.Dir = "/somewhere/partition/runs"
	trials := trialsOf(t, plan, 100, func(a *Planned, seed, image int) bool { return image < 80+3*a.X+seed })
	r := &Record{Plan: plan, Command: "mixnet experiment run partition", Data: "set of images", Date: "2026-11-30", Version: "v1"}
	first, err := r.Page(trials)
	if err != nil {
		t.Fatal(err)
	}
	var page, table, record bytes.Buffer
	kept := *r
	kept.Plan = plan.Portable()
	if err := errors.Join(first.WriteMarkdown(&page), WriteCSV(&table, plan, first.Results), kept.Write(&record)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(record.String(), "somewhere") {
		t.Error("the record says where on the machine the runs are")
	}
	read, err := ReadRecord(record.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadCSV(bytes.NewReader(table.Bytes()), read.Plan)
	if err != nil {
		t.Fatal(err)
	}
	second, err := read.Page(again)
	if err != nil {
		t.Fatal(err)
	}
	var anew, tabled bytes.Buffer
	if err := errors.Join(second.WriteMarkdown(&anew), WriteCSV(&tabled, read.Plan, second.Results)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(anew.Bytes(), page.Bytes()) || !bytes.Equal(tabled.Bytes(), table.Bytes()) {
		t.Errorf("another page or table from those that were kept:\n%s", anew.String())
	}
	var index bytes.Buffer
	if err := WriteIndex(&index, []*Page{second}); err != nil || !strings.Contains(index.String(), "](partition.md)") || !strings.Contains(index.String(), "Dilated 3×3") {
		t.Errorf("%v\n%s", err, index.String())
	}
	for _, bad := range []string{"", "a,b\n", strings.Replace(table.String(), "dilated", "undilated", 1), strings.Replace(table.String(), ",0,0.8", ",7,0.8", 1)} {
		if _, err := ReadCSV(strings.NewReader(bad), read.Plan); err == nil {
			t.Errorf("no error for a table that begins %.80q", bad)
		}
	}
	for _, bad := range []string{"", "{}", `{"plan":{"experiment":"other"}}`} {
		if _, err := ReadRecord([]byte(bad)); err == nil {
			t.Errorf("no error for the record %s", bad)
		}
	}
}

// A trial whose folder another process works in, whose lease ran out, is trained
// in a folder of its own.
func TestTakenFolder(t *testing.T) {
	plan := quickPlan(t, "layers", Options{Dir: t.TempDir(), Epochs: 1, Set: []string{"batch=20"}})
	plan.Images = 40
	roles, err := plan.Roles(images(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, roles.Judge, err = data.Split(roles.Judge, 0.02, 1); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(plan.Dir, "0003")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	l, err := filelock.Try(filepath.Join(dir, "run.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	_, info, err := (&Trainer{Plan: plan, Roles: roles}).Do(t.Context(), store.Trial{Number: 3, Attempts: 2, Arch: plan.arch(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := OutcomeOf(store.Trial{Info: info}); err != nil || o.Run != dir+"-2" {
		t.Errorf("trained in %s, %v", o.Run, err)
	}
}
