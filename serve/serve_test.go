package serve_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/serve"
)

func classifier(ctx context.Context) (*mixnet.Classifier, error) {
	return mixnet.Open(ctx, "fashion", mixnet.OpenOptions{Options: mixnet.Options{Threads: 1, Maps: true}})
}

func openFashion(ctx context.Context) (mixnet.Network, error) { return classifier(ctx) }

// start serves the small model for clothes.
func start(t *testing.T, o serve.Options) (*serve.Handler, string) {
	t.Helper()
	if o.Repository == nil {
		o.Repository = serve.List{{Name: "fashion", Open: openFashion}}
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
	return h, s.URL
}

// picture returns a PNG file of a bright shape on black.
func picture(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := h / 4; y < 3*h/4; y++ {
		for x := w / 3; x < 2*w/3; x++ {
			img.SetGray(x, y, color.Gray{uint8(100 + x%50 + 2*y%60)})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ask sends a request and returns the status, the headers and the body.
func ask(t testing.TB, method, url string, body io.Reader, header ...string) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, http.Header{}, nil
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Error(err)
	}
	return a.StatusCode, a.Header, text
}

func decode[T any](t testing.TB, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// TestClassify compares the answer with the library's own.
func TestClassify(t *testing.T) {
	_, url := start(t, serve.Options{})
	file := picture(t, 60, 60)
	c, err := classifier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want, err := c.ClassifyBytes(t.Context(), file, 3)
	if err != nil {
		t.Fatal(err)
	}
	status, header, text := ask(t, "POST", url+"/v1/classify?top=3&input=1&model=fashion", bytes.NewReader(file), "X-Request-Id", "my-id", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	a := decode[serve.Classification](t, text)
	if len(a.Predictions) != 3 || a.Model != "fashion" || a.Version != "1" || a.ID != "my-id" || a.Picture != (serve.PictureInfo{Format: "png", Width: 60, Height: 60}) {
		t.Errorf("%+v", a)
	}
	for i, p := range a.Predictions {
		if p != want[i] {
			t.Errorf("prediction %d: %+v, want %+v", i, p, want[i])
		}
	}
	var seen []byte
	if err := json.Unmarshal([]byte(`"`+a.Input+`"`), &seen); err != nil {
		t.Fatal(err)
	}
	if img, err := png.DecodeConfig(bytes.NewReader(seen)); err != nil || img.Width != 28 || img.Height != 28 {
		t.Errorf("the network's input: %v, %v", img, err)
	}
	if header.Get("X-Request-Id") != "my-id" || !strings.HasPrefix(header.Get("Traceparent"), "00-0af7") || !strings.Contains(header.Get("Server-Timing"), "network;dur=") {
		t.Errorf("headers %v", header)
	}
}

// TestRefusals sends what must be refused, and finds the server well after it.
func TestRefusals(t *testing.T) {
	_, url := start(t, serve.Options{MaxBodyBytes: 1 << 20, MaxPixels: 1_000_000})
	good := picture(t, 60, 60)
	bomb := bytes.Clone(good) // a small file that says it is 64250×64250
	copy(bomb[16:], []byte{0, 0, 0xfa, 0xfa, 0, 0, 0xfa, 0xfa})
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	for name, c := range map[string]struct {
		method, path string
		body         []byte
		header       []string
		status       int
		says         string
	}{
		"nothing":          {"POST", "/v1/classify", nil, nil, 400, "empty"},
		"no picture":       {"POST", "/v1/classify", []byte("hello, this is text"), nil, 400, "format"},
		"half a picture":   {"POST", "/v1/classify", good[:len(good)/2], nil, 400, ""},
		"many pixels":      {"POST", "/v1/classify", picture(t, 1200, 1000), nil, 413, "pixel"},
		"a bomb":           {"POST", "/v1/classify", bomb, nil, 413, ""},
		"many bytes":       {"POST", "/v1/classify", make([]byte, 1<<20+1), nil, 413, "1048576"},
		"a form":           {"POST", "/v1/classify", []byte("--x"), []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "--data-binary"},
		"an encoding":      {"POST", "/v1/classify", good, []string{"Content-Encoding", "br"}, 415, "gzip"},
		"a false encoding": {"POST", "/v1/classify", good, []string{"Content-Encoding", "gzip"}, 400, ""},
		"top":              {"POST", "/v1/classify?top=0", good, nil, 400, "top"},
		"a wrong question": {"POST", "/v1/classify?k=3", good, nil, 400, "none of explain"},
		"a model":          {"POST", "/v1/classify?model=nobody", good, nil, 404, "nobody"},
		"a path":           {"GET", "/v2/models/..%2f..%2fetc%2fpasswd", nil, nil, 404, "unknown model"},
		"a file":           {"GET", "/page/..%2fserve.go", nil, nil, 404, ""},
		"a version":        {"GET", "/v2/models/fashion/versions/7", nil, nil, 404, "7"},
		"a method":         {"GET", "/v1/classify", nil, nil, 405, `{"error":"GET is not what /v1/classify takes: send POST"}`},
		"no address":       {"POST", "/v3/models", nil, nil, 404, `{"error":"there is no address /v3/models`},
		"another host":     {"GET", "/v2", nil, []string{"Host", "evil.example"}, 421, "evil.example"},
		"another site":     {"POST", "/v1/classify", good, []string{"Origin", "https://evil.example"}, 403, ""},
		"loading":          {"POST", "/v2/repository/models/fashion/load", nil, nil, 403, "leave"},
	} {
		status, _, text := ask(t, c.method, url+c.path, bytes.NewReader(c.body), c.header...)
		if status != c.status || !strings.Contains(string(text), c.says) {
			t.Errorf("%s: status %d, want %d that says %q: %s", name, status, c.status, c.says, text)
		}
	}
	if status, _, text := ask(t, "POST", url+"/v1/classify", bytes.NewReader(good)); status != http.StatusOK {
		t.Errorf("status %d after all: %s", status, text)
	}
}

// TestToken asks with and without the token.
func TestToken(t *testing.T) {
	var log bytes.Buffer
	_, url := start(t, serve.Options{Token: "secret-token", Log: slog.New(slog.NewJSONHandler(&log, nil))})
	for path, status := range map[string]int{"/healthz": 200, "/": 200, "/v2": 401, "/metrics": 401, "/v2/models/fashion": 401} {
		if got, _, text := ask(t, "GET", url+path, nil); got != status {
			t.Errorf("%s: status %d, want %d: %s", path, got, status, text)
		}
		if got, _, _ := ask(t, "GET", url+path, nil, "Authorization", "Bearer secret-token"); got != 200 {
			t.Errorf("%s with the token: status %d", path, got)
		}
	}
	if got, header, _ := ask(t, "GET", url+"/v2", nil, "Authorization", "Bearer secret-toker"); got != 401 || header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("a wrong token: status %d, %v", got, header)
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the log has the token: %s", log.String())
	}
}

// TestPageSize keeps the page small.
func TestPageSize(t *testing.T) {
	files, err := filepath.Glob("page/*")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		total += len(content)
	}
	if total == 0 || total > 80_000 {
		t.Errorf("%d bytes in %d files", total, len(files))
	}
}

// TestLend gives browsers what they run, if they may have it.
func TestLend(t *testing.T) {
	files := fstest.MapFS{"mixnet.wasm.gz": {Data: []byte("\x1f\x8b")}, "wasm_exec.js": {Data: []byte("support")}, "secret": {Data: []byte("secret")}}
	dir := folder(t, "m/3")
	f, err := serve.OpenFolder(dir, mixnet.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	_, url := start(t, serve.Options{Repository: f, Browser: files})
	_, closed := start(t, serve.Options{Repository: f})
	want, err := os.ReadFile(filepath.Join(dir, "m", "3", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, text := ask(t, "GET", url+"/v1/models/m/weights", nil); !bytes.Equal(text, want) {
		t.Errorf("%d bytes of weights, want %d", len(text), len(want))
	}
	status, header, _ := ask(t, "GET", url+"/page/browser/mixnet.wasm", nil, "Accept-Encoding", "gzip")
	if status != 200 || header.Get("Content-Type") != "application/wasm" || header.Get("Content-Encoding") != "gzip" {
		t.Errorf("status %d, %v", status, header)
	}
	for path, want := range map[string]int{"/page/browser/wasm_exec.js": 200, "/page/browser/secret": 404, "/page/browser/..%2fserve.go": 404, "/v1/models/nobody/weights": 404} {
		if status, _, text := ask(t, "GET", url+path, nil); status != want {
			t.Errorf("%s: status %d, want %d: %s", path, status, want, text)
		}
	}
	for path, want := range map[string]int{"/page/browser/wasm_exec.js": 404, "/v1/models/m/weights": 403} {
		if status, _, text := ask(t, "GET", closed+path, nil); status != want {
			t.Errorf("%s where nothing is lent: status %d, want %d: %s", path, status, want, text)
		}
	}
	for address, wasm := range map[string]bool{url: true, closed: false} {
		if _, header, _ := ask(t, "GET", address+"/", nil); strings.Contains(header.Get("Content-Security-Policy"), "wasm-unsafe-eval") != wasm {
			t.Errorf("%v", header)
		}
	}
}
