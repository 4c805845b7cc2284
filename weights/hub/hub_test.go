package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/internal/filelock"
	"github.com/mixnet-go/mixnet/weights"
)

const name = "mixnet_s.ft_in1k"

// content is a weight file of about a megabyte.
func content(t *testing.T) []byte {
	t.Helper()
	values := make([]float32, 250_000)
	for i := range values {
		values[i] = float32(i * i % 1009)
	}
	var b bytes.Buffer
	if err := weights.Write(&b, []weights.Tensor{weights.NewTensor("a", []int{len(values)}, values)}, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fakeHub behaves as the hub does for large files: it states their size and
// SHA-256 and redirects to a second host, which serves them.
type fakeHub struct {
	data    []byte
	sum     string           // stated
	size    int64            // stated
	storage http.HandlerFunc // serves the file; nil is a server that works

	mu     sync.Mutex
	heads  int
	ranges []string // of the requests that the storage got

	hubURL, storageURL string
}

func newHub(t *testing.T, data []byte) *fakeHub {
	t.Helper()
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_HUB_CACHE", "")
	sum := sha256.Sum256(data)
	h := &fakeHub{data: data, sum: hex.EncodeToString(sum[:]), size: int64(len(data))}
	storage := httptest.NewServer(http.HandlerFunc(h.serveStorage))
	t.Cleanup(storage.Close)
	hub := httptest.NewServer(http.HandlerFunc(h.serveHub))
	t.Cleanup(hub.Close)
	h.hubURL, h.storageURL = hub.URL, storage.URL
	return h
}

func (h *fakeHub) serveHub(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/timm/"+name+"/resolve/main/model.safetensors" {
		http.Error(w, "no such repository", http.StatusNotFound)
		return
	}
	if r.Method == http.MethodHead {
		h.mu.Lock()
		h.heads++
		h.mu.Unlock()
	}
	w.Header().Set("X-Repo-Commit", strings.Repeat("a", 40))
	w.Header().Set("X-Linked-Size", strconv.FormatInt(h.size, 10))
	w.Header().Set("X-Linked-Etag", `"`+h.sum+`"`)
	w.Header().Set("ETag", `"of the pointer file"`)
	http.Redirect(w, r, h.storageURL+"/"+h.sum, http.StatusFound)
}

func (h *fakeHub) serveStorage(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.ranges = append(h.ranges, r.Header.Get("Range"))
	serve := h.storage
	h.mu.Unlock()
	w.Header().Set("ETag", `"of the storage"`)
	if serve != nil {
		serve(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.data))
}

// times returns a handler that is first for n requests and then the default.
func (h *fakeHub) times(n int, first http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		n--
		broken := n >= 0
		h.mu.Unlock()
		if broken {
			first(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.data))
	}
}

// cut sends at most n bytes of what was asked for and breaks the connection.
func (h *fakeHub) cut(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start := 0
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &start); err == nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, len(h.data)-1, len(h.data)))
			w.Header().Set("Content-Length", strconv.Itoa(len(h.data)-start))
			w.WriteHeader(http.StatusPartialContent)
		} else {
			w.Header().Set("Content-Length", strconv.Itoa(len(h.data)))
		}
		_, _ = w.Write(h.data[start:min(start+n, len(h.data))])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (h *fakeHub) client(t *testing.T) *Client {
	t.Helper()
	return &Client{Endpoint: h.hubURL, Cache: t.TempDir(), Patience: 10 * time.Second, retryDelay: time.Millisecond}
}

// expect gets the weights and compares them with the hub's.
func (h *fakeHub) expect(t *testing.T, c *Client) {
	t.Helper()
	path, err := c.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, h.data) {
		t.Fatalf("the file has %d bytes, %v; want the hub's %d", len(got), err, len(h.data))
	}
	if left, _ := filepath.Glob(path + ".part*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDownload(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	var progress []int64
	c.Progress = func(done, total int64) {
		if total != int64(len(h.data)) {
			t.Errorf("progress says %d bytes in all, there are %d", total, len(h.data))
		}
		progress = append(progress, done)
	}
	h.expect(t, c)
	if !slices.IsSorted(progress) || len(progress) == 0 || progress[len(progress)-1] != int64(len(h.data)) {
		t.Errorf("progress %v", progress)
	}
	h.expect(t, c)
	if h.heads != 1 || len(h.ranges) != 1 {
		t.Errorf("%d requests to the hub and %d to the storage for a file and the same again", h.heads, len(h.ranges))
	}
	path, _ := c.Path(name)
	if r, err := readRecord(path); err != nil || r.SHA256 != h.sum || r.Size != int64(len(h.data)) || r.Commit == "" {
		t.Errorf("record %+v, %v", r, err)
	}
}

