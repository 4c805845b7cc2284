package serve_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/pretrained"
	"github.com/mixnet-go/mixnet/serve"
)

// many calls f by so many goroutines until stop is called.
func many(n int, f func()) (stop func()) {
	var all sync.WaitGroup
	var stopped atomic.Bool
	for range n {
		all.Go(func() {
			for !stopped.Load() {
				f()
			}
		})
	}
	return func() {
		stopped.Store(true)
		all.Wait()
	}
}

// TestOverload sends more than can be answered in time: some are refused, with
// the time to come again, and those that are let in are right.
func TestOverload(t *testing.T) {
	_, url := start(t, serve.Options{MaxWait: time.Microsecond, Concurrent: 1})
	file := picture(t, 400, 400)
	var good, refused atomic.Int64
	enough := make(chan struct{})
	var once sync.Once
	stop := many(8, func() {
		status, header, text := ask(t, "POST", url+"/v1/classify", bytes.NewReader(file))
		switch status {
		case http.StatusOK:
			good.Add(1)
		case http.StatusServiceUnavailable:
			if s, err := strconv.Atoi(header.Get("Retry-After")); err != nil || s < 1 {
				t.Errorf("Retry-After: %q", header.Get("Retry-After"))
			}
			refused.Add(1)
		default:
			t.Errorf("status %d: %s", status, text)
		}
		if good.Load() > 20 && refused.Load() > 20 || t.Failed() {
			once.Do(func() { close(enough) })
		}
	})
	select {
	case <-enough:
	case <-time.After(time.Minute):
		t.Errorf("%d answered, %d refused", good.Load(), refused.Load())
	}
	stop()
	_, _, text := ask(t, "GET", url+"/metrics", nil)
	if !strings.Contains(string(text), `nv_inference_request_failure{model="fashion",version="1",reason="REJECTED"} `+strconv.FormatInt(refused.Load(), 10)+"\n") ||
		!strings.Contains(string(text), `nv_inference_request_success{model="fashion",version="1"} `+strconv.FormatInt(good.Load(), 10)+"\n") {
		t.Errorf("%d answered, %d refused: %s", good.Load(), refused.Load(), text)
	}
}

