package main_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/serve"
)

// TestManifest finds that the addresses of the manifest's probes are answered,
// as of a server that is well, and ready until it is to end.
func TestManifest(t *testing.T) {
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h, err := serve.New(t.Context(), serve.Options{
		Token: "secret",
		Repository: serve.List{{Name: "fashion", Open: func(ctx context.Context) (mixnet.Network, error) {
			return mixnet.Open(ctx, "fashion", mixnet.OpenOptions{})
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	get := func(path string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code
	}
	probes := regexp.MustCompile(`(readiness|liveness)Probe:\s+httpGet: \{path: (\S+), port: http\}`).FindAllStringSubmatch(string(text), -1)
	if len(probes) != 2 {
		t.Fatalf("probes %q", probes)
	}
	for _, p := range probes {
		if status := get(p[2]); status != http.StatusOK {
			t.Errorf("%s: status %d", p[1], status)
		}
	}
	h.Drain()
	for _, p := range probes {
		want := map[string]int{"readiness": http.StatusServiceUnavailable, "liveness": http.StatusOK}[p[1]]
		if status := get(p[2]); status != want {
			t.Errorf("%s while draining: status %d, want %d", p[1], status, want)
		}
	}
	image, err := os.ReadFile("Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--listen", "--json", "--drain"} {
		if !strings.Contains(string(image), flag) || !strings.Contains(string(text), flag) {
			t.Errorf("%s is not in both the image and the manifest", flag)
		}
	}
}
