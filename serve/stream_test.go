package serve_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/mixnet-go/mixnet/serve"
)

// TestStreamEnds ends a server with a stream on which nothing comes: the server
// does not wait for it.
func TestStreamEnds(t *testing.T) {
	h, _ := start(t, serve.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, l, serve.ServerOptions{}) }()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	body, client := io.Pipe()
	defer client.Close()
	r, err := http.NewRequest("POST", "http://"+l.Addr().String()+"/inference.GRPCInferenceService/ModelStreamInfer", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	a, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, a.Body); err != nil || a.Trailer.Get("Grpc-Status") != "14" {
		t.Errorf("%v: %v", err, a.Trailer)
	}
}
