package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/fetch"
)

// envWeed names the program of SeaweedFS.
const envWeed = "MIXNET_WEED"

// weed is a SeaweedFS of its own.
type weed struct {
	dir  string
	port string // of S3
	args []string
	cmd  *exec.Cmd
}

var weedKeys = keys{id: "mixnetkey", secret: "mixnetsecret"}

// startWeed starts a SeaweedFS with one key.
func startWeed(t *testing.T) *weed {
	program := os.Getenv(envWeed)
	if program == "" {
		t.Skip(envWeed + " names no SeaweedFS")
	}
	w := &weed{dir: t.TempDir()}
	ports := map[string]string{}
	var held []net.Listener
	for _, name := range []string{"master.port", "volume.port", "filer.port", "s3.port", "master.port.grpc", "volume.port.grpc", "filer.port.grpc", "s3.port.grpc"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, ports[name], _ = net.SplitHostPort(l.Addr().String())
		held = append(held, l)
	}
	for _, l := range held {
		_ = l.Close()
	}
	w.port = ports["s3.port"]
	w.args = []string{
		"mini", "-dir=" + w.dir, "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false", "-master.telemetry=false",
		"-s3.port.iceberg=0", "-s3.port.lance=0",
	}
	for name, port := range ports {
		w.args = append(w.args, "-"+name+"="+port)
	}
	w.start(t, program)
	t.Cleanup(w.kill)
	return w
}

func (w *weed) start(t *testing.T, program string) {
	t.Helper()
	w.cmd = exec.Command(program, w.args...)
	w.cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+weedKeys.id, "AWS_SECRET_ACCESS_KEY="+weedKeys.secret)
	var log bytes.Buffer
	w.cmd.Stdout, w.cmd.Stderr = &log, &log
	w.cmd.Dir = w.dir
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 600 {
		if w.put(t, "ready/ready", []byte("ready")) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.kill()
	t.Fatalf("SeaweedFS does not begin:\n%s", log.String())
}

func (w *weed) kill() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
}

// put stores an object, with our signature.
func (w *weed) put(t *testing.T, path string, content []byte) error {
	t.Helper()
	send := func(path string, content []byte) error {
		req, err := http.NewRequest(http.MethodPut, "http://127.0.0.1:"+w.port+"/"+path, bytes.NewReader(content))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		sign(req, weedKeys, "us-east-1", hex.EncodeToString(sum[:]), time.Now())
		resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
			return fmt.Errorf("%s: %s", resp.Status, text)
		}
		return nil
	}
	bucket, _, _ := strings.Cut(path, "/")
	if err := send(bucket, nil); err != nil && !strings.Contains(err.Error(), "BucketAlready") {
		return err
	}
	return send(path, content)
}

// options reach w, by way of an address in front of it if that is not "".
func (w *weed) options(t *testing.T, address string) Options {
	if address == "" {
		address = "127.0.0.1:" + w.port
	}
	env := map[string]string{"AWS_ENDPOINT_URL": "http://" + address, "AWS_ACCESS_KEY_ID": weedKeys.id, "AWS_SECRET_ACCESS_KEY": weedKeys.secret, "HOME": t.TempDir()}
	return Options{
		Dir: t.TempDir(), Getenv: func(name string) string { return env[name] },
		retry: fetch.Retry{Tries: 200, Dials: 200, Delay: 100 * time.Millisecond, Longest: 200 * time.Millisecond},
	}
}

// cutter passes connections on, and cuts each after some bytes of answers.
func cutter(t *testing.T, to string, after int64) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); _ = l.Close(); all.Wait() })
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			all.Go(func() {
				stop := func() { _ = out.Close(); _ = in.Close() }
				defer context.AfterFunc(ctx, stop)()
				defer stop()
				all.Go(func() { _, _ = io.Copy(out, in) })
				_, _ = io.CopyN(in, out, after)
			})
		}
	})
	return l.Addr().String()
}

// A real store: the batches are those of the disk, whatever happens on the way.
func TestSeaweedFS(t *testing.T) {
	w := startWeed(t)
	dir := t.TempDir()
	const shards = 6
	var files []string
	for i := range shards {
		name := fmt.Sprintf("set-%04d.tar", i)
		content := archive(t, i, 24)
		files = append(files, filepath.Join(dir, name))
		if err := os.WriteFile(files[i], content, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := w.put(t, bucket+"/"+name, content); err != nil {
			t.Fatal(err)
		}
	}
	o := w.options(t, "")
	sameAsDisk(t, open(t, o, pattern(shards)), files, data.Config{})

	t.Run("wrong keys and names", func(t *testing.T) {
		o := w.options(t, "")
		wrong := o
		wrong.Getenv = func(name string) string {
			if name == "AWS_SECRET_ACCESS_KEY" {
				return "another"
			}
			return o.Getenv(name)
		}
		if _, err := Open(t.Context(), wrong, pattern(shards)); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
			t.Errorf("a wrong key: %v", err)
		}
		for _, p := range []string{"s3://nowhere/set-0000.tar", "s3://photos/none.tar"} {
			if _, err := Open(t.Context(), o, p); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), p+": ") || !strings.Contains(err.Error(), "NoSuch") {
				t.Errorf("%s: %v", p, err)
			}
		}
	})
	t.Run("a full cache", func(t *testing.T) {
		o := w.options(t, "")
		info, err := os.Stat(files[0])
		if err != nil {
			t.Fatal(err)
		}
		o.MaxBytes = 4*info.Size() + 4*8192
		sameAsDisk(t, open(t, o, pattern(shards)), files, data.Config{Window: 2})
		if n := cachedBytes(t, o.Dir); n > o.MaxBytes {
			t.Errorf("the cache holds %d bytes, it may hold %d", n, o.MaxBytes)
		}
	})
	t.Run("cut connections", func(t *testing.T) {
		o := w.options(t, cutter(t, "127.0.0.1:"+w.port, 12000))
		sameAsDisk(t, open(t, o, pattern(shards)), files, data.Config{})
	})
	t.Run("changed between", func(t *testing.T) {
		o := w.options(t, "")
		s := open(t, o, pattern(shards))
		for _, f := range glob(t, o.Dir, "*set-0003.tar") {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		old, err := os.ReadFile(files[3])
		if err != nil {
			t.Fatal(err)
		}
		if err := w.put(t, bucket+"/set-0003.tar", archive(t, 77, 24)); err != nil {
			t.Fatal(err)
		}
		if _, err := batches(t, s.Train, data.Config{}); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "s3://photos/set-0003.tar") {
			t.Errorf("an object that has changed: %v", err)
		}
		if err := w.put(t, bucket+"/set-0003.tar", old); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("killed and started again", func(t *testing.T) {
		o := w.options(t, "")
		s := open(t, o, pattern(shards))
		for _, f := range glob(t, o.Dir, "*.tar") {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		w.kill()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var again sync.WaitGroup
		again.Go(func() {
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
			w.start(t, os.Getenv(envWeed))
		})
		sameAsDisk(t, s, files, data.Config{})
		again.Wait()
	})
}