func TestResumesBrokenConnection(t *testing.T) {
	h := newHub(t, content(t))
	h.storage = h.times(3, h.cut(300_000))
	h.expect(t, h.client(t))
	if want := []string{"", "bytes=300000-", "bytes=600000-", "bytes=900000-"}; !slices.Equal(h.ranges, want) {
		t.Errorf("asked for %q, want %q", h.ranges, want)
	}
}

// TestResumesAfterCancel stops a download, as Ctrl-C does, and goes on with a
// new client.
func TestResumesAfterCancel(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	h.storage = h.times(1, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(h.data)))
		_, _ = w.Write(h.data[:400_000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	c.Progress = func(done, _ int64) {
		if done == 400_000 {
			cancel()
		}
	}
	// Progress comes at most ten times a second: reach the mark otherwise too.
	go func() {
		path, _ := c.Path(name)
		for ctx.Err() == nil {
			if info, err := os.Stat(path + ".part"); err == nil && info.Size() == 400_000 {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := c.Get(ctx, name); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	next := h.client(t)
	next.Cache = c.Cache
	h.expect(t, next)
	if want := []string{"", "bytes=400000-"}; !slices.Equal(h.ranges, want) {
		t.Errorf("asked for %q, want %q", h.ranges, want)
	}
}

// TestDoesNotResumeAnotherFile has the beginning of an older version on disk.
func TestDoesNotResumeAnotherFile(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	path, _ := c.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".part", []byte("older"), 0o666); err != nil {
		t.Fatal(err)
	}
	address, _ := c.URL(name)
	if err := writeRecord(path+".part", record{URL: address, Size: int64(len(h.data)), Tag: "older"}); err != nil {
		t.Fatal(err)
	}
	h.expect(t, c)
	if want := []string{""}; !slices.Equal(h.ranges, want) {
		t.Errorf("asked for %q, want %q", h.ranges, want)
	}
}

func TestServersThatCannotResume(t *testing.T) {
	for what, answer := range map[string]func(h *fakeHub) http.HandlerFunc{
		"whole file": func(h *fakeHub) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(h.data) }
		},
		"range refused": func(h *fakeHub) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
					return
				}
				_, _ = w.Write(h.data)
			}
		},
		"another range": func(h *fakeHub) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(h.data)-1, len(h.data)))
					w.WriteHeader(http.StatusPartialContent)
				}
				_, _ = w.Write(h.data)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHub(t, content(t))
			first := h.times(1, h.cut(300_000))
			later := answer(h)
			h.storage = func(w http.ResponseWriter, r *http.Request) {
				if len(h.ranges) == 1 {
					first(w, r)
					return
				}
				later(w, r)
			}
			h.expect(t, h.client(t))
		})
	}
}

func TestDamagedDownloads(t *testing.T) {
	data := content(t)
	page := []byte("<html>please log in</html>")
	for what, c := range map[string]struct {
		data  []byte
		spoil func(h *fakeHub)
		want  error
		says  string
	}{
		"other bytes": {data, func(h *fakeHub) {
			h.storage = func(w http.ResponseWriter, r *http.Request) {
				bad := bytes.Clone(data)
				bad[len(bad)/2] ^= 1
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bad))
			}
		}, ErrDamaged, "SHA-256"},
		"more bytes": {data, func(h *fakeHub) {
			h.storage = func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(append(bytes.Clone(data), 0)))
			}
		}, ErrDamaged, "more than"},
		"fewer bytes": {data, func(h *fakeHub) {
			h.storage = func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data[:len(data)-1]))
			}
		}, nil, "after 1000"},
		"cut each time":   {data, func(h *fakeHub) { h.storage = h.cut(0) }, nil, "after 5 tries"},
		"not weights":     {page, func(*fakeHub) {}, ErrDamaged, "HTML"},
		"stated too huge": {data, func(h *fakeHub) { h.size = 1 << 50 }, nil, "more than is allowed"},
		"stated negative": {data, func(h *fakeHub) { h.size = -1 }, nil, "states the size"},
		"always busy": {data, func(h *fakeHub) {
			h.storage = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
		}, nil, "503"},
		"gone": {data, func(h *fakeHub) {
			h.storage = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }
		}, nil, "410"},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHub(t, c.data)
			c.spoil(h)
			client := h.client(t)
			_, err := client.Get(t.Context(), name)
			if err == nil || !strings.Contains(err.Error(), c.says) || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("error %v does not say %q", err, c.says)
			}
			path, _ := client.Path(name)
			if !strings.Contains(err.Error(), path) {
				t.Errorf("error %v does not say where to put the file", err)
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Error("a damaged file is in the cache")
			}
			if c.want == ErrDamaged {
				if left, _ := filepath.Glob(path + ".part*"); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			}
			// Once the server works, so does the next try.
			h.storage, h.size, h.data = nil, int64(len(data)), data
			sum := sha256.Sum256(data)
			h.sum = hex.EncodeToString(sum[:])
			h.expect(t, client)
		})
	}
}

