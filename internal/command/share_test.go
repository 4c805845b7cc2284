package command

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The parts of a job, some of which are killed and repeated, are one run when
// they are joined, to the byte.
func TestSharesEqualOneRun(t *testing.T) {
	images := pictures(t, t.TempDir(), []string{""}, 3, 7, 28, 28)
	if err := os.WriteFile(filepath.Join(images, "class1", "3.png"), []byte("none"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"predict", "-m", "fashion", "-k", "3", images},
		{"detect", "--score", "0.01", images},
	} {
		_, want, errs := invoke(t, append(command, "--jsonl")...)
		if lines := strings.Count(want, "\n"); lines != 21 {
			t.Fatalf("%v: %d lines\n%s", command, lines, errs)
		}
		dir := t.TempDir()
		const n = 4
		for i := range n {
			args := append(command, "--shard", fmt.Sprintf("%d/%d", i, n), "-o", dir)
			cmd, _, _ := start(t, "", args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(time.Duration(rand.IntN(150))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
		}
		for i := range n { // those that were killed
			mustRun(t, append(command, "--shard", fmt.Sprintf("%d/%d", i, n), "-o", dir)...)
		}
		code, got, errs := invoke(t, "merge", dir)
		if code != exitFailure || got != want || !strings.Contains(errs, "1 of 21 images") {
			t.Errorf("%v: exit code %d, %s; the parts give\n%s\none run gives\n%s", command, code, errs, got, want)
		}
		to := filepath.Join(t.TempDir(), "all.jsonl")
		invoke(t, "merge", dir, "-o", to)
		if b, err := os.ReadFile(to); err != nil || string(b) != want {
			t.Errorf("%v: %v, a file that differs", command, err)
		}
		if code, _, errs := invoke(t, append(command, "--shard", "1/4", "-o", dir)...); code != exitOK || !strings.Contains(errs, "is there already") {
			t.Errorf("%v: a part that is done: exit code %d, %s", command, code, errs)
		}
		if code, _, errs := invoke(t, append(command[:len(command):len(command)], filepath.Join(images, "class1", "0.png"), "--shard", "1/4", "-o", dir)...); code != exitFailure || !strings.Contains(errs, "part-00001-of-00004.jsonl") || !strings.Contains(errs, "another job") {
			t.Errorf("%v: a part of other images: exit code %d, %s", command, code, errs)
		}
		if err := os.Remove(filepath.Join(dir, "part-00002-of-00004.jsonl")); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := invoke(t, "merge", dir); code != exitFailure || !strings.Contains(errs, "1 of 4 are missing: part-00002-of-00004.jsonl") {
			t.Errorf("%v: a missing part: exit code %d, %s", command, code, errs)
		}
	}
}

// COCO's results of all parts are those of one run.
func TestSharesOfDetectAsCOCO(t *testing.T) {
	images := pictures(t, t.TempDir(), []string{""}, 2, 3, 40, 40)
	one, parts, joined := filepath.Join(t.TempDir(), "one.json"), t.TempDir(), filepath.Join(t.TempDir(), "joined.json")
	mustRun(t, "detect", "--score", "0.001", "--coco", one, images)
	for i := range 3 {
		mustRun(t, "detect", "--score", "0.001", "--shard", fmt.Sprintf("%d/3", i), "-o", parts, images)
	}
	mustRun(t, "merge", parts, "--coco", joined)
	a, err := os.ReadFile(one)
	b, err2 := os.ReadFile(joined)
	if err != nil || err2 != nil || !bytes.Equal(a, b) || len(a) < 100 {
		t.Errorf("%v, %v: %d and %d bytes that differ", err, err2, len(a), len(b))
	}
}

// timing is what differs from one evaluation to the next.
var timing = regexp.MustCompile(`(?m)^  "(seconds|images_per_s)": .*\n`)

// Evaluations of parts are the report of one run, but for the time.
func TestSharesOfEval(t *testing.T) {
	images, dir := pictures(t, t.TempDir(), []string{""}, 3, 21, 28, 28), t.TempDir()
	for i := range 3 { // numbers are the network's labels
		if err := os.Rename(filepath.Join(images, fmt.Sprintf("class%d", i)), filepath.Join(images, strconv.Itoa(5+i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(images, "6", "3.png"), []byte("none"), 0o666); err != nil {
		t.Fatal(err)
	}
	eval := []string{"eval", "-m", "fashion", "-d", images, "-b", "8"}
	for i := range 3 {
		t.Setenv("SLURM_ARRAY_TASK_ID", strconv.Itoa(i))
		code, _, errs := invoke(t, append(eval, "--shard", "auto/3", "-o", dir)...)
		if code != exitOK || !strings.Contains(errs, fmt.Sprintf("part %d of 3, as SLURM_ARRAY_TASK_ID says", i)) {
			t.Fatalf("exit code %d, %s", code, errs)
		}
	}
	want, got := mustRun(t, append(eval, "--json")...), mustRun(t, "merge", dir, "--json")
	if a, b := timing.ReplaceAllString(want, ""), timing.ReplaceAllString(got, ""); a != b || len(a) == len(want) {
		t.Errorf("one run\n%s\nparts\n%s", a, b)
	}
	speed := regexp.MustCompile(`[0-9.]+ images/s`)
	want, got = mustRun(t, append(eval, "--per-class")...), mustRun(t, "merge", dir, "--per-class")
	if speed.ReplaceAllString(want, "") != speed.ReplaceAllString(got, "") {
		t.Errorf("one run\n%s\nparts\n%s", want, got)
	}
	if code, _, errs := invoke(t, append(eval, "--shard", "1/3", "-o", dir, "--mirror")...); code != exitFailure || !strings.Contains(errs, "mirror") {
		t.Errorf("another judgement into the same folder: exit code %d, %s", code, errs)
	}
}

// Records are answered in order, and bad ones named without an end.
func TestRecords(t *testing.T) {
	images := pictures(t, t.TempDir(), []string{""}, 1, 2, 28, 28)
	file := filepath.Join(images, "class0", "0.png")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in := strings.Join([]string{
		fmt.Sprintf(`{"id": "a", "image": %q}`, file),
		`{"id": [1, 2], "image": "/none.png"}`,
		"",
		`what`,
		fmt.Sprintf(`{"id": 3, "data": %q}`, base64.StdEncoding.EncodeToString(content)),
		`{"id": 4}`,
		`{"id": 5, "image": "-"}`,
		fmt.Sprintf(`{"id": 6, "data": %q}`, base64.StdEncoding.EncodeToString([]byte("no picture"))),
		fmt.Sprintf(`{"image": %q}`, filepath.Join(images, "class0", "1.png")),
	}, "\n")
	run := []string{"predict", "--stdin", "--jsonl", "-m", "fashion", "-k", "1"}
	code, out, errs := invokeWith(t, context.Background(), []byte(in), run...)
	if code != exitFailure || !strings.Contains(errs, "5 of 8 records") || !strings.Contains(errs, "record 4: no record") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, again, _ := invokeWith(t, context.Background(), []byte(in), append(run, "--bad-ok")...); code != exitOK || again != out {
		t.Errorf("--bad-ok: exit code %d, %s", code, again)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	want := []struct {
		id     string
		record int
	}{{`"a"`, 0}, {"[1, 2]", 2}, {"", 4}, {"3", 0}, {"4", 6}, {"5", 7}, {"6", 8}, {"", 0}}
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), out)
	}
	var first, third answer
	for i, w := range want {
		var a answer
		if err := json.Unmarshal([]byte(lines[i]), &a); err != nil {
			t.Fatal(err)
		}
		if id := strings.ReplaceAll(w.id, " ", ""); string(a.ID) != id || a.Record != w.record || (a.Error != "") != (w.record > 0) || (len(a.Predictions) == 1) != (w.record == 0) {
			t.Errorf("line %d: %s, want the id %s and record %d", i, lines[i], w.id, w.record)
		}
		switch i {
		case 0:
			first = a
		case 3:
			third = a
		}
	}
	if len(first.Predictions) != 1 || len(third.Predictions) != 1 || first.Predictions[0] != third.Predictions[0] {
		t.Errorf("a file gives %v, its bytes %v", first.Predictions, third.Predictions)
	}
}

// A record is answered before the next one is sent.
func TestRecordsOneByOne(t *testing.T) {
	cmd, in, _ := start(t, "", "predict", "--stdin", "--jsonl", "-m", "fashion", "--bad-ok")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := fmt.Fprintf(in, "{\"id\": %d}\n", i); err != nil {
			t.Fatal(err)
		}
		var b [4096]byte
		n, err := out.Read(b[:])
		if err != nil || !strings.HasPrefix(string(b[:n]), fmt.Sprintf(`{"id":%d,`, i)) {
			t.Fatalf("%q, %v", b[:n], err)
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// Training from a store gives the weights that training from the disk gives.
func TestTrainFromStore(t *testing.T) {
	dir := t.TempDir()
	shards := filepath.Join(dir, "shards")
	images := pictures(t, t.TempDir(), []string{""}, 2, 12, 28, 28)
	mustRun(t, "convert", images, "-o", shards, "--shards", "3")
	web := http.FileServer(http.Dir(shards))
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		web.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	const pattern = "train-{00000..00002}-of-00003.tar"
	train := func(data, run string) []byte {
		mustRun(t, "train", "--data", data, "-b", "8", "--epochs", "1", "--set", "shuffle_shards=2", "-o", run, "--data-cache", filepath.Join(dir, "cache"))
		weights, err := os.ReadFile(filepath.Join(run, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return weights
	}
	disk, store := train(filepath.Join(shards, pattern), filepath.Join(dir, "disk")), train(srv.URL+"/"+pattern, filepath.Join(dir, "store"))
	if !bytes.Equal(disk, store) {
		t.Error("weights that differ")
	}
	gets := 0
	for _, a := range asked {
		if strings.HasPrefix(a, "GET ") {
			gets++
		}
	}
	if gets != 3 { // once each, whatever looks at the images
		t.Errorf("asked for %v", asked)
	}
}
