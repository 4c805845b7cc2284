package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cocoFiles writes annotations of two images, with further objects, and
// detections.
func cocoFiles(t *testing.T, more string) (annotations, results string) {
	t.Helper()
	dir := t.TempDir()
	annotations, results = filepath.Join(dir, "instances.json"), filepath.Join(dir, "results.json")
	for path, text := range map[string]string{
		annotations: `{"images":[{"id":1,"width":300,"height":300,"file_name":"a.jpg"},{"id":2,"width":300,"height":300,"file_name":"b.jpg"}],
"categories":[{"id":1,"name":"cat"},{"id":2,"name":"dog"}],
"annotations":[
{"id":1,"image_id":1,"category_id":1,"bbox":[10,10,50,50],"area":2500,"iscrowd":0},
{"id":2,"image_id":1,"category_id":1,"bbox":[100,100,50,50],"area":2500,"iscrowd":0}` + more + `]}`,
		results: `[{"image_id":1,"category_id":1,"bbox":[10,10,50,50],"score":0.9}]`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return annotations, results
}

// The twelve numbers stand as pycocotools prints them: of two objects one is
// found, and recall reaches 51 of 101 points.
func TestEvalResults(t *testing.T) {
	annotations, results := cocoFiles(t, "")
	code, out, errs := invoke(t, "eval", "--results", results, "--annotations", annotations, "--per-class")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	want := ` Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.505
 Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 0.505
 Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 0.505
 Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000
 Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.505
 Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = -1.000
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 0.500
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 10 ] = 0.500
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.500
 Average Recall     (AR) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.500
 Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = -1.000
`
	if !strings.HasPrefix(out, want) {
		t.Errorf("printed\n%swant\n%s", out, want)
	}
	if !strings.Contains(out, "cat    0.505  0.505  2        1") {
		t.Errorf("classes:\n%s", out)
	}
}

// Files that are cut, of another kind, or about other images are told with
// their place.
func TestEvalBadResults(t *testing.T) {
	annotations, results := cocoFiles(t, "")
	bad := filepath.Join(t.TempDir(), "bad.json")
	for _, c := range []struct{ text, says string }{
		{"[\n{\"image_id\":1,", "bad.json: not a COCO file: line 2"},
		{"[{\"image_id\":7,\"category_id\":1,\"bbox\":[1,1,2,2],\"score\":1}]", "unknown image"},
		{"[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,1],\"score\":1}]", "result 1"},
		{"", "bad.json"},
	} {
		if err := os.WriteFile(bad, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		code, _, errs := invoke(t, "eval", "--results", bad, "--annotations", annotations)
		if code != exitFailure || !strings.Contains(errs, c.says) {
			t.Errorf("%q: exit code %d: %s", c.text, code, errs)
		}
	}
	for _, args := range [][]string{{"--results", results}, {"--annotations", annotations}, {"--results", results, "--annotations", annotations, "--model", "fashion"}} {
		if code, _, errs := invoke(t, append([]string{"eval"}, args...)...); code != exitUsage {
			t.Errorf("%v: exit code %d: %s", args, code, errs)
		}
	}
}
