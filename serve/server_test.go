package serve_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/serve"
)

// writeCertificate writes a pair of files for localhost.
func writeCertificate(t *testing.T, certFile, keyFile string, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(serial) * time.Minute)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTLS speaks TLS, and takes a new certificate when its files change.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	o := serve.ServerOptions{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	trusted := x509.NewCertPool()
	trusted.AddCert(writeCertificate(t, o.CertFile, o.KeyFile, 1))
	h, err := serve.New(t.Context(), serve.Options{Repository: serve.List{{Name: "fashion", Open: openFashion}}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, l, o) }()
	serial := func() string {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted}}}
		a, err := client.Get("https://" + l.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		return a.TLS.PeerCertificates[0].SerialNumber.String()
	}
	if s := serial(); s != "1" {
		t.Errorf("certificate %s", s)
	}
	trusted.AddCert(writeCertificate(t, o.CertFile, o.KeyFile, 2))
	if s := serial(); s != "2" {
		t.Errorf("certificate %s after the files changed", s)
	}
	if err := os.WriteFile(o.KeyFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := serial(); s != "2" {
		t.Errorf("certificate %s while the files are broken", s)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// TestLog reads the line of a request.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	_, url := start(t, serve.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	log.Reset()
	ask(t, "GET", url+"/healthz", nil)
	ask(t, "POST", url+"/v1/classify", strings.NewReader("no\npicture"), "X-Request-Id", "one", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	line := decode[map[string]any](t, log.Bytes()) // one line: health is no news
	if line["id"] != "one" || line["trace"] != "0af7651916cd43dd8448eb211c80319c" || line["status"] != 400.0 || line["model"] != "fashion" || line["error"] == nil {
		t.Errorf("%s", log.String())
	}
}

// The text format of Prometheus, line by line.
var (
	metricComment = regexp.MustCompile(`^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$`)
	metricSample  = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*")*\})? ([-+0-9.eE]+|\+Inf)$`)
)

// TestMetrics reads every line, and finds histograms that add up.
func TestMetrics(t *testing.T) {
	_, url := start(t, serve.Options{})
	for range 3 {
		ask(t, "POST", url+"/v1/classify", bytes.NewReader(picture(t, 60, 60)))
	}
	_, header, text := ask(t, "GET", url+"/metrics", nil)
	if !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("%v", header)
	}
	kinds, seen := map[string]string{}, map[string]bool{}
	last := 0.0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if m := metricComment.FindStringSubmatch(line); m != nil {
			if m[1] == "TYPE" {
				kinds[m[2]] = m[3]
			}
			continue
		}
		m := metricSample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("no sample: %q", line)
			continue
		}
		if seen[m[1]+m[2]] {
			t.Errorf("twice: %s", line)
		}
		seen[m[1]+m[2]] = true
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Error(err)
		}
		name := m[1]
		if base, ok := strings.CutSuffix(name, "_bucket"); ok {
			if name = base; v < last {
				t.Errorf("falls: %s", line)
			}
			last = v
			if strings.Contains(m[2], `le="+Inf"`) {
				if v != 3 {
					t.Errorf("want 3: %s", line)
				}
				last = 0
			}
		}
		name = strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")
		if kinds[name] == "" && kinds[m[1]] == "" {
			t.Errorf("of no kind: %s", line)
		}
	}
	for _, want := range []string{`nv_inference_request_success{model="fashion",version="1"} 3`, `nv_inference_count{model="fashion",version="1"} 3`, `mixnet_http_responses_total{route="POST /v1/classify",status="200"} 3`} {
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
