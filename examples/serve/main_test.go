package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/mixnet-go/mixnet"
)

// start runs the service, and returns its address and a function that ends it.
// Every request is announced to entered.
func start(t *testing.T, entered chan<- struct{}) (url string, stop func() error) {
	t.Helper()
	c, err := open(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	inner := newHandler(c, 32)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		inner.ServeHTTP(w, r)
	})
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, h) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { stop() })
	return "http://" + listener.Addr().String(), stop
}

func post(t *testing.T, url string, body io.Reader) (status int, answer string) {
	t.Helper()
	r, err := http.Post(url, "application/octet-stream", body)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return r.StatusCode, string(text)
}

func readPhoto(t *testing.T) []byte {
	t.Helper()
	parrot, err := os.ReadFile("../../pretrained/photo/testdata/parrot.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return parrot
}

func TestClassify(t *testing.T) {
	url, stop := start(t, make(chan struct{}, 100))
	parrot := readPhoto(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			status, answer := post(t, url+"/classify?k=2", bytes.NewReader(parrot))
			var found []mixnet.Prediction
			if err := json.Unmarshal([]byte(answer), &found); err != nil || status != http.StatusOK || len(found) != 2 || found[0].Label != "macaw" {
				t.Errorf("status %d, %s", status, answer)
			}
		})
	}
	all.Wait()

	var large bytes.Buffer
	if err := png.Encode(&large, image.NewGray(image.Rect(0, 0, 10_000, 6_000))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path   string
		body   io.Reader
		status int
	}{
		"no picture":     {"/classify", strings.NewReader("hello"), http.StatusBadRequest},
		"half a picture": {"/classify", bytes.NewReader(parrot[:1000]), http.StatusBadRequest},
		"no class":       {"/classify?k=0", bytes.NewReader(parrot), http.StatusBadRequest},
		"many bytes":     {"/classify", bytes.NewReader(make([]byte, maxUpload+1)), http.StatusRequestEntityTooLarge},
		"many pixels":    {"/classify", &large, http.StatusRequestEntityTooLarge},
		"elsewhere":      {"/", strings.NewReader(""), http.StatusNotFound},
	} {
		if status, answer := post(t, url+c.path, c.body); status != c.status {
			t.Errorf("%s: status %d, want %d: %s", name, status, c.status, answer)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A request that is being read when the service is told to end is answered.
func TestGracefulEnd(t *testing.T) {
	entered := make(chan struct{}, 1)
	url, stop := start(t, entered)
	parrot := readPhoto(t)
	body, rest := io.Pipe()
	answered := make(chan int)
	go func() {
		status, _ := post(t, url+"/classify", body)
		answered <- status
	}()
	if _, err := rest.Write(parrot[:1000]); err != nil {
		t.Fatal(err)
	}
	<-entered
	ended := make(chan error)
	go func() { ended <- stop() }()
	if _, err := rest.Write(parrot[1000:]); err != nil {
		t.Fatal(err)
	}
	rest.Close()
	if status := <-answered; status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A request that finds no place is told to come again.
func TestBusy(t *testing.T) {
	h := &handler{places: make(chan struct{}, 1)}
	h.places <- struct{}{}
	w := &recorder{header: http.Header{}}
	h.classify(w, &http.Request{})
	if w.status != http.StatusServiceUnavailable || w.header.Get("Retry-After") == "" {
		t.Errorf("status %d, header %v", w.status, w.header)
	}
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }
