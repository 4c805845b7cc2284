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
	callWith(t, "MIXNET_TRITON_PYTHON", "tritonclient[grpc,http]", "triton.py", "tritongrpc.py", "tritonaio.py")
}

// TestKServeClient calls it with KServe's.
func TestKServeClient(t *testing.T) {
	callWith(t, "MIXNET_KSERVE_PYTHON", "kserve", "kserveclient.py")
}

// callWith runs scripts of testdata with the Python that an environment variable
// names. Their arguments are the server's addresses for HTTP/1.1 and HTTP/2, a
// picture file, and what is in it.
func callWith(t *testing.T, variable, needs string, scripts ...string) {
	python := os.Getenv(variable)
	if python == "" {
		t.Skipf("%s names no Python with %s", variable, needs)
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
	for _, script := range scripts {
		out, err := exec.CommandContext(t.Context(), python, "testdata/"+script, strings.TrimPrefix(url, "http://"), l.Addr().String(), file, want[0].Label).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("done")) {
			t.Errorf("%s: %v: %s", script, err, out)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
