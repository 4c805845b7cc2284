package store

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/internal/fetch"
)

// archive makes a WebDataset shard of pictures of three classes.
func archive(t testing.TB, shard, pictures int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(shard), 1))
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(name string, content []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	for i := range pictures {
		m := image.NewRGBA(image.Rect(0, 0, 16, 16))
		for j := range m.Pix {
			m.Pix[j] = uint8(r.Uint32())
		}
		for j := range 256 {
			m.Set(j%16, j/16, color.RGBA{uint8(r.Uint32()), uint8(r.Uint32()), uint8(r.Uint32()), 255})
		}
		var file bytes.Buffer
		if err := png.Encode(&file, m); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("%02d%04d", shard, i)
		add(key+".png", file.Bytes())
		add(key+".cls", fmt.Appendf(nil, "%d", r.IntN(3)))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// server holds objects, speaks as much of S3 as is needed to fetch them, and
// misbehaves where told to.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string][]byte // by path
	cut     int               // cut every answer after so many bytes; 0 does not
	deny    bool
	down    bool
	flip    bool // send one wrong byte
	gets    atomic.Int64
	sent    atomic.Int64
}

func newServer(t testing.TB, objects map[string][]byte) *server {
	s := &server{objects: objects}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	content, ok := s.objects[r.URL.Path]
	cut, deny, down, flip := s.cut, s.deny, s.down, s.flip
	s.mu.Unlock()
	fail := func(status int, code string) {
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as the test wants</Message></Error>", code)
		}
	}
	switch {
	case down:
		fail(http.StatusServiceUnavailable, "SlowDown")
		return
	case deny:
		fail(http.StatusForbidden, "SignatureDoesNotMatch")
		return
	case !ok:
		fail(http.StatusNotFound, "NoSuchKey")
		return
	}
	sum := md5.Sum(content)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	if r.Method == http.MethodGet {
		s.gets.Add(1)
		w = &counting{w, &s.sent}
		if cut > 0 {
			w = &cutting{ResponseWriter: w, left: cut}
		}
		if flip {
			content = slices.Clone(content)
			content[600] ^= 1
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// counting counts what is sent.
type counting struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (c *counting) Write(b []byte) (int, error) {
	c.sent.Add(int64(len(b)))
	return c.ResponseWriter.Write(b)
}

func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// cutting closes the connection after some bytes.
type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(b []byte) (int, error) {
	if len(b) > c.left {
		_, _ = c.ResponseWriter.Write(b[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(b)
	return c.ResponseWriter.Write(b)
}

const bucket = "photos"

// shardsOn puts shards on a server and into a folder.
func shardsOn(t testing.TB, shards, pictures int) (*server, []string) {
	dir := t.TempDir()
	objects := map[string][]byte{}
	var files []string
	for i := range shards {
		name := fmt.Sprintf("set-%04d.tar", i)
		content := archive(t, i, pictures)
		objects["/"+bucket+"/"+name] = content
		files = append(files, filepath.Join(dir, name))
		if err := os.WriteFile(files[i], content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return newServer(t, objects), files
}

// options reach a server as S3, with a cache of their own and little patience.
func (s *server) options(t testing.TB) Options {
	env := map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "HOME": t.TempDir()}
	return Options{
		Dir: t.TempDir(), Getenv: func(name string) string { return env[name] },
		retry: fetch.Retry{Tries: 3, Dials: 3, Delay: time.Millisecond},
	}
}

// pattern names so many shards.
func pattern(shards int) string {
	return fmt.Sprintf("s3://%s/set-{0000..%04d}.tar", bucket, shards-1)
}

// open opens a set that ends with the test.
func open(t testing.TB, o Options, patterns ...string) *Set {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := Open(ctx, o, patterns...)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); s.Wait() })
	return s
}

// batches returns a digest of each of some batches of two epochs.
func batches(t testing.TB, d data.Dataset, cfg data.Config) ([]string, error) {
	t.Helper()
	cfg.Preprocess = input.Preprocess{Size: [2]int{8, 8}}
	cfg.Augment = &input.Augment{Crop: input.InceptionCrop, Flip: 0.5}
	cfg.Batch, cfg.Shuffle, cfg.Remainder, cfg.Seed = 8, true, data.DropRemainder, 7
	l, err := data.NewLoader(d, cfg)
	if err != nil {
		return nil, err
	}
	var all []string
	for b, err := range l.Batches(t.Context(), 0, 2*l.Steps()) {
		if err != nil {
			return all, err
		}
		sum := sha256.New()
		fmt.Fprint(sum, b.Labels, b.Examples)
		if err := binary.Write(sum, binary.LittleEndian, b.Images.Data); err != nil {
			return all, err
		}
		all = append(all, string(sum.Sum(nil)))
	}
	return all, nil
}

// sameAsDisk compares the batches of a set with those of the same files.
func sameAsDisk(t testing.TB, s *Set, files []string, cfg data.Config) {
	t.Helper()
	local, err := data.OpenTar(files...)
	if err != nil {
		t.Fatal(err)
	}
	want, err := batches(t, local.Train, cfg)
	if err != nil {
		t.Fatal(err)
	}
	got, err := batches(t, s.Train, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%d batches from the store differ from the %d of the disk", len(got), len(want))
	}
	if !slices.Equal(s.Classes(), local.Classes()) {
		t.Errorf("classes %v, on the disk %v", s.Classes(), local.Classes())
	}
}

// cachedBytes is what the shards in a cache take, complete and not.
func cachedBytes(t testing.TB, dir string) (n int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && (strings.HasSuffix(e.Name(), ".tar") || strings.HasSuffix(e.Name(), partSuffix)) {
			n += info.Size()
		}
	}
	return n
}
