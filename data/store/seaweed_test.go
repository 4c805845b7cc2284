package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
	log  bytes.Buffer  // of cmd, to be read when it has ended
}

var weedKeys = keys{id: "mixnetkey", secret: "mixnetsecret"}

// startWeed starts a SeaweedFS with one key.
func startWeed(t *testing.T) *weed {
	if os.Getenv(envWeed) == "" {
		t.Skip(envWeed + " names no SeaweedFS")
	}
	const tries = 5 // between looking for ports and listening on them others may take one
	var err error
	for range tries {
		w := &weed{dir: t.TempDir()}
		if err = w.start(t); err == nil {
			t.Cleanup(w.kill)
			return w
		}
	}
	t.Fatal(err)
	return nil
}

// freePorts returns ports that nothing listens on, of those that connections and
// listeners without a port of their own are not given: one that is started again
// finds them free still.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	const first, end = 12000, 32000
	var free []string
	for _, i := range rand.Perm(end - first) {
		port := strconv.Itoa(first + i)
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		_ = l.Close()
		if free = append(free, port); len(free) == n {
			return free
		}
	}
	t.Fatalf("of %d ports %d are free", end-first, len(free))
	return nil
}

// start starts the program in w.dir and waits until it serves; started again it
// listens where it did.
func (w *weed) start(t *testing.T) error {
	flags := []string{
		"mini", "-dir=.", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false", "-master.telemetry=false",
		"-s3.port.iceberg=0", "-s3.port.lance=0",
	}
	if w.cmd != nil {
		flags = w.cmd.Args[1:]
	} else {
		parts := []string{"s3", "master", "volume", "filer", "admin"}
		ports := freePorts(t, 2*len(parts))
		w.port = ports[0]
		for i, part := range parts {
			flags = append(flags, "-"+part+".port="+ports[2*i], "-"+part+".port.grpc="+ports[2*i+1])
		}
	}
	w.log.Reset()
	w.cmd = exec.Command(os.Getenv(envWeed), flags...)
	w.cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+weedKeys.id, "AWS_SECRET_ACCESS_KEY="+weedKeys.secret)
	w.cmd.Stdout, w.cmd.Stderr = &w.log, &w.log
	w.cmd.Dir = w.dir
	if err := w.cmd.Start(); err != nil {
		return err
	}
	cmd, done := w.cmd, make(chan struct{})
	w.done = done
	go func() { _ = cmd.Wait(); close(done) }()
	late := time.After(time.Minute)
	for {
		err := w.put("ready/ready", []byte("ready"))
		if err == nil {
			return nil
		}
		select {
		case <-w.done:
			return fmt.Errorf("SeaweedFS ends:\n%s", &w.log)
		case <-late:
			w.kill()
			return fmt.Errorf("SeaweedFS does not serve: %w:\n%s", err, &w.log)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (w *weed) kill() {
	_ = w.cmd.Process.Kill()
	<-w.done
}

// put stores an object, with our signature.
func (w *weed) put(path string, content []byte) error {
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
		if err := w.put(bucket+"/"+name, content); err != nil {
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
		if err := w.put(bucket+"/set-0003.tar", archive(t, 77, 24)); err != nil {
			t.Fatal(err)
		}
		if _, err := batches(t, s.Train, data.Config{}); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "s3://photos/set-0003.tar") {
			t.Errorf("an object that has changed: %v", err)
		}
		if err := w.put(bucket+"/set-0003.tar", old); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("killed and started again", func(t *testing.T) {
		o := w.options(t, "")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s, err := Open(ctx, o, pattern(shards))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { cancel(); s.Wait() }()
		for _, f := range glob(t, o.Dir, "*.tar") {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		w.kill()
		var again sync.WaitGroup
		again.Go(func() {
			time.Sleep(500 * time.Millisecond)
			if err := w.start(t); err != nil {
				t.Error(err)
				cancel()
			}
		})
		sameAsDisk(t, s, files, data.Config{})
		again.Wait()
	})
}