func TestBusyServer(t *testing.T) {
	h := newHub(t, content(t))
	h.storage = h.times(3, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	h.expect(t, h.client(t))
}

func TestStandstill(t *testing.T) {
	h := newHub(t, content(t))
	h.storage = h.times(2, func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		first := len(h.ranges) == 1
		h.mu.Unlock()
		if first {
			w.Header().Set("Content-Length", strconv.Itoa(len(h.data)))
			_, _ = w.Write(h.data[:1000])
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	c := h.client(t)
	c.Patience = 100 * time.Millisecond
	h.expect(t, c)
	if want := []string{"", "bytes=1000-", "bytes=1000-"}; !slices.Equal(h.ranges, want) {
		t.Errorf("asked for %q, want %q", h.ranges, want)
	}
}

// TestSlowServer takes longer than the client's patience in all, but never
// stands still for as long.
func TestSlowServer(t *testing.T) {
	h := newHub(t, content(t))
	h.storage = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(h.data)))
		for rest := h.data; len(rest) > 0; {
			n := min(len(rest), 50_000)
			_, _ = w.Write(rest[:n])
			w.(http.Flusher).Flush()
			rest = rest[n:]
			time.Sleep(40 * time.Millisecond)
		}
	}
	c := h.client(t)
	c.Patience = 600 * time.Millisecond
	h.expect(t, c)
	if len(h.ranges) != 1 {
		t.Errorf("%d requests", len(h.ranges))
	}
}

func TestNotFound(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	_, err := c.Get(t.Context(), "mixnet_s.no_such_tag")
	path, _ := c.Path("mixnet_s.no_such_tag")
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), h.hubURL) {
		t.Errorf("error %v", err)
	}
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer server.Close()
		c.Endpoint = server.URL
		if _, err := c.Get(t.Context(), name); !errors.Is(err, ErrNotFound) {
			t.Errorf("status %d: error %v", status, err)
		}
	}
	c.Endpoint = "http://127.0.0.1:1"
	if _, err := c.Get(t.Context(), name); err == nil || !strings.Contains(err.Error(), path[:20]) {
		t.Errorf("no server: error %v", err)
	}
	c.Endpoint = "ftp://example.org"
	if _, err := c.Get(t.Context(), name); err == nil || !strings.Contains(err.Error(), "http or https") {
		t.Errorf("other protocol: error %v", err)
	}
}

// TestRenamedRepository follows the hub's redirection within itself before the
// one to the storage.
func TestRenamedRepository(t *testing.T) {
	h := newHub(t, content(t))
	renamed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/old/") {
			http.Redirect(w, r, "/timm/"+name+"/resolve/main/model.safetensors", http.StatusTemporaryRedirect)
			return
		}
		h.serveHub(w, r)
	}))
	defer renamed.Close()
	c := h.client(t)
	c.Endpoint = renamed.URL
	path, err := c.Get(t.Context(), "old/"+name)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, h.data) {
		t.Error("wrong content")
	}
}

func TestRedirections(t *testing.T) {
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}))
	defer loop.Close()
	c := newHub(t, content(t)).client(t)
	c.Endpoint = loop.URL
	if _, err := c.Get(t.Context(), name); err == nil || !strings.Contains(err.Error(), "without end") {
		t.Errorf("error %v", err)
	}
	secure := &url.URL{Scheme: "https", Host: "hub"}
	resp := &http.Response{Header: http.Header{"Location": {"http://other/file"}}, Request: &http.Request{URL: secure}}
	if _, err := redirection(secure, resp); err == nil {
		t.Error("went from https to http")
	}
}