// TestMemory refuses bodies that would take more than all together may, and has
// the memory back afterwards.
func TestMemory(t *testing.T) {
	_, url := start(t, serve.Options{MaxMemory: 2 << 20, MaxBodyBytes: 8 << 20})
	for range 3 {
		if status, header, text := ask(t, "POST", url+"/v1/classify", bytes.NewReader(make([]byte, 4<<20))); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.Errorf("status %d: %s", status, text)
		}
		if status, _, text := ask(t, "POST", url+"/v1/classify", bytes.NewReader(picture(t, 60, 60))); status != http.StatusOK {
			t.Errorf("status %d: %s", status, text)
		}
	}
}

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestHugeBody sends a gigabyte, announced and not.
func TestHugeBody(t *testing.T) {
	_, url := start(t, serve.Options{MaxBodyBytes: 1 << 20})
	before := allocated()
	for _, announced := range []int64{1 << 30, -1} {
		r, err := http.NewRequest("POST", url+"/v1/classify", io.LimitReader(zeros{}, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = announced
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			continue // the server closed the connection while the body was sent
		}
		if a.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", a.StatusCode)
		}
		a.Body.Close()
	}
	if grown := allocated() - before; grown > 64<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
	if status, _, text := ask(t, "GET", url+"/v2", nil); status != http.StatusOK {
		t.Errorf("status %d: %s", status, text)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestSlowClient sends a request that never ends, and is told so.
func TestSlowClient(t *testing.T) {
	_, url := start(t, serve.Options{BodyTimeout: 50 * time.Millisecond})
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc"); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(time.Minute))
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("%v: %s", err, answer)
	}
}

// TestDeadline asks for an answer sooner than there can be one.
func TestDeadline(t *testing.T) {
	_, url := start(t, serve.Options{})
	file := picture(t, 60, 60)
	if status, _, text := ask(t, "POST", url+"/v1/classify?timeout=1ns", bytes.NewReader(file)); status != http.StatusGatewayTimeout {
		t.Errorf("status %d: %s", status, text)
	}
	_, _, text := ask(t, "GET", url+"/v2/models/fashion/stats", nil)
	if s := string(text); !strings.Contains(s, `"inference_count":0`) || !strings.Contains(s, `"execution_count":0`) {
		t.Errorf("%s", text)
	}
}

// folder makes a repository with the small model in it.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	m, err := pretrained.Fashion()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, filepath.FromSlash(n))
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := m.Save(filepath.Join(path, "model.safetensors")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestFolder serves the highest version of each model of a folder, and nothing
// outside it.
func TestFolder(t *testing.T) {
	dir := folder(t, "a/1", "a/10", "a/9", "b.x/1", "other/new")
	outside := folder(t, "1")
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	f, err := serve.OpenFolder(dir, mixnet.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names, err := f.Names()
	if err != nil || strings.Join(names, " ") != "a b.x" {
		t.Errorf("names %q, %v", names, err)
	}
	c, version, err := f.Open(t.Context(), "a")
	if err != nil || version != "10" {
		t.Fatalf("version %s, %v", version, err)
	}
	c.Close()
	for _, name := range []string{"link", "../x", "..", "other", "nobody", "a/10", ""} {
		if _, _, err := f.Open(t.Context(), name); err == nil {
			t.Errorf("%q is opened", name)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "10", "second.pth"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Open(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "model.safetensors, second.pth") {
		t.Errorf("two files: %v", err)
	}
}

// TestReload replaces a model while it is used: by a new version, which no
// request notices, and by one that is broken, which is not taken.
func TestReload(t *testing.T) {
	dir := folder(t, "m/1")
	f, err := serve.OpenFolder(dir, mixnet.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	h, url := start(t, serve.Options{Repository: f, AllowLoad: true})
	file := picture(t, 60, 60)
	stop := many(4, func() {
		if status, _, text := ask(t, "POST", url+"/v1/classify", bytes.NewReader(file)); status != http.StatusOK {
			t.Errorf("status %d: %s", status, text)
		}
	})
	defer stop()
	if err := os.Rename(folder(t, "2"), filepath.Join(dir, "m", "x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "m", "x", "2"), filepath.Join(dir, "m", "2")); err != nil {
		t.Fatal(err)
	}
	h.Update(t.Context(), f)
	for range 5 {
		if status, _, text := ask(t, "POST", url+"/v2/repository/models/m/load", nil); status != http.StatusOK {
			t.Errorf("status %d: %s", status, text)
		}
	}
	version := func() string {
		_, _, text := ask(t, "GET", url+"/v2/models/m", nil)
		return strings.Join(decode[struct{ Versions []string }](t, text).Versions, " ")
	}
	if v := version(); v != "2" {
		t.Errorf("version %q", v)
	}
	broken := filepath.Join(dir, "m", "3")
	if err := os.Mkdir(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "model.safetensors"), []byte("no weights"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := h.Load(t.Context(), "m"); err == nil {
		t.Error("a broken model is loaded")
	}
	if v := version(); v != "2" {
		t.Errorf("version %q", v)
	}
}

// TestDrain ends servers while they are busy: every request that reached them
// is answered.
func TestDrain(t *testing.T) {
	file := picture(t, 60, 60)
	for range 5 {
		h, err := serve.New(t.Context(), serve.Options{Repository: serve.List{{Name: "fashion", Open: openFashion}}})
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		url := "http://" + l.Addr().String()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Serve(ctx, l, serve.ServerOptions{Drain: 20 * time.Millisecond}) }()
		var answered atomic.Int64
		first := make(chan struct{})
		stop := many(4, func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			a, err := client.Post(url+"/v1/classify", "", bytes.NewReader(file))
			if err != nil {
				var refused *net.OpError
				if !errors.As(err, &refused) || refused.Op != "dial" {
					// A connection that was not accepted is closed with the listener.
					if n := answered.Load(); ctx.Err() == nil {
						t.Errorf("after %d: %v", n, err)
					}
				}
				return
			}
			a.Body.Close()
			if a.StatusCode != http.StatusOK {
				t.Errorf("status %d", a.StatusCode)
			}
			if answered.Add(1) == 1 {
				close(first)
			}
		})
		<-first
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		stop()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestReadiness flips before requests are refused.
func TestReadiness(t *testing.T) {
	h, url := start(t, serve.Options{})
	h.Drain()
	for path, want := range map[string]int{"/readyz": 503, "/v2/health/ready": 503, "/healthz": 200, "/v2/models/fashion": 200} {
		if status, _, _ := ask(t, "GET", url+path, nil); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
	if status, _, _ := ask(t, "POST", url+"/v1/classify", bytes.NewReader(picture(t, 60, 60))); status != 200 {
		t.Errorf("a request while draining: status %d", status)
	}
	if a, err := http.Get(url + "/healthz"); err != nil || !a.Close {
		t.Errorf("the connection is kept: %v", err)
	} else {
		a.Body.Close()
	}
}

// TestLargePicture answers a picture whose decoder could need more than there
// is, but does not: the request must not wait for memory that it holds itself.
func TestLargePicture(t *testing.T) {
	_, url := start(t, serve.Options{MaxMemory: 16 << 20})
	if status, _, text := ask(t, "POST", url+"/v1/classify", bytes.NewReader(picture(t, 1500, 1000))); status != http.StatusOK {
		t.Errorf("status %d: %s", status, text)
	}
}
