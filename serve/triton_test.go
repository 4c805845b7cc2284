package serve_test

import (
	"bytes"
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
		t.Skip("MIXNET_TRITON_PYTHON names no Python with tritonclient[http]")
	}
	_, url := start(t, serve.Options{AllowLoad: true})
	file := filepath.Join(t.TempDir(), "picture.png")
	content := picture(t, 60, 60)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := openFashion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want, err := c.ClassifyBytes(t.Context(), content, 1)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, "testdata/triton.py", strings.TrimPrefix(url, "http://"), file, want[0].Label).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("done")) {
		t.Errorf("%v: %s", err, out)
	}
}
