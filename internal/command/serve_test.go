package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/serve"
)

// TestServe starts the command on a folder of models, asks it what predict
// says as well, and ends it as a supervisor would.
func TestServe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals of Unix")
	}
	dir := t.TempDir()
	m, err := mixnet.Load(t.Context(), "fashion", mixnet.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	version := filepath.Join(dir, "models", "clothes", "7")
	if err := os.MkdirAll(version, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(filepath.Join(version, "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, url, lines := served(t, dir, "--models", "models", "--token-file", "token", "--json", "--poll", "1h")
	picture, err := os.ReadFile("../../pretrained/photo/testdata/parrot.jpg")
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("POST", url+"/v1/classify?model=clothes&top=1", bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer hush")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var got serve.Classification
	if err := json.NewDecoder(a.Body).Decode(&got); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", a.StatusCode, err)
	}
	c, err := mixnet.New(m, mixnet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want, err := c.ClassifyBytes(t.Context(), picture, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != "7" || len(got.Predictions) != 1 || got.Predictions[0].Class != want[0].Class {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	log, err := io.ReadAll(lines)
	if err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) || !strings.Contains(string(log), `"msg":"draining"`) {
		t.Errorf("exit code %d: %s", code, log)
	}
}

// served starts the server as a process of its own, and returns its address and
// what it logs.
func served(t *testing.T, dir string, args ...string) (cmd *exec.Cmd, url string, log *bufio.Reader) {
	t.Helper()
	cmd, _, _ = start(t, dir, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Stderr = nil
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log = bufio.NewReader(stderr)
	for {
		line, err := log.ReadString('\n')
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if m := regexp.MustCompile(`serving on (http://\S+)/ `).FindStringSubmatch(line); m != nil {
			return cmd, m[1], log
		}
	}
}

// TestServeSignal ends servers under load as a supervisor with a load balancer
// would, MIXNET_SIGNALS of them: the server says that it is not ready while it
// still answers, and every request that was begun before that is answered.
func TestServeSignal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals of Unix")
	}
	n := 2
	if text := os.Getenv("MIXNET_SIGNALS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	picture, err := os.ReadFile("../../pretrained/photo/testdata/parrot.jpg")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for range n {
		total += endUnderLoad(t, picture)
	}
	t.Logf("%d requests were answered, %d servers ended", total, n)
}

// endUnderLoad returns how many requests one server answered.
func endUnderLoad(t *testing.T, picture []byte) int {
	cmd, url, log := served(t, t.TempDir(), "fashion", "--drain", "500ms")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	var ready atomic.Bool
	ready.Store(true)
	var answered atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for ready.Load() {
				r, err := client.Post(url+"/v1/classify", "", bytes.NewReader(picture))
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if err != nil || r.StatusCode != http.StatusOK {
					t.Errorf("status %d, %v", r.StatusCode, err)
				}
				answered.Add(1)
			}
		})
	}
	probe := func() int {
		r, err := client.Get(url + "/readyz")
		if err != nil {
			t.Errorf("not ready any more, and nobody was told: %v", err)
			return 0
		}
		r.Body.Close()
		return r.StatusCode
	}
	for answered.Load() < 10 && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for probe() == http.StatusOK {
		time.Sleep(time.Millisecond)
	}
	ready.Store(false)
	all.Wait()
	_, _ = io.Copy(io.Discard, log)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
	return int(answered.Load())
}

// TestServeUsage refuses flags that contradict each other.
func TestServeUsage(t *testing.T) {
	for _, args := range [][]string{
		{"photo", "--models", "x"}, {"--poll", "1s"}, {"--max-wait", "0s"}, {"--max-body", "0"}, {"--tls-cert", "serve_test.go"},
	} {
		var out bytes.Buffer
		code := execute(t.Context(), invocation{program: "mixnet", args: append([]string{"serve"}, args...), stdin: strings.NewReader(""), stdout: &out, stderr: &out})
		if code != exitUsage {
			t.Errorf("%q: exit code %d: %s", args, code, out.String())
		}
	}
}

// TestServedName makes names for addresses of models' names.
func TestServedName(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll("runs/first", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"runs/first/model.safetensors", "net.pth"} {
		if err := os.WriteFile(f, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for model, want := range map[string]string{
		"photo": "photo", "mixnet_s.ft_in1k": "mixnet_s.ft_in1k", "runs/first": "first", "runs/first/model.safetensors": "first", "net.pth": "net",
	} {
		if got := servedName(model); got != want {
			t.Errorf("%s: %q, want %q", model, got, want)
		}
	}
}
