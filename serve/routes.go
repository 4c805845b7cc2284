package serve

import (
	"net/http"
)

// newRoutes returns the handler of every address, without what protects it.
func (h *Handler) newRoutes() http.Handler {
	mux := http.NewServeMux()
	open := func(pattern string, f http.HandlerFunc) { mux.Handle(pattern, h.named(pattern, f)) }
	closed := func(pattern string, f http.HandlerFunc) { open(pattern, h.authorized(f)) }

	open("GET /healthz", h.live)
	open("GET /readyz", h.readiness)
	open("GET /v2/health/live", h.live)
	open("GET /v2/health/ready", h.readiness)
	open("GET /openapi.json", h.description)
	open("GET /{$}", h.pageFile)
	open("GET /page/{file}", h.pageFile)
	open("GET /page/browser/{file}", h.browserFile)

	closed("GET /metrics", h.metricsText)
	closed("POST /v1/classify", h.look(classify))
	closed("POST /v1/detect", h.look(detect))
	closed("GET /v1/models", h.choice)
	closed("GET /v1/models/{model}/weights", h.weights)

	closed("GET /v2", h.serverMetadata)
	closed("GET /v2/models", h.list)
	closed("GET /v2/models/stats", h.allStatistics)
	for _, model := range []string{"/v2/models/{model}", "/v2/models/{model}/versions/{version}"} {
		closed("GET "+model, h.modelMetadata)
		closed("GET "+model+"/ready", h.modelReady)
		closed("GET "+model+"/config", h.modelConfig)
		closed("GET "+model+"/stats", h.statistics)
		closed("POST "+model+"/infer", h.infer)
	}
	closed("POST /v2/repository/index", h.repositoryIndex)
	closed("POST /v2/repository/models/{model}/load", h.changing(h.loadModel))
	closed("POST /v2/repository/models/{model}/unload", h.changing(h.unloadModel))

	open("POST /grpc.health.v1.Health/Check", h.call(h.rpcHealth))
	closed("POST /inference.GRPCInferenceService/ModelStreamInfer", h.stream)
	for path, f := range h.methods() {
		closed("POST "+path, h.call(f))
	}
	for _, service := range []string{"/grpc.health.v1.Health/", "/inference.GRPCInferenceService/"} {
		open("POST "+service, h.noMethod)
	}
	return h.orElse(mux)
}

// orElse is mux, but refuses what has no route in the form of all errors.
func (h *Handler) orElse(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		none, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if isGRPC(r) {
			h.noMethod(w, r)
			return
		}
		p := refusal{header: http.Header{}}
		none.ServeHTTP(&p, r)
		err := failf(http.StatusNotFound, "there is no address %s: those that there are stand in /openapi.json", r.URL.Path)
		if allow := p.header.Get("Allow"); p.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", allow)
			err = failf(p.status, "%s is not what %s takes: send %s", r.Method, r.URL.Path, allow)
		}
		h.fail(w, r, err)
	})
}

// refusal is what a ServeMux says of a request that has no route.
type refusal struct {
	header http.Header
	status int
}

func (p *refusal) Header() http.Header         { return p.header }
func (p *refusal) Write(b []byte) (int, error) { return len(b), nil }
func (p *refusal) WriteHeader(status int)      { p.status = status }

// noMethod answers the calls of methods that there are not, without waiting for
// what they send.
func (h *Handler) noMethod(w http.ResponseWriter, r *http.Request) {
	h.fail(w, r, failf(http.StatusNotImplemented, "there is no method %s", r.URL.Path))
}

// named notes which route a request took.
func (h *Handler) named(pattern string, f http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visitOf(r).route = pattern
		f(w, r)
	})
}

func (h *Handler) live(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]bool{"live": true})
}

func (h *Handler) readiness(w http.ResponseWriter, _ *http.Request) {
	status, ready := http.StatusOK, h.ready()
	if !ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, map[string]bool{"ready": ready})
}

// ready reports whether requests are wanted.
func (h *Handler) ready() bool { return !h.draining.Load() }
