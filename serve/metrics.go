package serve

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// counters count answers by route and status.
type counters struct {
	mu      sync.Mutex
	answers map[answerKey]int64
}

type answerKey struct {
	route  string
	status int
}

func (c *counters) answered(route string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers == nil {
		c.answers = map[answerKey]int64{}
	}
	c.answers[answerKey{route, status}]++
}

// metricsText answers with Prometheus' text format, version 0.0.4.
func (h *Handler) metricsText(w http.ResponseWriter, _ *http.Request) {
	var p page
	all := h.models.all()
	for _, s := range all {
		s.stats.mu.Lock()
		defer s.stats.mu.Unlock()
	}
	perModel := func(name, kind, help string, value func(*stats) float64) {
		p.family(name, kind, help)
		for _, s := range all {
			p.sample(name, h.labels(s), value(&s.stats))
		}
	}
	perModel("nv_inference_request_success", "counter", "Requests that were answered.", func(s *stats) float64 { return float64(s.success.Count) })
	p.family("nv_inference_request_failure", "counter", "Requests that failed, by reason.")
	for _, s := range all {
		for _, reason := range reasons {
			p.sample("nv_inference_request_failure", h.labels(s)+`,reason="`+reason+`"`, float64(s.stats.failed[reason]))
		}
	}
	perModel("nv_inference_count", "counter", "Pictures that the network has judged.", func(s *stats) float64 { return float64(s.pictures) })
	perModel("nv_inference_exec_count", "counter", "Runs of the network, each on one picture or more.", func(s *stats) float64 { return float64(s.runs) })
	perModel("nv_inference_pending_request_count", "gauge", "Requests in the queue or running.", func(s *stats) float64 { return float64(s.pending.Load()) })
	microseconds := func(name, help string, t func(*stats) tally) {
		perModel(name, "counter", help, func(s *stats) float64 { return float64(t(s).NS.Microseconds()) })
	}
	microseconds("nv_inference_request_duration_us", "Time of all answered requests.", func(s *stats) tally { return s.success })
	microseconds("nv_inference_queue_duration_us", "Time that they waited for the network.", func(s *stats) tally { return s.queue })
	microseconds("nv_inference_compute_input_duration_us", "Time to decode and scale their pictures.", func(s *stats) tally { return s.prepare })
	microseconds("nv_inference_compute_infer_duration_us", "Time of the network.", func(s *stats) tally { return s.network })
	microseconds("nv_inference_compute_output_duration_us", "Time to write the answers.", func(s *stats) tally { return s.output })
	p.family("mixnet_request_seconds", "histogram", "Time of answered requests, by stage.")
	for _, s := range all {
		for i := range s.stats.histograms {
			p.histogram("mixnet_request_seconds", h.labels(s)+`,stage="`+stageNames[i]+`"`, &s.stats.histograms[i])
		}
	}
	h.server(&p)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(p.Bytes()) // an error means that the client has gone
}

// labels are those of a model. Names need no escapes.
func (h *Handler) labels(s *served) string {
	version, _ := h.models.state(s)
	return fmt.Sprintf(`model="%s",version="%s"`, s.name, escape.Replace(version))
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// server writes what is not about one model.
func (h *Handler) server(p *page) {
	p.family("mixnet_ready", "gauge", "1 while requests are wanted.")
	ready := 0.0
	if h.ready() {
		ready = 1
	}
	p.sample("mixnet_ready", "", ready)
	p.family("mixnet_http_responses_total", "counter", "Answers, by route and status.")
	h.counters.mu.Lock()
	keys := slices.SortedFunc(maps.Keys(h.counters.answers), func(a, b answerKey) int {
		if c := strings.Compare(a.route, b.route); c != 0 {
			return c
		}
		return a.status - b.status
	})
	for _, k := range keys {
		p.sample("mixnet_http_responses_total", fmt.Sprintf(`route="%s",status="%d"`, escape.Replace(k.route), k.status), float64(h.counters.answers[k]))
	}
	h.counters.mu.Unlock()
	s := []metrics.Sample{{Name: "/sched/goroutines:goroutines"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	for i, m := range []struct{ name, help string }{
		{"go_goroutines", "Goroutines that exist."},
		{"go_memory_bytes", "Memory that the runtime has from the system."},
		{"go_heap_objects_bytes", "Memory of the heap that is in use, or not yet collected."},
	} {
		p.family(m.name, "gauge", m.help)
		p.sample(m.name, "", float64(s[i].Value.Uint64()))
	}
}

// page is a page of metrics.
type page struct{ bytes.Buffer }

func (p *page) family(name, kind, help string) {
	fmt.Fprintf(p, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (p *page) sample(name, labels string, v float64) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	fmt.Fprintf(p, "%s%s %s\n", name, labels, strconv.FormatFloat(v, 'g', -1, 64))
}

func (p *page) histogram(name, labels string, h *histogram) {
	count := int64(0)
	for i, n := range h.counts {
		count += n
		bound := "+Inf"
		if i < len(bounds) {
			bound = strconv.FormatFloat(bounds[i], 'g', -1, 64)
		}
		p.sample(name+"_bucket", labels+`,le="`+bound+`"`, float64(count))
	}
	p.sample(name+"_sum", labels, h.sum.Seconds())
	p.sample(name+"_count", labels, float64(count))
}
