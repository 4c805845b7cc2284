package serve_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/serve"
)

// TestTritonClient calls the server with Triton's own client.
func TestTritonClient(t *testing.T) {
	python := os.Getenv("MIXNET_TRITON_PYTHON")
	if python == "" {
		t.Skip("MIXNET_TRITON_PYTHON names no Python with tritonclient[grpc,http]")
	}
	h, url := start(t, serve.Options{AllowLoad: true})
	file := filepath.Join(t.TempDir(), "picture.png")
	content := picture(t, 60, 60)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := classifier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want, err := c.ClassifyBytes(t.Context(), content, 1)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // for HTTP/2, which the other has not
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, l, serve.ServerOptions{}) }()
	for script, at := range map[string]string{"triton.py": strings.TrimPrefix(url, "http://"), "tritongrpc.py": l.Addr().String()} {
		out, err := exec.CommandContext(t.Context(), python, "testdata/"+script, at, file, want[0].Label).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("done")) {
			t.Errorf("%s: %v: %s", script, err, out)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