// TestPlainServer has neither redirections nor checksums, as a mirror may.
func TestPlainServer(t *testing.T) {
	h := newHub(t, content(t))
	for what, handler := range map[string]http.HandlerFunc{
		"with length": func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.data))
		},
		"without length": func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			if r.Method == http.MethodGet {
				_, _ = w.Write(h.data)
			}
		},
	} {
		server := httptest.NewServer(handler)
		defer server.Close()
		c := h.client(t)
		c.Endpoint = server.URL + "/"
		path, err := c.Get(t.Context(), name)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, h.data) {
			t.Errorf("%s: wrong content", what)
		}
	}
}

func TestOffline(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	c.Offline = true
	_, err := c.Get(t.Context(), name)
	path, _ := c.Path(name)
	if !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if h.heads > 0 {
		t.Error("asked the hub")
	}
	// A file put in place by hand serves.
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, h.data, 0o666); err != nil {
		t.Fatal(err)
	}
	h.expect(t, c)
	entries, err := c.Cached()
	if err != nil || len(entries) != 1 || entries[0] != (Entry{name, path, int64(len(h.data))}) {
		t.Errorf("cached %v, %v", entries, err)
	}
}

// TestCutFileInCache downloads again what is shorter than its record says.
func TestCutFileInCache(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	h.expect(t, c)
	path, _ := c.Path(name)
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	if entries, err := c.Cached(); err != nil || len(entries) != 0 {
		t.Errorf("cached %v, %v", entries, err)
	}
	h.expect(t, c)
}

// TestConcurrent has several clients ask for the same file.
func TestConcurrent(t *testing.T) {
	h := newHub(t, content(t))
	h.storage = func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.data))
	}
	cache := t.TempDir()
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			c := &Client{Endpoint: h.hubURL, Cache: cache}
			_, errs[i] = c.Get(t.Context(), name)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if len(h.ranges) != 1 {
		t.Errorf("%d downloads", len(h.ranges))
	}
}

func TestWaitingForLockEnds(t *testing.T) {
	h := newHub(t, content(t))
	c := h.client(t)
	path, _ := c.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	lock, err := filelock.Try(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Get(ctx, name); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	lock.Release()
	h.expect(t, c)
}

// TestPythonCache finds what timm has downloaded.
func TestPythonCache(t *testing.T) {
	h := newHub(t, content(t))
	commit := strings.Repeat("0123abcd", 5)
	root := filepath.Join(os.Getenv("HF_HOME"), "hub", "models--timm--"+name)
	file := filepath.Join(root, "snapshots", commit, "model.safetensors")
	for path, data := range map[string][]byte{file: h.data, filepath.Join(root, "refs", "main"): []byte(commit)} {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c := h.client(t)
	c.Offline = true
	if path, err := c.Get(t.Context(), name); err != nil || path != file {
		t.Errorf("got %s, %v", path, err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"mixnet_s.ft_in1k":             "timm/mixnet_s.ft_in1k",
		"timm/mixnet_s.ft_in1k":        "timm/mixnet_s.ft_in1k",
		"hf-hub:timm/mixnet_s.ft_in1k": "timm/mixnet_s.ft_in1k",
		"hf_hub:someone/net":           "someone/net",
		"":                             "",
		"a/b/c":                        "",
		"../etc":                       "",
		"timm/..":                      "",
		"a..b":                         "",
		".hidden":                      "",
		"a b":                          "",
		"a?b":                          "",
		"a\\b":                         "",
		"https://example.org/a":        "",
		strings.Repeat("a", 200):       "",
	} {
		got, err := Repository(name)
		if got != want || (err != nil) != (want == "") || err != nil && !errors.Is(err, ErrName) {
			t.Errorf("%q is %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestDirectories(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(EnvCache, dir)
	t.Setenv(EnvEndpoint, "http://mirror.example/")
	c := &Client{}
	if path, err := c.Path(name); err != nil || path != filepath.Join(dir, "hub", "timm", name, "model.safetensors") {
		t.Errorf("path %s, %v", path, err)
	}
	if u, err := c.URL(name); err != nil || u != "http://mirror.example/timm/"+name+"/resolve/main/model.safetensors" {
		t.Errorf("address %s, %v", u, err)
	}
	t.Setenv(EnvEndpoint, "")
	if u, err := c.URL(name); err != nil || u != DefaultEndpoint+"/timm/"+name+"/resolve/main/model.safetensors" {
		t.Errorf("address %s, %v", u, err)
	}
}
