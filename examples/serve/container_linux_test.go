package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestContainer runs what is in the image, with nothing else in its file
// system and as its user, as the manifest says: the probes are answered, a
// photo is, and it ends as Kubernetes wants. It takes root, and
// MIXNET_CONTAINER=1.
func TestContainer(t *testing.T) {
	if os.Getenv("MIXNET_CONTAINER") == "" || os.Getuid() != 0 {
		t.Skip("MIXNET_CONTAINER is not set, or the test has no root")
	}
	manifest, image := read(t, "kubernetes.yaml"), read(t, "Containerfile")
	root := build(t, image)
	port := freePort(t)
	cmd, log := contained(t, root, manifest, port)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	probes := regexp.MustCompile(`(readiness|liveness)Probe:\s+httpGet: \{path: (\S+), port: http\}`).FindAllStringSubmatch(manifest, -1)
	probe := func() map[string]int {
		found := map[string]int{}
		for _, p := range probes {
			if r, err := http.Get(url + p[2]); err == nil {
				r.Body.Close()
				found[p[1]] = r.StatusCode
			}
		}
		return found
	}
	for i := 0; probe()["readiness"] != http.StatusOK; i++ {
		if i == 300 {
			t.Fatalf("not ready: %s", log)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if got := probe(); got["liveness"] != http.StatusOK {
		t.Errorf("probes %v", got)
	}
	classify(t, url)
	if peak := peakMB(t, cmd.Process.Pid); peak > 1024 {
		t.Errorf("%d MB, more than the manifest allows", peak)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for i := 0; probe()["readiness"] == http.StatusOK && i < 100; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	if got := probe(); got["readiness"] != http.StatusServiceUnavailable || got["liveness"] != http.StatusOK {
		t.Errorf("probes %v while it drains", got)
	}
	classify(t, url)
	begin := time.Now()
	_ = cmd.Wait()
	grace, err := strconv.Atoi(regexp.MustCompile(`terminationGracePeriodSeconds: (\d+)`).FindStringSubmatch(manifest)[1])
	if err != nil {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) || time.Since(begin) > time.Duration(grace)*time.Second {
		t.Errorf("exit code %d after %v: %s", code, time.Since(begin), log)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// build makes the image's file system: what its Containerfile builds and copies.
func build(t *testing.T, image string) (root string) {
	t.Helper()
	root = t.TempDir()
	command := regexp.MustCompile(`(?m)^RUN (.*go build.*)$`).FindStringSubmatch(image)
	if command == nil || !strings.Contains(image, "\nFROM scratch\nCOPY --from=build /mixnet /mixnet\n") {
		t.Fatal("the image is made otherwise")
	}
	c := exec.Command("sh", "-c", strings.Replace(command[1], "-o /mixnet", "-o "+filepath.Join(root, "mixnet"), 1))
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return root
}

// contained starts the image's program with the manifest's arguments.
func contained(t *testing.T, root, manifest string, port int) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, "secrets"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "secrets", "token"), []byte("hush\n"), 0o444); err != nil {
		t.Fatal(err)
	}
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(root, 0o755) })
	list := regexp.MustCompile(`args: \[(.*)\]`).FindStringSubmatch(manifest)
	if list == nil {
		t.Fatal("no arguments in the manifest")
	}
	args := strings.Split(strings.Replace(list[1], ":8080", fmt.Sprintf(":%d", port), 1), ", ")
	c := exec.Command("/mixnet", args...)
	c.Err = nil // the path is that inside
	c.Env, c.Dir = []string{}, "/"
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c, &log
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// classify sends a photo with the token.
func classify(t *testing.T, url string) {
	t.Helper()
	r, err := http.NewRequest("POST", url+"/v1/classify?top=1", strings.NewReader(read(t, "../../pretrained/photo/testdata/parrot.jpg")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer hush")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK || !strings.Contains(string(text), `"macaw"`) {
		t.Errorf("status %d, %v: %s", a.StatusCode, err, text)
	}
}

// peakMB is the most memory that a process has had.
func peakMB(t *testing.T, pid int) int {
	t.Helper()
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(read(t, fmt.Sprintf("/proc/%d/status", pid)))
	if m == nil {
		t.Fatal("no VmHWM")
	}
	kb, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return kb / 1024
}
