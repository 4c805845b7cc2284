package serve_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/serve"
)

// bounded runs f, which is to allocate little.
func bounded(t *testing.T, f func()) {
	t.Helper()
	before := allocated()
	f()
	if grown := allocated() - before; grown > 64<<20 {
		t.Errorf("%d MB were allocated", grown>>20)
	}
}

// TestBombs sends small bodies of which a gigabyte would come.
func TestBombs(t *testing.T) {
	_, url := start(t, serve.Options{MaxBodyBytes: 1 << 20})
	pack := map[string]func(io.Writer) io.WriteCloser{
		"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	}
	for name, writer := range pack {
		var bomb bytes.Buffer
		z := writer(&bomb)
		if _, err := io.Copy(z, io.LimitReader(zeros{}, 128<<20)); err != nil {
			t.Fatal(err)
		}
		z.Close()
		for _, path := range []string{"/v1/classify", "/v1/detect", "/v2/models/fashion/infer", "/v2/repository/index"} {
			bounded(t, func() {
				status, _, text := ask(t, "POST", url+path, bytes.NewReader(bomb.Bytes()), "Content-Encoding", name)
				if status != http.StatusRequestEntityTooLarge && path != "/v1/detect" || status == http.StatusOK {
					t.Errorf("%s, %s: status %d: %s", path, name, status, text)
				}
			})
		}
	}
}

// huge returns files whose headers say that they are 64250 pixels wide and high.
func huge(t *testing.T) map[string][]byte {
	t.Helper()
	jpeg := parrot(t)
	for at := 2; ; { // to the frame header
		marker, size := jpeg[at+1], int(binary.BigEndian.Uint16(jpeg[at+2:]))
		if marker >= 0xc0 && marker <= 0xc2 {
			copy(jpeg[at+5:], "\xfa\xfa\xfa\xfa")
			break
		}
		at += 2 + size
	}
	gif := []byte("GIF89a\xfa\xfa\xfa\xfa\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xfa\xfa\xfa\xfa\x00\x02\x02L\x01\x00;")
	bmp := slicesOf("BM", uint32(1000), uint32(0), uint32(54), uint32(40), uint32(64250), uint32(64250), uint16(1), uint16(24), [24]byte{}, [900]byte{})
	webp := slicesOf("RIFF", uint32(1000), "WEBPVP8L", uint32(900), byte(0x2f), uint32(16383|16383<<14), [900]byte{})
	pnm := []byte("P6 64250 64250 255\n" + strings.Repeat("x", 1000))
	return map[string][]byte{"JPEG": jpeg, "GIF": gif, "BMP": bmp, "WebP": webp, "PNM": pnm}
}

func slicesOf(parts ...any) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		if s, ok := p.(string); ok {
			b.WriteString(s)
		} else {
			binary.Write(&b, binary.LittleEndian, p)
		}
	}
	return b.Bytes()
}

// TestHugeHeaders sends them to every address that takes pictures.
func TestHugeHeaders(t *testing.T) {
	url := both(t)
	for format, file := range huge(t) {
		for _, path := range []string{"/v1/classify", "/v1/detect"} {
			bounded(t, func() {
				if status, _, text := ask(t, "POST", url+path, bytes.NewReader(file)); status != http.StatusRequestEntityTooLarge {
					t.Errorf("%s, %s: status %d: %s", path, format, status, text)
				}
			})
		}
		bounded(t, func() {
			head := `{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES"}]}`
			if status, _, text := ask(t, "POST", url+"/v2/models/person/infer", strings.NewReader(head+string(file)), "Inference-Header-Content-Length", fmt.Sprint(len(head))); status/100 != 4 {
				t.Errorf("%s: status %d: %s", format, status, text)
			}
		})
	}
}

// TestSlowHeaders holds many connections open whose requests never come.
func TestSlowHeaders(t *testing.T) {
	h, _ := start(t, serve.Options{})
	url := serving(t, h)
	before := runtime.NumGoroutine()
	var all []net.Conn
	for range 200 {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
		if _, err := io.WriteString(c, "POST /v1/classify HTTP/1.1\r\nHost: local"); err != nil {
			t.Fatal(err)
		}
	}
	if status, _, text := ask(t, "POST", url+"/v1/classify", bytes.NewReader(picture(t, 60, 60))); status != http.StatusOK {
		t.Errorf("status %d: %s", status, text)
	}
	for _, c := range all {
		c.Close()
	}
	for range 100 {
		if runtime.NumGoroutine() < before+20 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// leaving is a body at whose end the client goes away.
type leaving struct {
	io.Reader
	leave context.CancelFunc
}

func (l leaving) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err == io.EOF {
		l.leave()
	}
	return n, err
}

// TestGone computes nothing for clients that have gone.
func TestGone(t *testing.T) {
	h, url := start(t, serve.Options{})
	for range 10 {
		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequest("POST", "/v1/classify", leaving{bytes.NewReader(picture(t, 60, 60)), leave}).WithContext(ctx)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 499 {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	}
	_, _, text := ask(t, "GET", url+"/metrics", nil)
	for _, want := range []string{`nv_inference_exec_count{model="fashion",version="1"} 0`, `nv_inference_request_failure{model="fashion",version="1",reason="CANCELED"} 10`, `nv_inference_pending_request_count{model="fashion",version="1"} 0`} {
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}

// TestReloadMemory loads a model again and again while it is used, and has the
// memory of the old ones back.
func TestReloadMemory(t *testing.T) {
	f, err := serve.OpenFolder(folder(t, "m/1"), mixnet.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	h, url := start(t, serve.Options{Repository: f})
	info, err := os.Stat(filepath.Join("..", "pretrained", "fashion.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	file := picture(t, 60, 60)
	reload := func(n int) (heap uint64, goroutines int) {
		stop := many(2, func() {
			if status, _, text := ask(t, "POST", url+"/v1/classify", bytes.NewReader(file)); status != http.StatusOK {
				t.Errorf("status %d: %s", status, text)
			}
		})
		for range n {
			if err := h.Load(t.Context(), "m"); err != nil {
				t.Error(err)
			}
		}
		stop()
		http.DefaultClient.CloseIdleConnections()
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	before, running := reload(3)
	after, still := reload(20)
	if after > before+uint64(3*info.Size()) || still > running+5 {
		t.Errorf("%d bytes and %d goroutines, %d and %d before 20 loads of %d bytes", after, still, before, running, info.Size())
	}
}
