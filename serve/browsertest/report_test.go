package browsertest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// see opens a file that is to need nothing else, in windows of both widths.
func see(t *testing.T, name, path string) {
	t.Helper()
	b := browse(t, "")
	b.do(chromedp.Navigate("file://" + path))
	b.wait(`document.readyState === 'complete' && document.body.innerText.length > 200`)
	if !js[bool](b, `[...document.images].every(i => i.naturalWidth > 0)`) {
		t.Error("a picture is missing")
	}
	for _, width := range []int64{1400, 400} {
		b.shot(name, width)
		b.narrow(width)
	}
	if file := os.Getenv("MIXNET_AXE"); file != "" {
		js[chromedp.Void](b, string(read(t, file))+";0")
		b.audit(name)
	}
}

// TestSearchReport looks at the report of a search.
func TestSearchReport(t *testing.T) {
	dir := t.TempDir()
	space := write(t, "space.toml", []byte("name = \"few\"\ninput = {size = 14}\n[stem]\nout = 8\nstride = 1\n[[stage]]\nstride = 2\nout = [8, 16]\ndepth = [1, 2]\nkernels = [3, [3, 5]]\nexpand = [1, 3]\n[head]\nout = 32\n"))
	run(t, dir, "search", "new", "it", "--space", space, "--images", "200", "--trials", "4", "--epochs", "1", "--strategy", "evolution", "--top", "2", "--seeds", "2", "--judge-epochs", "1")
	run(t, dir, "search", "run", "it")
	run(t, dir, "search", "report", "it", "-o", "it.html")
	see(t, "search", filepath.Join(dir, "it.html"))
}

// TestRunReport looks at the report of a training.
func TestRunReport(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "train", "--max-steps", "8", "--output", "run")
	run(t, dir, "report", "run")
	see(t, "run", filepath.Join(dir, "run", "report.html"))
}
