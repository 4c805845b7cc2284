package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/pretrained/person"
	"github.com/mixnet-go/mixnet/serve"
)

// tab is a browser with one page, which fails its test if the page asks another
// server for anything or has an error.
type tab struct {
	*testing.T
	ctx    context.Context
	origin string // of the server; "" for files

	mu       sync.Mutex
	requests []string // method and address
	errors   []string
	expected []string // parts of errors that the test provokes
}

// browse opens a browser.
func browse(t *testing.T, origin string, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium")
	}
	flags = append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1400, 1000),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true),
	}, flags...)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], flags...)...)
	ctx, end := chromedp.NewContext(allocator)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	b := &tab{T: t, ctx: ctx, origin: origin}
	t.Cleanup(func() { cancel(); end(); stop(); b.check() })
	b.do(chromedp.Navigate("about:blank"))
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	return b
}

// hear notes what the page asks for, and its errors.
func (b *tab) hear(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		address := e.Request.URL
		b.mu.Lock()
		b.requests = append(b.requests, e.Request.Method+" "+strings.TrimPrefix(address, b.origin))
		b.mu.Unlock()
		for _, own := range []string{"blob:", "data:", "about:", "file:"} {
			if strings.HasPrefix(address, own) {
				return
			}
		}
		if b.origin == "" || !strings.HasPrefix(address, b.origin+"/") {
			b.Errorf("the page asks for %s", address)
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		b.wrong(text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.wrong(fmt.Sprint(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.wrong(e.Entry.Text + " " + e.Entry.URL)
		}
	}
}

func (b *tab) wrong(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errors = append(b.errors, text)
}

// check reports the errors that are not expected.
func (b *tab) check() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.errors {
		if !slices.ContainsFunc(b.expected, func(part string) bool { return strings.Contains(text, part) }) {
			b.Errorf("in the browser: %s", text)
		}
	}
}

// asked reports whether the page has sent a request that begins so.
func (b *tab) asked(prefix string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if strings.HasPrefix(r, prefix) {
			return true
		}
	}
	return false
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// call calls a command of the browser's protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.Helper()
	result, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// js evaluates an expression, a promise's value if it is one.
func js[T any](b *tab, expression string) (v T) {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true.
func (b *tab) wait(expression string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(time.Minute))); err != nil {
		b.Fatalf("%s: %v; the page says %q", expression, err, js[string](b, `document.body.innerText`))
	}
}

// shot keeps a picture of the page in MIXNET_SCREENSHOTS.
func (b *tab) shot(name string, width int64) {
	b.Helper()
	dir := os.Getenv("MIXNET_SCREENSHOTS")
	if dir == "" {
		return
	}
	b.do(chromedp.EmulateViewport(width, 900))
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)), png, 0o644); err != nil {
		b.Fatal(err)
	}
}

// narrow finds that a page of this width has nothing beside it.
func (b *tab) narrow(width int64) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
	if w := js[int64](b, `document.documentElement.scrollWidth`); w > width {
		b.Errorf("%d pixels wide in a window of %d", w, width)
	}
}

func classifier(ctx context.Context) (*mixnet.Classifier, error) {
	return mixnet.Open(ctx, "fashion", mixnet.OpenOptions{Options: mixnet.Options{Maps: true}})
}

func detector() (*mixnet.Detector, error) {
	m, err := person.Model()
	if err != nil {
		return nil, err
	}
	return mixnet.NewDetector(m, mixnet.Options{})
}

// saved returns the weight file of a built-in model.
func saved(name string) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		if name == person.Name {
			return os.ReadFile("../../pretrained/person/person.safetensors")
		}
		return os.ReadFile("../../pretrained/fashion.safetensors")
	}
}

// server starts one with a classifier and a detector, and opens its page.
func server(t *testing.T, o serve.Options, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	o.Repository = serve.List{
		{Name: "fashion", Open: func(ctx context.Context) (mixnet.Network, error) { return classifier(ctx) }, Weights: saved("fashion")},
		{Name: "person", Open: func(context.Context) (mixnet.Network, error) { return detector() }, Weights: saved("person")},
	}
	h, err := serve.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.Close()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	b := browse(t, s.URL, flags...)
	b.do(chromedp.Navigate(s.URL + "/"))
	b.wait(`document.getElementById('model').options.length === 2 || !document.getElementById('access').hidden`)
	return b
}

// choose gives the page files, and waits until it is done with them.
func (b *tab) choose(paths ...string) {
	b.Helper()
	for i, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			b.Fatal(err)
		}
		paths[i] = abs
	}
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#files"), paths))
	b.done()
}

// done waits until the page has an answer.
func (b *tab) done() {
	b.Helper()
	b.wait(`(t => t !== '' && !t.endsWith('…'))(document.getElementById('status').textContent)`)
}

// pick chooses a model.
func (b *tab) pick(name string) {
	b.Helper()
	js[chromedp.Void](b, fmt.Sprintf(`(m => { m.value = %q; m.dispatchEvent(new Event('change')); })(document.getElementById('model'))`, name))
}

// text returns what an element says.
func (b *tab) text(selector string) string {
	b.Helper()
	return js[string](b, fmt.Sprintf(`document.querySelector(%q).innerText`, selector))
}

// run runs the command and returns what it prints.
func run(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary(t), args...)
	c.Dir = dir
	out, err := c.Output()
	if err != nil {
		var stderr []byte
		if e, ok := err.(*exec.ExitError); ok {
			stderr = e.Stderr
		}
		t.Fatalf("%q: %v: %s", args, err, stderr)
	}
	return out
}

var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "browsertest")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "mixnet")
	c := exec.Command("go", "build", "-o", path, "./cmd/mixnet")
	c.Dir = "../.."
	out, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

func binary(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func decode[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}
