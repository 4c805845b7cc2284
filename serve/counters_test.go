package serve_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mixnet-go/mixnet/serve"
)

// times is how often a test does something: seldom, unless an environment
// variable asks for more.
func times(t *testing.T, variable string, seldom int) int {
	text := os.Getenv(variable)
	if text == "" {
		return seldom
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q", variable, text)
	}
	return n
}

// serving runs a server that speaks HTTP/1.1 and HTTP/2.
func serving(t *testing.T, h *serve.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, l, serve.ServerOptions{}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// sent is a request of which many are sent, and what it counts for.
type sent struct {
	path     string
	body     []byte
	status   int
	pictures int64 // judged, if it is answered
	failure  string
}

// TestCounters sends requests of many kinds at once, and finds them all counted:
// MIXNET_REQUESTS of them.
func TestCounters(t *testing.T) {
	h, _ := start(t, serve.Options{MaxWait: 1 << 40})
	url := serving(t, h)
	good := picture(t, 60, 60)
	two := fmt.Sprintf(`{"inputs":[{"name":"image","shape":[2],"datatype":"BYTES","data":["%s","%[1]s"]}]}`, base64.StdEncoding.EncodeToString(good))
	kinds := []sent{
		{"/v1/classify", good, 200, 1, ""},
		{"/v1/classify?explain=1", good, 200, 1, ""},
		{"/v1/classify", []byte("no picture"), 400, 0, "OTHER"},
		{"/v1/classify?timeout=1ns", good, 504, 0, "CANCELED"},
		{"/v1/classify?top=none", good, 400, 0, ""}, // of no model's
		{"/v1/classify?model=nobody", good, 404, 0, ""},
		{"/v2/models/fashion/infer", []byte(two), 200, 2, ""},
		{"/v2/models/fashion/infer", []byte("{"), 400, 0, "OTHER"},
	}
	n := times(t, "MIXNET_REQUESTS", 160)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	var next atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				k := kinds[i%len(kinds)]
				r, err := client.Post(url+k.path, "", bytes.NewReader(k.body))
				if err != nil {
					t.Error(err)
					continue
				}
				text, _ := io.ReadAll(r.Body)
				r.Body.Close()
				if r.StatusCode != k.status {
					t.Errorf("%s: status %d, want %d: %s", k.path, r.StatusCode, k.status, text)
				}
			}
		})
	}
	all.Wait()
	want := map[string]int64{}
	for i := range n {
		k := kinds[i%len(kinds)]
		path, _, _ := strings.Cut(k.path, "?")
		path = strings.Replace(path, "/fashion/", "/{model}/", 1)
		want[fmt.Sprintf(`mixnet_http_responses_total{route="POST %s",status="%d"}`, path, k.status)]++
		const of = `{model="fashion",version="1"`
		switch {
		case k.failure != "":
			want[`nv_inference_request_failure`+of+`,reason="`+k.failure+`"}`]++
		case k.status == 200:
			want[`nv_inference_request_success`+of+`}`]++
			want[`mixnet_request_seconds_count`+of+`,stage="total"}`]++
			want[`nv_inference_count`+of+`}`] += k.pictures
		}
	}
	_, _, text := ask(t, "GET", url+"/metrics", nil)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(text)
		if m == nil || string(m[1]) != strconv.FormatFloat(float64(want[name]), 'g', -1, 64) {
			t.Errorf("%s: %q, want %d", name, m, want[name])
		}
	}
	checkMetrics(t, text)
}

// checkMetrics gives them to Prometheus' own tools, those that there are.
func checkMetrics(t *testing.T, text []byte) {
	t.Helper()
	if tool, err := exec.LookPath("promtool"); err == nil {
		c := exec.Command(tool, "check", "metrics")
		c.Stdin = bytes.NewReader(text)
		// It exits with 3 where it only advises other names than Triton's.
		if out, err := c.CombinedOutput(); err != nil && c.ProcessState.ExitCode() != 3 {
			t.Errorf("promtool: %v: %s", err, out)
		}
	}
	if python := os.Getenv("MIXNET_TRITON_PYTHON"); python != "" {
		c := exec.Command(python, "-c", "import sys; from prometheus_client.parser import text_string_to_metric_families as parse; print(sum(len(f.samples) for f in parse(sys.stdin.read())))")
		c.Stdin = bytes.NewReader(text)
		out, err := c.CombinedOutput()
		samples := 0
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				samples++
			}
		}
		if err != nil || strings.TrimSpace(string(out)) != strconv.Itoa(samples) {
			t.Errorf("prometheus_client: %v: %s of %d samples", err, out, samples)
		}
	}
}
