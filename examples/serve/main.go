// Command serve is an HTTP service that names what is in photos: the model that
// comes with the library, limits on what a request may cost, and an end that
// lets requests in progress finish.
//
//	go run ./examples/serve -addr localhost:8080
//	curl --data-binary @photo.jpg 'localhost:8080/classify?k=3'
//
// The answer is JSON, the most probable class first:
//
//	[{"class":88,"label":"macaw","probability":0.89}, ...]
//
// A picture that cannot be read is answered by 400, one that is too large by
// 413, and a request that finds the queue full by 503.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/pretrained/photo"
	"github.com/mixnet-go/mixnet/vision"
)

const (
	maxUpload   = 20 << 20   // bytes of a request
	maxPixels   = 50_000_000 // of a picture
	defaultTopK = 5
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	running := flag.Int("running", 2, "pictures that the network runs on at once")
	waiting := flag.Int("waiting", 64, "requests that may wait for it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *running, *waiting); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, addr string, running, waiting int) error {
	c, err := open(running)
	if err != nil {
		return err
	}
	defer c.Close()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	log.Printf("listening on %s", listener.Addr())
	return serve(ctx, listener, newHandler(c, running+waiting))
}

func open(running int) (*mixnet.Classifier, error) {
	m, err := photo.Model()
	if err != nil {
		return nil, err
	}
	return mixnet.New(m, mixnet.Options{MaxConcurrent: running, MaxPixels: maxPixels})
}

// serve answers requests until ctx ends, and then those in progress.
func serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		ended <- server.Shutdown(patience)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// handler answers requests with a classifier. It lets in as many at once as
// places has room for, so that memory is bounded: each holds a file of
// maxUpload and a picture of maxPixels at most.
type handler struct {
	classifier *mixnet.Classifier
	places     chan struct{}
}

func newHandler(c *mixnet.Classifier, places int) http.Handler {
	h := &handler{classifier: c, places: make(chan struct{}, places)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /classify", h.classify)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}

func (h *handler) classify(w http.ResponseWriter, r *http.Request) {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "busy: try again", http.StatusServiceUnavailable)
		return
	}
	k := defaultTopK
	if text := r.URL.Query().Get("k"); text != "" {
		var err error
		if k, err = strconv.Atoi(text); err != nil || k < 1 {
			http.Error(w, fmt.Sprintf("k=%q: want a number of classes", text), http.StatusBadRequest)
			return
		}
	}
	file, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpload))
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	// The network stops when the client goes away: r's context ends then.
	found, err := h.classifier.ClassifyBytes(r.Context(), file, k)
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(found); err != nil {
		log.Print(err)
	}
}

// statusOf returns the status that says whose fault an error is.
func statusOf(err error) int {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), errors.Is(err, vision.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, mixnet.ErrNotFinite):
		return http.StatusInternalServerError
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}
