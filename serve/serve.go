// Package serve answers HTTP requests with networks: pictures in, classes or
// objects out. A Handler is an http.Handler of
//
//	POST /v1/classify?model=&top=   a picture file in, its classes out
//	POST /v1/detect?model=&score=   a picture file in, the objects in it out
//	/v2/...                         the Open Inference Protocol over REST
//	/inference.GRPCInferenceService likewise over gRPC, with its health checks
//	GET /metrics                    counters and histograms for Prometheus
//	GET /healthz, /readyz           whether it lives, and wants requests
//	GET /openapi.json, /            its description, and a page to try it
//
// gRPC needs a server that speaks HTTP/2, as [Handler.Serve] does. A request costs a bounded amount of memory, and is refused at once if it
// would wait too long. No client names a path or a URL that is read.
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Options says what a Handler serves and what a request may cost. Only
// Repository is needed.
type Options struct {
	// Repository holds the models. The first that classifies is the one that
	// POST /v1/classify uses where no other is asked for, and likewise the first
	// that finds objects.
	Repository Repository
	// Token, if any, is what requests must bear, except those for health and
	// for the page's own files: "Authorization: Bearer TOKEN".
	Token string
	// Hosts are further names by which clients on the same machine may call
	// the server, besides localhost and loopback addresses. Any other name in a
	// request over loopback is a page of another site that a browser was
	// tricked into sending here.
	Hosts []string
	// AllowLoad lets clients load and unload the repository's models.
	AllowLoad bool
	// MaxBodyBytes bounds a request, decompressed; 0 means 64 MiB.
	MaxBodyBytes int64
	// MaxPixels bounds a picture's width times height; 0 means 50 million.
	MaxPixels int64
	// MaxMemory bounds the bytes of all requests together, with the pictures
	// that are being decoded, of which one may take half; 0 means 1 GiB.
	MaxMemory int64
	// MaxWait bounds how long a request that is let in takes; 0 means a second.
	// One that is expected to come too near is answered 503 with Retry-After.
	MaxWait time.Duration
	// BodyTimeout is how long a client may take to send a request; 0 means 30
	// seconds.
	BodyTimeout time.Duration
	// Concurrent is how many requests are worked on at the same time, from their
	// pictures to the network's results; 0 means GOMAXPROCS.
	Concurrent int
	// Browser, if any, holds what lets browsers run networks themselves, as
	// cmd/mixnet-wasm writes it: mixnet.wasm.gz and wasm_exec.js. Those of a
	// Lender's models that it lends can then be downloaded.
	Browser fs.FS
	// Log takes a line for every request; nil means none.
	Log *slog.Logger
	// Version is what the server says of itself.
	Version string
}

func (o Options) withDefaults() Options {
	o.MaxBodyBytes = cmp.Or(o.MaxBodyBytes, 64<<20)
	o.MaxPixels = cmp.Or(o.MaxPixels, 50_000_000)
	o.MaxMemory = cmp.Or(o.MaxMemory, 1<<30)
	o.MaxWait = cmp.Or(o.MaxWait, time.Second)
	o.BodyTimeout = cmp.Or(o.BodyTimeout, 30*time.Second)
	o.Concurrent = cmp.Or(o.Concurrent, runtime.GOMAXPROCS(0))
	o.Version = cmp.Or(o.Version, "devel")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Handler serves models. It is safe for concurrent use.
type Handler struct {
	options   Options
	models    *models
	scheduler *scheduler
	admission admission
	memory    *semaphore.Weighted // bytes
	routes    http.Handler
	draining  atomic.Bool
	ending    context.Context // of streams
	end       context.CancelFunc
	counters  counters
}

// New loads every model of the repository and returns a handler that is ready.
// Close it after use.
func New(ctx context.Context, o Options) (*Handler, error) {
	if o.Repository == nil {
		return nil, errors.New("serve: no repository of models")
	}
	o = o.withDefaults()
	if o.MaxBodyBytes < 0 || o.MaxPixels < 0 || o.MaxMemory < 0 || o.MaxWait < 0 || o.BodyTimeout < 0 || o.Concurrent < 0 {
		return nil, errors.New("serve: a limit is negative")
	}
	h := &Handler{
		options:   o,
		models:    newModels(o.Repository),
		admission: admission{servers: o.Concurrent, most: o.MaxWait},
		memory:    semaphore.NewWeighted(o.MaxMemory),
	}
	h.scheduler = newScheduler(o.Concurrent, h.prepare)
	h.ending, h.end = context.WithCancel(context.Background())
	h.routes = h.protect(h.newRoutes())
	names, err := o.Repository.Names()
	if err == nil && len(names) == 0 {
		err = errors.New("there is no model to serve")
	}
	for _, name := range names {
		if err == nil {
			err = h.Load(ctx, name)
		}
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.routes.ServeHTTP(w, r) }

// Load loads a model of the repository, or loads it again: requests go to the
// one there was until the new one has run once, and then to that. If it cannot
// be loaded, the old one stays.
func (h *Handler) Load(ctx context.Context, name string) error {
	start := time.Now()
	version, err := h.models.load(ctx, name)
	if err != nil {
		h.options.Log.Error("model not loaded", "model", name, "error", err)
		return fmt.Errorf("model %s: %w", name, err)
	}
	h.options.Log.Info("model loaded", "model", name, "version", version, "seconds", time.Since(start).Seconds())
	return nil
}

// Update loads the models of the folder that it serves whose highest version is
// another than the one that is loaded. What cannot be loaded is logged, and
// tried again at the next call. Put a version there by renaming its folder into
// place, so that no half of it is seen.
func (h *Handler) Update(ctx context.Context, f *Folder) {
	for _, s := range h.models.all() {
		loaded, reason := h.models.state(s)
		if version, err := f.Latest(s.name); err == nil && reason == "" && version != loaded {
			h.Load(ctx, s.name) // which logs its error
		}
	}
}

// Unload stops serving a model. Requests that it has are still answered.
func (h *Handler) Unload(name string) error {
	if err := h.models.unload(name); err != nil {
		return err
	}
	h.options.Log.Info("model unloaded", "model", name)
	return nil
}

// Drain makes the handler say that it is not ready, so that no further requests
// are sent to it. Those that come are answered.
func (h *Handler) Drain() { h.draining.Store(true) }

// Close ends the handler's goroutines and models. No request may be running.
func (h *Handler) Close() error {
	h.Drain()
	h.end()
	h.scheduler.close()
	return h.models.close()
}
